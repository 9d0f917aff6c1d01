"""Answers from what happened before: procedures, what helped, deviations, suppliers, actions, what a search finds."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import quote

from gateway.copilot.answers import Answer, Saying
from gateway.copilot.ground import Asking, Ground
from gateway.copilot.readers.times import shown_time
from gateway.copilot.words import means
from gateway.knowledge.folding import words_of
from gateway.knowledge.kinds.procedures import PROCEDURE
from gateway.knowledge.meaning import ranked
from gateway.knowledge.searching import Asked, search
from gateway.knowledge.similar import knowledge_of
from gateway.lab.effectiveness import ActionOnRecord, Effectiveness
from gateway.lab.procedures import instructions_for
from gateway.line.procedures import Procedure
from gateway.records.guidance import Instruction
from gateway.records.scope import Scope
from gateway.store.queries.corrective_actions import all_actions
from gateway.store.queries.suppliers import scorecards
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS

_MOST, _MOST_STEPS = 5, 12
_LONGEST_COMPARED = 600  # characters: a sentence model reads no more
_HELPED = frozenset({Effectiveness.EFFECTIVE, Effectiveness.REDUCED})


def procedure(ground: Ground, asking: Asking) -> Answer:
    """Show the steps of the procedure for a test or failure: by what it applies to, else by its words."""
    steps = _by_what_it_applies_to(ground, asking) or _by_words(ground, asking)
    if not steps:
        return ground.nothing(asking.intent, "NO_PROCEDURE")
    saying = ground.saying()
    for item in steps[:2]:
        saying.say(
            "PROCEDURE",
            title=item.title,
            steps=" ".join(f"{at}. {step}" for at, step in enumerate(item.steps[:_MOST_STEPS], start=1)),
        )
        saying.fact("procedure", item.procedure)
        for step in item.steps[:_MOST_STEPS]:
            saying.fact("step", step)
        saying.source(f"procedure {item.procedure}", item.title)
    return saying.answered(asking.intent)


def _by_what_it_applies_to(ground: Ground, asking: Asking) -> list[Instruction]:
    analytes = asking.slots.analytes
    if not analytes:
        return []
    named = [item for item in ground.line.procedures if item.analyte]
    applying = instructions_for(
        named,
        analyte=analytes[0],
        product=next(iter(asking.slots.products), None),
        failures=[code for item in named for code in item.failure],
        equipment=next(iter(asking.slots.equipment), None),
    )
    return list(applying)


def _by_words(ground: Ground, asking: Asking) -> list[Instruction]:
    """Return the procedures that share most of the question's words, with synonyms, or that mean about the same."""
    ranked = ranked_procedures(ground, asking.words, asking.text)
    return [Instruction(procedure=item.name, title=item.title, steps=item.steps) for item in ranked]


def ranked_procedures(ground: Ground, words: Sequence[str], text: str) -> list[Procedure]:
    """Return the procedures that a question may mean, the likeliest first: those with most of its words.

    With a sentence model also those that mean about the same. Procedures are the plant's, which everybody may see.
    """
    procedures = sorted(ground.line.procedures, key=lambda item: item.name)
    wanted = [set(ground.synonyms.of(word)) for word in words]
    hits = [sum(any(set(name.split()) <= own for name in names) for names in wanted) for own in map(_words, procedures)]
    near = _nearness(ground, text, procedures)
    least = 1.0 if ground.meaning is None else ground.meaning.least
    return [procedures[place] for place in ranked(hits, near, least=least)]


def _nearness(ground: Ground, text: str, procedures: Sequence[Procedure]) -> list[float] | None:
    meaning = ground.meaning
    if meaning is None or not procedures or not text or not meaning.compares(ground.language):
        return None
    return meaning.nearness(text, [f"{item.title}. {' '.join(item.steps)}"[:_LONGEST_COMPARED] for item in procedures])


def _words(item: Procedure) -> set[str]:
    return set(words_of(" ".join((item.name, item.title, *item.steps, *item.analyte, *item.failure, *item.equipment))))


def helped_before(ground: Ground, asking: Asking) -> Answer:
    """Say what was done against the same failure before, and whether it helped."""
    key = next(iter(asking.slots.deviations), None) or _deviation_of(ground, asking)
    saying = ground.saying()
    if key is not None and ground.searched is not None:
        known = knowledge_of(ground.searched, key, ground.asker.sight)
        if known is not None:
            _say_actions(saying, known.suggested)
            for event in known.similar:
                if event.moves:
                    code = {True: "MOVES_HELPED", False: "MOVES_DID_NOT_HELP", None: "MOVES_MADE"}[event.moves_helped]
                    saying.say(code, title=event.document.title, moves="; ".join(event.moves))
                    saying.source(f"deviation {event.document.key}", event.document.title, event.document.link)
                _say_actions(saying, event.actions)
    analytes = set(asking.slots.analytes)
    if not saying.sentences and analytes:
        alike = [
            item for item in all_actions(ground.state) if item.action.analyte in analytes and item.done_ns is not None
        ]
        _say_actions(
            saying, [item for item in alike if ground.sees(item.action.scope, item.action.material_lot_id)][:_MOST]
        )
    if not saying.sentences:
        return ground.nothing(asking.intent, "NOTHING_HELPED")
    return saying.answered(asking.intent)


def _say_actions(saying: Saying, actions: Iterable[ActionOnRecord]) -> None:
    for item in actions:
        if any(source.record == f"corrective_action {item.action.action_id}" for source in saying.sources):
            continue
        effect = item.effect
        saying.say(
            f"ACTION_{effect.effectiveness.value.upper()}",
            action=item.action.action,
            failed=effect.since.failed_lots,
            lots=effect.since.lots,
            owner=item.action.owner,
        )
        saying.fact("action", item.action.action)
        saying.fact("helped", effect.effectiveness in _HELPED)
        saying.source(
            f"corrective_action {item.action.action_id}",
            item.action.action,
            f"#/deviation/{quote(item.action.deviation_id, safe='')}",
        )


def _deviation_of(ground: Ground, asking: Asking) -> str | None:
    """Return the newest deviation of the lot or analyte that a question names."""
    for lot in asking.slots.lots:
        row = ground.state.execute(SQL["copilot_deviation_of_lot"], {"material_lot_id": lot}).fetchone()
        if row is not None:
            return str(row[0])
    for analyte in asking.slots.analytes:
        rows = ground.state.execute(SQL["copilot_deviations_of_analyte"], {"analyte": analyte, "most": 50}).fetchall()
        for row in rows:
            if ground.sees(_scope(row), row["material_lot_id"]):
                return str(row["grown_from"])
    return None


def deviations(ground: Ground, asking: Asking) -> Answer:
    """Say which deviations were opened in a time."""
    parameters = {"from_ns": asking.from_ns or 0, "until_ns": asking.until_ns or ground.now_ns, "most": 500}
    rows = [row for row in ground.state.execute(SQL["copilot_deviations_between"], parameters) if row["holds"]]
    analytes, lots = set(asking.slots.analytes), set(asking.slots.lots)
    seen = [
        row
        for row in rows
        if ground.sees(_scope(row), row["material_lot_id"])
        and (not analytes or row["analyte"] in analytes)
        and (not lots or row["material_lot_id"] in lots)
    ]
    if not seen:
        return ground.nothing(asking.intent, "NO_DEVIATIONS")
    saying = ground.saying()
    saying.say("DEVIATIONS", count=len(seen))
    saying.fact("deviations", len(seen))
    for row in seen[:_MOST]:
        saying.say(
            "DEVIATION",
            analyte=row["analyte"],
            lot=row["material_lot_id"] or "-",
            sample=row["sample_id"],
            at=shown_time(ground, row["opened_ns"]),
        )
        saying.fact("lot", row["material_lot_id"])
        saying.source(
            f"deviation {row['grown_from']}",
            f"{row['analyte']} {row['material_lot_id'] or ''}",
            f"#/deviation/{quote(row['grown_from'], safe='')}",
        )
    return saying.answered(asking.intent)


def supplier(ground: Ground, asking: Asking) -> Answer:
    """Say how often a supplier's lots failed, where that is going, and what is open."""
    names = set(asking.slots.suppliers)
    cards = [
        card for name in sorted(names) for card in scorecards(ground.state, name) if ground.asker.sight.sees(card.scope)
    ]
    if not cards:
        return ground.nothing(asking.intent, "NO_SUPPLIER", supplier=", ".join(sorted(names)))
    saying = ground.saying()
    for card in cards[:_MOST]:
        if card.risk.tested:
            saying.say(
                "SUPPLIER",
                supplier=card.supplier,
                material=card.material or "-",
                failed=card.risk.failed,
                lots=card.risk.tested,
                low=card.risk.low,
                high=card.risk.high,
            )
            saying.say(f"TREND_{card.trend.value.upper()}")
        saying.say(
            "SUPPLIER_USED",
            supplier=card.supplier,
            material=card.material or "-",
            count=card.used_in,
            open=card.open_deviations,
        )
        saying.fact("failed", card.risk.failed)
        saying.fact("lots", card.risk.tested)
        saying.fact("used_in", card.used_in)
        saying.fact("open_deviations", card.open_deviations)
        saying.source(f"supplier {card.supplier} {card.material}", f"{card.supplier} {card.material}", "#/suppliers")
    return saying.answered(asking.intent)


def open_actions(ground: Ground, asking: Asking) -> Answer:
    """Say which corrective and preventive actions are not done yet."""
    waiting = [
        item
        for item in all_actions(ground.state)
        if item.done_ns is None and ground.sees(item.action.scope, item.action.material_lot_id)
    ]
    today = datetime.fromtimestamp(ground.now_ns / SECOND_NS, tz=ground.line.time_zone).date().isoformat()
    late_only = any(means(word, cue) for word in asking.words for cue in ("overdue", "uberfallig*", "late"))
    if late_only:
        waiting = [item for item in waiting if item.action.due and item.action.due < today]
    if not waiting:
        return ground.nothing(asking.intent, "NO_ACTIONS_LATE" if late_only else "NO_OPEN_ACTIONS")
    saying = ground.saying()
    saying.say("ACTIONS_LATE" if late_only else "ACTIONS_OPEN", count=len(waiting))
    for item in waiting[:_MOST]:
        saying.say("ACTION_OPEN", action=item.action.action, owner=item.action.owner, due=item.action.due or "-")
        saying.fact("action", item.action.action)
        saying.source(
            f"corrective_action {item.action.action_id}",
            item.action.action,
            f"#/deviation/{quote(item.action.deviation_id, safe='')}",
        )
    return saying.answered(asking.intent)


def find(ground: Ground, asking: Asking) -> Answer:
    """Say what a search for the question's words finds."""
    if ground.searched is None:
        return ground.nothing(asking.intent, "NO_INDEX")
    findings = search(ground.searched, Asked(text=" ".join(asking.words), sight=ground.asker.sight, most=_MOST))
    if not findings.findings:
        return ground.nothing(asking.intent, "NOTHING_FOUND")
    saying = ground.saying()
    saying.say("FOUND_SOME" if findings.any_word else "FOUND")
    for item in findings.findings:
        document = item.document
        saying.say("ITEM", title=f"{document.title} ({document.kind})")
        saying.fact("found", document.key)
        saying.source(document.record or f"{PROCEDURE} {document.key}", document.title, document.link)
    if not findings.behind.caught_up:
        saying.say("INDEX_BEHIND")
    return saying.answered(asking.intent)


def _scope(row: sqlite3.Row) -> Scope:
    return Scope(client_id=row["client_id"] or None, study_id=row["study_id"] or None)
