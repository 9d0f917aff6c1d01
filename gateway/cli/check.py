"""``labline check``: the configuration, the bundles and, on request, every server and every right."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from urllib.parse import unquote

import typer

from gateway.cli.broker_probes import REFUSED, Finding, probe_broker
from gateway.cli.effective import show_effective
from gateway.cli.opcua_probes import judge_certificates, probe_sources
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, show_json, show_problems, show_wrapped
from gateway.cli.write_probes import probe_writes
from gateway.clock import SystemClock
from gateway.config.all_at_once import AllAtOnce
from gateway.config.checks import doubts
from gateway.config.connections import (
    broker_address,
    console_options,
    monitoring_options,
    opcua_sources,
    webhook_options,
)
from gateway.config.credentials import unused_credentials
from gateway.config.embeddings import meaning_of
from gateway.config.interfaces import i3x_tokens, opcua_server_options, opcua_server_warnings
from gateway.config.line_definition import define_line
from gateway.config.notify import targets
from gateway.config.phrasing import phrasing_options
from gateway.config.reading import read
from gateway.config.sink_tables import RequestsTable, is_on_this_machine
from gateway.config.sinks import pull_source, sink_targets
from gateway.config.sparkplug import node_options
from gateway.config.tables import Settings
from gateway.config.traces import trace_options
from gateway.errors import ConfigurationError
from gateway.line.definition import UTC_ZONE, LineDefinition, Stage
from gateway.transport.notices import NoticeKind

_MARK = 8  # columns that say whether a finding is all right


def check(
    config: Path = CONFIG,
    connect: bool = typer.Option(
        False,
        "--connect",
        help="Also connect to every OPC UA server and to the broker: read every tag, try every right that is needed.",
    ),
    loop_back: bool = typer.Option(
        False,
        "--loop-back",
        help="For brokers that only speak MQTT 3.1.1: prove rights by messages that consumers see, too. Use it only "
        "while the line stands still.",
    ),
    show: bool = typer.Option(
        False,
        "--show",
        help="Only print the effective configuration: each key, its value, and where it comes from (a line of the "
        "file, a variable, a credential, the default). Secrets are left out.",
    ),
    as_json: bool = JSON,
) -> None:
    """Check a configuration, its models and certificates; list every error at once, with file, key and what to do.

    Exit 1 if a certificate, server, tag or right fails; exit 2 if the configuration cannot be used.
    """
    if show:
        return show_effective(config, as_json=as_json)
    try:
        settings, line = configured(config)
    except ConfigurationError as error:
        if as_json:
            show_json({"ok": False, "problems": [asdict(problem) for problem in error.problems]})
        else:
            show_problems(error.problems)
        raise typer.Exit(2) from error
    warnings = warnings_of(settings, line)
    findings = judge_certificates(settings, now_ns=SystemClock().now_ns())
    findings += asyncio.run(_connect(settings, line, loop_back=loop_back)) if connect or loop_back else []
    ok = all(finding.ok for finding in findings)
    if as_json:
        show_json({"ok": ok, "warnings": warnings, "findings": [asdict(finding) for finding in findings]})
    else:
        _show(settings, line, warnings, findings)
    raise typer.Exit(0 if ok else 1)


def configured(config: Path) -> tuple[Settings, LineDefinition]:
    """Return the settings and the line they define; raises ConfigurationError where a gateway could not start."""
    settings, _sha256 = read(config)
    parts = AllAtOnce()
    line = parts.part(lambda: define_line(settings, path=config.resolve()))
    parts.part(lambda: broker_address(settings))  # these two read certificates and keys
    parts.part(lambda: opcua_sources(settings))
    parts.part(lambda: webhook_options(settings))
    parts.part(lambda: targets(settings, UTC_ZONE))
    parts.part(lambda: sink_targets(settings))
    parts.part(lambda: pull_source(settings))
    embeddings = settings.knowledge.embeddings
    if embeddings is not None:
        parts.part(lambda: meaning_of(embeddings))
    phrasing = settings.copilot.phrasing
    if phrasing is not None:
        parts.part(lambda: phrasing_options(phrasing))
    parts.part(lambda: console_options(settings))
    parts.part(lambda: monitoring_options(settings))
    parts.part(lambda: node_options(settings))
    parts.part(lambda: trace_options(settings))
    parts.part(lambda: opcua_server_options(settings))
    parts.part(lambda: i3x_tokens(settings))
    return settings, parts.done(line)


def warnings_of(settings: Settings, line: LineDefinition) -> list[str]:
    """Return all warnings: of the settings, of stages, and of setpoints."""
    return [
        *_setting_warnings(settings),
        *_approval_warnings(settings, line),
        *setpoint_warnings(line),
        *write_warnings(line),
    ]


def _setting_warnings(settings: Settings) -> list[str]:
    """Return warnings about settings that work but should be changed."""
    warnings = [
        f"opcua.{name}.security is None: values and setpoints travel unprotected"
        for name, server in settings.opcua.items()
        if server.security == "None"
    ]
    warnings += _doubled_nodes(settings)
    warnings += [
        f"notify.{name}.security is none: mail and its password travel readably"
        for name, table in settings.notify.items()
        if table.kind is NoticeKind.EMAIL and table.security == "none"
    ]
    warnings += [
        f"notify.{name}.url stands in the configuration: whoever reads it can post; put it into the credential "
        f"notify_{name}_url"
        for name, table in settings.notify.items()
        if table.url is not None
    ]
    warnings += _readable_requests(settings)
    if not settings.mqtt.tls:
        warnings.append("mqtt.tls is false: results and advice travel unprotected")
    warnings.append(
        "the broker's own persistence cannot be seen from here: deploy/mosquitto/bench.conf shows what it needs"
    )
    warnings += [*opcua_server_warnings(settings), *doubts(settings), *unused_credentials(settings)]
    specified = {table.analyte for table in settings.specification}
    missing = sorted(set(settings.lims.analytes.values()) - specified)
    if missing:
        warnings.append(f"no specification for {', '.join(missing)}: such results are recorded for review")
    return warnings


def _readable_requests(settings: Settings) -> list[str]:
    """Return which requests to systems over HTTP go over the network in plain text."""
    tables: dict[str, RequestsTable] = {f"sinks.{name}": table for name, table in settings.sinks.items()}
    tables |= {} if settings.mes.pull is None else {"mes.pull": settings.mes.pull}
    urls = {f"{key}.{name}": url for key, table in tables.items()
            for name, url in (("url", table.url), ("token_url", table.token_url)) if url is not None}  # fmt: skip
    urls |= {} if settings.traces is None else {"traces.endpoint": settings.traces.endpoint}
    return [
        f"{key} begins with http://: keys and messages travel readably, and anybody could answer"
        for key, url in urls.items()
        if url.startswith("http://") and not is_on_this_machine(url)
    ]


def _doubled_nodes(settings: Settings) -> list[str]:
    """Return which tags show the very same value of a server: mostly one of them was copied and not changed."""
    tags_of: dict[tuple[str, str, int | None], list[str]] = {}
    for name, tag in settings.tags.items():
        server = settings.opcua[tag.source].url.rstrip("/").casefold() if tag.source in settings.opcua else tag.source
        uri, identifier = tag.node.split(";", 1)
        tags_of.setdefault((server, f"{unquote(uri)};{identifier}", tag.index), []).append(name)
    return [f"tags {', '.join(tags)} are all of node {node}" for (_, node, _), tags in tags_of.items() if len(tags) > 1]


def _approval_warnings(settings: Settings, line: LineDefinition) -> list[str]:
    """Return warnings about models that are not signed for their configured stage."""
    rising = [model for model in settings.model if model.stage > Stage.SHADOW]
    if settings.approval.trusted_keys is None:
        warning = "approval.trusted_keys is not set: the configuration alone lets models rise above shadow"
        return [warning] if rising else []
    return [
        f"{model.name} {model.bundle.identity.version} stays in {model.stage.name.lower()}: "
        f"no trusted key has signed it for {table.stage.name.lower()}"
        for model, table in zip(line.configured_models, settings.model, strict=True)
        if model.stage < table.stage
    ]


def setpoint_warnings(line: LineDefinition) -> list[str]:
    """Return which setpoints a model names without suggesting moves of them."""
    return [
        f"{model.name} {model.bundle.identity.version} suggests no move of {item.tag}: its data do not confirm what a "
        "move does, or its recipe says so (see its card.md)"
        for model in line.models
        for item in model.bundle.manipulated
        if not item.may_suggest and model.stage >= Stage.ADVISE
    ]


def write_warnings(line: LineDefinition) -> list[str]:
    """Return which setpoints of a model in stage approve or automatic are not written by that stage."""
    rising = [(model, item.tag) for model in line.models for item in model.bundle.manipulated
              if model.stage >= Stage.APPROVE and item.may_suggest]  # fmt: skip
    unwritten = sorted({tag for _model, tag in rising if tag not in line.writes.by_tag})
    by_hand = sorted({
        tag for model, tag in rising
        if model.stage is Stage.AUTOMATIC and tag in line.writes.by_tag and not line.writes.by_tag[tag].low_risk
    })  # fmt: skip
    return [
        *(f"{tag} has no [tags.{tag}.write]: what is approved is not written to the PLC" for tag in unwritten),
        *(f"tags.{tag}.write.low_risk is false: stage automatic waits for a person" for tag in by_hand),
    ]


async def _connect(settings: Settings, line: LineDefinition, *, loop_back: bool) -> list[Finding]:
    clock = SystemClock()
    return [
        *await probe_sources(settings, clock=clock),
        *await probe_writes(settings, line),
        *await probe_broker(settings, line, clock=clock, loop_back=loop_back),
    ]


def _show(settings: Settings, line: LineDefinition, warnings: list[str], findings: list[Finding]) -> None:
    out.print(f"{settings.line_path}: {len(line.tags)} tags from {len(settings.opcua)} server(s), "
              f"{len(line.specifications)} specification(s), {len(line.models)} model(s)", soft_wrap=True)  # fmt: skip
    for model in line.models:
        identity = model.bundle.identity
        out.print(f"  {identity.name} {identity.version} for {model.equipment_id}, stage {model.stage.name.lower()}, "
                  f"sha256 {identity.sha256[:12]}: hashes and golden vectors hold", soft_wrap=True)  # fmt: skip
    for warning in warnings:
        out.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    if findings:
        _show_findings(findings)
    out.print("ok" if all(item.ok for item in findings) else "not ok")


def _show_findings(findings: list[Finding]) -> None:
    """Print one line for each finding, and where rights are missing, where they are listed."""
    out.print("certificates and connections", style="italic", soft_wrap=True)
    for item in findings:
        show_wrapped(f"{'ok' if item.ok else 'FAILED':<{_MARK}}{item.subject}: {item.found}", hanging=_MARK)
    if any(REFUSED in item.found for item in findings):
        show_wrapped(
            "  -> give this user the missing rights at the broker; docs/operations.md lists all that are needed",
            hanging=5,
        )
