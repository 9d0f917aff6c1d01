"""What ``check`` tries of OPC UA: certificates, and with ``--connect`` to enter each server and read each tag once."""

import datetime as dt
import math

from gateway.cli.broker_probes import Finding
from gateway.clock import Clock
from gateway.config.connections import opcua_sources
from gateway.config.tables import Settings
from gateway.errors import LablineError
from gateway.transport.opcua_browse import read_once
from gateway.transport.opcua_certificates import certificates_in, judge


async def probe_sources(settings: Settings, *, clock: Clock) -> list[Finding]:
    """Connect to every OPC UA server and read every tag once."""
    findings = []
    for source in opcua_sources(settings):
        try:
            readings = await read_once(source, now_ns=clock.now_ns())
        except LablineError as error:
            message = f"{error}; {error.hint}" if error.hint else str(error)
            findings.append(Finding(subject=f"opcua.{source.name}", ok=False, found=message))
            continue
        findings.append(Finding(subject=f"opcua.{source.name}", ok=True, found=f"connected to {source.url}"))
        for tag, reading in readings.items():
            problem = reading.problem
            if problem is None and reading.sample is not None and not math.isfinite(reading.sample.value):
                problem = f"is {reading.sample.value:g}, which is no number: does the server know its value?"
            good = problem is None and reading.sample is not None
            value = "" if reading.sample is None else f"{reading.sample.value:g} {settings.tags[tag].unit}"
            findings.append(Finding(subject=f"tags.{tag}", ok=good, found=value if good else problem or ""))
    return findings


def judge_certificates(settings: Settings, *, now_ns: int) -> list[Finding]:
    """Return findings about our certificates and those of servers that are wrong or expire soon."""
    now, findings = dt.datetime.fromtimestamp(now_ns / 1e9, dt.UTC), []
    for source in opcua_sources(settings):
        if source.security is None:
            continue
        sides = (
            ("certificate", source.security.certificate, source.security.private_key),
            ("server_certificate", source.security.server_certificate, None),
        )
        for key, path, private_key in sides:
            subject = f"opcua.{source.name}.{key}"
            try:
                judgements = [
                    judge(certificate, now=now, private_key=private_key) for certificate in certificates_in(path)
                ]
            except LablineError as error:
                findings.append(Finding(subject=subject, ok=False, found=str(error)))
                continue
            if not judgements:
                findings.append(Finding(subject=subject, ok=False, found=f"{path} holds no certificate"))
            # of several that are pinned one will do
            usable = private_key is None and any(not judgement.wrong for judgement in judgements)
            for judgement in judgements:
                findings += [Finding(subject=subject, ok=usable, found=why) for why in judgement.wrong]
                findings += [Finding(subject=subject, ok=True, found=why) for why in judgement.soon]
    return findings
