"""Each row of the tables that things are added to has all that belongs to it: loader, schema, probe, documentation."""

from enum import Enum
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from gateway import cli
from gateway.contract.lims.mapping import MAPPINGS
from gateway.contract.probe_messages import probes
from gateway.contract.publications import PUBLICATIONS, is_data
from gateway.contract.schemas import asyncapi
from gateway.decisions.table import DECISIONS
from gateway.events import Event
from gateway.facts.base import Facts
from gateway.guardrails.reasons import Abstention
from gateway.records.act_kinds import ActKind
from gateway.records.acts import ACTS
from gateway.records.follow_ups import FollowUpKind
from gateway.records.production import ContextKind
from gateway.records.timers import Timer
from gateway.store.facts.table import LOADERS
from tests.fixtures.building import NOW_NS

DOCUMENTS = Path(__file__).parents[2] / "docs"
VARIANTS = {"ActRequested": ActKind, "FollowUpDue": FollowUpKind, "TimerDue": Timer, "ContextChanged": ContextKind}


GATEWAY = Path(cli.__file__).parents[1]


@cache
def sources():
    return "\n".join(file.read_text(encoding="utf-8") for file in GATEWAY.rglob("*.py"))


def documented(*names):
    return "\n".join((DOCUMENTS / name).read_text(encoding="utf-8") for name in names)


def test_every_kind_of_event_has_a_row_for_itself_or_for_each_of_its_variants():
    for kind in get_args(Event):
        of_kind = {variant for event, variant in DECISIONS if event is kind}
        assert None in of_kind or of_kind == set(VARIANTS[kind.__name__]), kind.__name__
        variants = {variant for variant in of_kind if isinstance(variant, Enum)}
        assert variants <= set(VARIANTS.get(kind.__name__, ())), kind.__name__
    assert {event for event, _ in DECISIONS} == set(get_args(Event))


def test_every_decision_has_a_loader_of_its_facts_and_no_loader_is_left_over():
    assert {row.facts for row in DECISIONS.values()} == LOADERS.keys()
    assert all(issubclass(kind, Facts) for facts in LOADERS for kind in get_args(facts) or (facts,))


@pytest.mark.parametrize("name", PUBLICATIONS)
def test_every_published_message_has_its_schema_its_probe_and_its_place_in_the_documentation(name):
    row = PUBLICATIONS[name]
    assert row.name == name
    assert (DOCUMENTS / "schema" / f"{name}.json").exists()
    shown = "/".join(["root", *("+" if is_data(level) else level for level in row.topic.split("/"))])
    offered = probes(topic_root="root", line="root", check_id="c-1", at_ns=NOW_NS)
    assert [probe.retain for probe in offered if probe.shown == shown] == [row.retain]
    assert row.topic.split("/")[0] in documented("payloads.md")
    assert f'"{name}"' in documented("schema/asyncapi.json")
    assert f'schema="labline.{name}/1"' in sources()  # by whom it is made
    channel = asyncapi()["channels"][name]
    from_data = [level for level in channel["address"].split("/") if is_data(level)]
    assert len(set(from_data)) == len(from_data)
    assert all(channel["parameters"][level[1:-1]] for level in row.topic.split("/") if is_data(level))  # described


@pytest.mark.parametrize("command", cli._COMMANDS)
def test_every_command_is_documented(command):
    documents = (file.read_text(encoding="utf-8") for file in [DOCUMENTS.parent / "README.md", *DOCUMENTS.glob("*.md")])
    assert any(f"labline {command}" in text or f"make {command}" in text for text in documents)


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_every_format_of_results_has_an_example_and_its_place_in_the_documentation(mapping):
    assert (DOCUMENTS / "mappings" / f"{mapping}.json").exists()
    assert mapping in documented("laboratory.md", "payloads.md").casefold()


@pytest.mark.parametrize("reason", Abstention, ids=lambda reason: reason.name)
def test_every_reason_for_abstaining_is_given_by_some_gate(reason):
    assert f"Abstention.{reason.name}" in sources()


def test_every_kind_of_act_has_its_class():
    assert ACTS.keys() == set(ActKind)
