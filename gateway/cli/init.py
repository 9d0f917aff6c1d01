"""``labline init``: from a server and a broker to a first configuration; on one that is there, what is new."""

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from gateway.cli.check import check, configured, warnings_of
from gateway.cli.new_line import broker as brokers
from gateway.cli.new_line import server as servers
from gateway.cli.new_line.choosing import asked, matching
from gateway.cli.new_line.laboratory import Laboratory
from gateway.cli.new_line.person import Person, person_at_the_terminal
from gateway.cli.new_line.place import Place
from gateway.cli.new_line.writing import Additions, Answers, analyte_names, configuration_text, with_additions
from gateway.cli.options import takes
from gateway.cli.output import out, show_lines
from gateway.config.connections import broker_address, opcua_sources
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.errors import LablineError
from gateway.transport.opcua_proposals import FoundVariable

_PARTS = ("enterprise", "site", "area", "line")
_FOR_A_NEW_FILE = (("--opcua", "opcua"), ("--broker", "broker"), ("--site", "site"))
_MOST_TAGS = 200  # that are taken without anybody choosing them


@dataclass(frozen=True, kw_only=True, slots=True)
class InitOptions:
    """What is known already; what is not is asked for on a terminal, and has its default elsewhere."""

    output: Path = typer.Option(Path("labline.toml"), "--output", "-o", metavar="<file>", help="The configuration.")
    opcua: str = typer.Option(
        "", "--opcua", metavar="<url>", help="The OPC UA server, such as opc.tcp://10.0.0.5:4840."
    )
    username: str | None = typer.Option(
        None, "--username", metavar="<name>", help="The user to log in as at the server."
    )
    password: str | None = typer.Option(
        None, "--password", envvar="LABLINE_OPCUA_PASSWORD", help="Its password. Better give it in the environment."
    )
    security: str | None = typer.Option(
        None, "--security", help="Policy and mode, such as Basic256Sha256/SignAndEncrypt. Without it the best offered."
    )
    trust: str | None = typer.Option(
        None, "--trust", metavar="<sha256>", help="The fingerprint of the server's certificate, as the server shows it."
    )
    tags: list[str] = typer.Option(
        [], "--tags", metavar="<words>", help="Take variables with these words in their path. May be repeated."
    )
    equipment: str | None = typer.Option(
        None, "--equipment", help="Of which equipment the tags are. Without it: by folder."
    )
    broker: str = typer.Option(
        "", "--broker", metavar="<address>", help="Such as broker.local or mqtt://localhost:1883."
    )
    broker_username: str | None = typer.Option(None, "--broker-username", metavar="<name>", help="The broker's user.")
    broker_password: str | None = typer.Option(
        None, "--broker-password", envvar="LABLINE_BROKER_PASSWORD", help="Better give it in the environment."
    )
    ca: Path | None = typer.Option(
        None, "--ca", metavar="<file>", help="The authority of the broker's certificate (PEM)."
    )
    broker_certificate: Path | None = typer.Option(
        None, "--broker-certificate", metavar="<file>", help="This line's certificate at the broker (PEM)."
    )
    broker_key: Path | None = typer.Option(
        None, "--broker-key", metavar="<file>", help="Its private key (PEM), which is copied to the credentials."
    )
    lims_topic: str = typer.Option("lims/results/#", "--lims-topic", help="The topic filter of laboratory results.")
    listen: float = typer.Option(10.0, "--listen", min=0, max=600, help="For how many seconds to listen to it.")
    site: str = typer.Option("", "--site", metavar="<e/s/a/l>", help="Enterprise, site, area and line, with / between.")
    yes: bool = typer.Option(False, "--yes", "-y", help="Ask nothing: take the defaults. Nothing is trusted by that.")
    apply: bool = typer.Option(False, "--apply", help="Write what is new into a configuration that is there.")
    connect: bool = typer.Option(False, "--connect", help="At the end run labline check --connect.")


@takes(InitOptions)
def init(options: InitOptions) -> None:
    """Make a first configuration: browse the OPC UA server, listen to the laboratory, write and check it.

    On a configuration that is there it shows what is new (variables of its servers, names of tests) as a diff, and
    writes that only where you agree, or with --apply.
    """
    person = person_at_the_terminal(says_yes=options.yes)
    if options.output.exists():
        _again(options, person)
    else:
        _first(options, person)


# --- a first configuration


def _first(options: InitOptions, person: Person) -> None:
    site = _site(options, person)
    url = options.opcua or person.line("The OPC UA server, such as opc.tcp://10.0.0.5:4840 (empty: none)")
    place = Place.of(options.output)
    variables: list[FoundVariable] = []
    security, username = "None", None
    if url:
        wanted = servers.Wanted(
            url=url, name="plc1", place=place, security=options.security, username=options.username,
            password=options.password, trust=options.trust,
        )  # fmt: skip
        source, security = servers.entered(wanted, person)
        username = source.username
        variables = _chosen(servers.variables(source), options, person)
    named = brokers.named(options.broker or person.answer("The broker", "localhost"))
    files = brokers.kept_files(place, ca=options.ca, certificate=options.broker_certificate, key=options.broker_key)
    laboratory, analytes = _laboratory(options, named, person, files)
    answers = Answers(
        site=site, store=place.store, url=url or None, security=security, username=username, variables=variables,
        equipment=options.equipment, broker_host=named.host, broker_port=named.port, broker_tls=named.tls,
        broker_username=options.broker_username,
        ca_certificate=files.ca, broker_certificate=files.certificate, own_certificate=place.certificate.name,
        trusted=str(place.trusted("plc1").relative_to(place.folder)),
        lims_topic=options.lims_topic, mapping=laboratory.mapping, analytes=analytes, results=laboratory.understood,
    )  # fmt: skip
    _write_new(options.output, configuration_text(answers))
    show_lines(f"written: {options.output}, {len(variables)} tags, {len(analytes)} analytes")
    _check(options, place)


def _site(options: InitOptions, person: Person) -> dict[str, str]:
    text = options.site or person.answer("Enterprise, site, area and line, with / between", "plant/site/area/line-1")
    parts = [part.strip() for part in text.split("/")]
    if len(parts) != len(_PARTS) or not all(parts):
        raise LablineError(
            f"{text!r} is not enterprise/site/area/line", hint="such as --site acme/lyon/polymers/line-1"
        )
    return dict(zip(_PARTS, parts, strict=True))


def _chosen(variables: Sequence[FoundVariable], options: InitOptions, person: Person) -> list[FoundVariable]:
    """Return the variables that become tags."""
    if options.tags:
        places = sorted({at for words in options.tags for at in matching(variables, words)})
        if not places:
            raise LablineError(f"no variable has {' or '.join(options.tags)} in its path",
                               hint="labline opcua browse lists them all")  # fmt: skip
        return [variables[at] for at in places]
    if person.there:
        return asked(variables, person.line, out.print)
    if len(variables) > _MOST_TAGS:
        raise LablineError(
            f"the server has {len(variables)} variables, and nobody chooses among them",
            hint='name some with --tags, such as --tags "Mixer TI"',
        )
    return list(variables)


def _laboratory(
    options: InitOptions, named: brokers.Named, person: Person, files: brokers.Files
) -> tuple[Laboratory, dict[str, str]]:
    """Return (what came from the laboratory, its names of tests with ours)."""
    password = options.broker_password
    if options.broker_username is not None:
        if password is None:
            password = person.secret("Password at the broker", how_else="put it into LABLINE_BROKER_PASSWORD")
        files.place.keep_secret("mqtt_password", password.encode())
    broker = brokers.address(named, files, username=options.broker_username, password=password)
    laboratory = brokers.listened(broker, options.lims_topic, seconds=options.listen)
    analytes = analyte_names(laboratory.tests)
    brokers.show(laboratory, analytes)
    return laboratory, analytes


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:  # never over one that came meanwhile
            file.write(text)
    except OSError as error:
        raise LablineError(f"{path} cannot be written: {error.strerror}", hint="name another file: --output") from error


def _check(options: InitOptions, place: Place) -> None:
    """Check what was written, with the credentials that were written beside it."""
    credentials = place.credentials
    if credentials.is_dir() and os.environ.get("CREDENTIALS_DIRECTORY") != str(credentials):
        os.environ["CREDENTIALS_DIRECTORY"] = str(credentials)
        show_lines(f"to use it by hand: export CREDENTIALS_DIRECTORY={credentials}")
    if options.connect:
        check(options.output, connect=True, loop_back=False, show=False, as_json=False)
    settings, line = configured(options.output)
    for warning in warnings_of(settings, line):
        out.print(f"warning: {warning}", style="yellow")
    show_lines(
        "ok: it can be used. Next:",
        f"  labline check --config {options.output} --connect   tries servers, tags and rights",
        f"  labline run --config {options.output}               runs the gateway",
    )


# --- again, on a configuration that is there


def _again(options: InitOptions, person: Person) -> None:
    settings, _sha256 = read(options.output)
    known = {(tag.source, tag.node) for tag in settings.tags.values()}
    left_out = [option for option, value in _FOR_A_NEW_FILE if getattr(options, value)]
    if left_out:
        ignored = ", ".join(left_out)
        show_lines(f"note: {options.output} is there, and {ignored} change nothing in it: edit it, or write another "
                   "one with --output")  # fmt: skip
    before = options.output.read_text(encoding="utf-8")
    text, tags, names = before, 0, set(settings.tags)
    for source in opcua_sources(settings):
        new = [variable for variable in servers.variables(source) if (source.name, variable.node) not in known]
        show_lines(f"{source.name}: {len(new)} variables that are no tags yet")
        if not new or (options.tags and not any(matching(new, words) for words in options.tags)):
            continue
        chosen = _chosen(new, options, person)
        added = with_additions(
            text, chosen, _answers(settings, source.name, options), tag_names=names
        )  # fmt: skip
        text, tags = added.text, tags + added.tags
        names |= set(_settings_names(added.text))
    added = _with_new_analytes(settings, text, options)
    for sentence in added.by_hand:
        show_lines(f"by hand: {sentence}")
    if added.text == before:
        show_lines(f"nothing is new for {options.output}")
        return
    _propose(options, person, before, added.text, f"{tags} tags, {added.analytes} analytes")


def _settings_names(text: str) -> list[str]:
    """Return the names of the tags in a configuration's text."""
    import tomllib  # noqa: PLC0415 - of a text that is only proposed

    return list(tomllib.loads(text).get("tags", {}))


def _answers(settings: Settings, server: str, options: InitOptions) -> Answers:
    site = {part: getattr(settings.site, part) for part in _PARTS}
    return Answers(site=site, store="", server=server, equipment=options.equipment)


def _with_new_analytes(settings: Settings, text: str, options: InitOptions) -> Additions:
    """Return the text with names of tests that came from the laboratory and are not known yet."""
    laboratory = brokers.listened(broker_address(settings), settings.lims.topic, seconds=options.listen)
    new = [test for test in laboratory.tests if test not in settings.lims.analytes]
    taken = set(settings.lims.analytes.values())
    analytes = {test: ours for test, ours in analyte_names(new).items() if ours not in taken}
    brokers.show(laboratory, {**settings.lims.analytes, **analytes})
    answers = Answers(site={}, store="", analytes=analytes)
    return with_additions(text, (), answers, tag_names=())


def _propose(options: InitOptions, person: Person, before: str, after: str, what: str) -> None:
    """Show the difference; write it where a person agrees."""
    name = options.output.name
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (proposed)", lineterm=""):
        out.print(line, style="green" if line.startswith("+") else "")
    if not options.apply and not person.agrees(f"Write this into {options.output}"):
        show_lines(f"nothing is written: {what} are new; --apply writes them")
        return
    proposed = options.output.with_name(f".{name}.proposed")
    proposed.write_text(after, encoding="utf-8")
    try:
        read(proposed)  # raises where it could not be used
        options.output.with_name(f"{name}.before").write_text(before, encoding="utf-8")
        proposed.chmod(options.output.stat().st_mode & 0o777)
        proposed.replace(options.output)
    finally:
        proposed.unlink(missing_ok=True)
    show_lines(f"written: {options.output}, {what} are new; the file before is {name}.before")
    _check(options, Place.of(options.output))
