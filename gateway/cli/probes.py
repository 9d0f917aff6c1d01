"""What ``check --connect`` tries at the OPC UA servers: to enter each one, and to read each tag once."""

from gateway.cli.broker_probes import Finding
from gateway.clock import Clock
from gateway.errors import LablineError
from gateway.line import opcua_sources
from gateway.records import Quality, quality_of
from gateway.settings import Settings
from gateway.transport.opcua_browse import read_once


async def probe_sources(settings: Settings, *, clock: Clock) -> list[Finding]:
    """Connect to every OPC UA server and read every tag once."""
    findings = []
    for source in opcua_sources(settings):
        try:
            samples, refused = await read_once(source, now_ns=clock.now_ns())
        except LablineError as error:
            findings.append(Finding(subject=f"opcua.{source.name}", ok=False, found=str(error)))
            continue
        findings.append(Finding(subject=f"opcua.{source.name}", ok=True, found=f"connected to {source.url}"))
        findings += [Finding(subject=f"tags.{tag}", ok=False, found=why) for tag, why in refused.items()]
        for tag, sample in samples.items():
            good = quality_of(sample.status) is Quality.GOOD
            found = f"{sample.value:g} {settings.tags[tag].unit}" if good else f"status 0x{sample.status:08X}"
            findings.append(Finding(subject=f"tags.{tag}", ok=good, found=found))
    return findings
