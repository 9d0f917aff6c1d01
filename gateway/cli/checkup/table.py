"""The checks of ``labline doctor``, one row each, in the order of the page; each is a function of its group's file."""

from gateway.cli.checkup import (
    certificates,
    clocks,
    configuration,
    connections,
    disk,
    models,
    outputs,
    people,
    records_kept,
)
from gateway.cli.checkup.records import Row
from gateway.cli.checkup.versions import package_versions, schema_version

CHECKS = (
    Row(name="problems", group="configuration", check=configuration.problems),
    Row(name="warnings", group="configuration", check=configuration.warnings),
    Row(name="running", group="configuration", check=configuration.running),
    Row(name="alarms", group="configuration", check=configuration.standing_alarms),
    Row(name="host clock", group="clocks", check=clocks.host),
    Row(name="server clocks", group="clocks", check=clocks.servers),
    Row(name="folder", group="disk", check=disk.folder),
    Row(name="room", group="disk", check=disk.room),
    Row(name="quota", group="disk", check=disk.quota),
    Row(name="expiry", group="certificates", check=certificates.expiry),
    Row(name="broker's certificate", group="certificates", check=certificates.presented),
    Row(name="key rights", group="certificates", check=certificates.key_rights),
    Row(name="broker rights", group="broker", check=connections.broker),
    Row(name="tags", group="servers", check=connections.tags),
    Row(name="writing", group="servers", check=connections.writing),
    Row(name="limits", group="servers", check=connections.limits),
    Row(name="history", group="servers", check=connections.history),
    Row(name="waiting", group="outputs", check=outputs.waiting),
    Row(name="parked", group="outputs", check=outputs.parked),
    Row(name="deliveries", group="outputs", check=outputs.deliveries),
    Row(name="dead letters", group="outputs", check=outputs.dead_letters),
    Row(name="stages", group="models", check=models.stages),
    Row(name="drift", group="models", check=models.latched),
    Row(name="sights", group="people", check=people.sights),
    Row(name="verified", group="audit trail", check=records_kept.verified),
    Row(name="head", group="audit trail", check=records_kept.head),
    Row(name="programs", group="versions", check=package_versions),
    Row(name="schema", group="versions", check=schema_version),
)
