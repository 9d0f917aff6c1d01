"""The account of a demonstration: what happened, as its JSON object says it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from simulator.observer import spread
from simulator.scenarios import PLANTED_CODE, PLANTED_LOT

if TYPE_CHECKING:
    from simulator.demo import Scene


def account_of(scene: "Scene", audit: str) -> dict[str, Any]:
    """Return what happened; ``audit``: what the verification of the trail has said."""
    observer, gateway = scene.observer, scene.gateway
    first = observer.first_accepted_at
    return {
        "seed": scene.options.seed,
        "broker": scene.broker.name,
        "follows": scene.options.follows,
        "ready_seconds": gateway.ready_seconds,
        "first_prediction_seconds": None if first is None else round(first - gateway.ready_at, 3),
        **observer.summary(),
        "audit": audit,
        "off_specification_share": scene.tally.off_share,
        "stage": scene.options.stage,
        "setpoint_writes": len(scene.setpoints.requests),
        "writes_outside_limits": sum(request.is_outside for request in scene.setpoints.requests),
        **_release(scene),
    }


def _release(scene: "Scene") -> dict[str, Any]:
    """Return what came of certificates, reviews, questions and the laboratory's plan."""
    states = [state for _lot, state, _complete in scene.observer.certificates.values()]
    reviews, plan = scene.quality.reviews, scene.observer.plan
    return {
        "certificates_drafted": len(states),
        "certificates_signed": states.count("signed"),
        "certificates_received": len(scene.mes.certificates),
        "certificate_seconds": _certificate_seconds(scene),
        "lots_released": sorted(scene.mes.released),
        "reviews": [asdict(review) for review in reviews],
        "planted_fault_first": next((item.code == PLANTED_CODE for item in reviews if item.lot == PLANTED_LOT), None),
        "quality_refused": scene.quality.refused,
        "questions": scene.questions.summary(),
        "laboratory_plan": {"days": len(plan.get("days", ())), "conflicts": len(plan.get("conflicts", ())),
                            "planned_orders": plan.get("planned_orders", 0)},
    }  # fmt: skip


def _certificate_seconds(scene: "Scene") -> dict[str, Any]:
    """Return the seconds from a lot's end to the draft of its certificate, and from the signature to the MES."""
    at, mes = scene.observer.certificate_at, scene.mes
    drafted = [at[lot, "draft"] - ended for lot, ended in mes.ended_at.items() if (lot, "draft") in at]
    received = [came - at[lot, "signed"] for lot, came in mes.received_at.items() if (lot, "signed") in at]
    return {"end_to_draft": spread(drafted), "signature_to_mes": spread(received)}


def rows_of(account: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return an account as rows of a table for people: a figure, and what it is."""
    rows: list[tuple[str, str]] = []
    for name, value in account.items():
        match value:
            case dict() if name in {"latency_ms", "certificate_seconds"}:
                unit = "ms" if name == "latency_ms" else "s"
                rows += [(f"{which}, {unit}", _spread(figures)) for which, figures in value.items()]
            case dict() if name == "questions":
                rows += [
                    (name, f"{value['asked']} asked, {value['answered']} answered"),
                    ("answers, ms", _spread(value["ms"])),
                ]
            case dict():
                rows.append((name, _spread(value)))
            case list() if name == "reviews":
                rows += [
                    (
                        f"review of {item['lot']}",
                        f"{item['lines_to_read']} of {item['data_points']} lines to read"
                        + (f"; first: {item['text']}" if item["text"] else ""),
                    )
                    for item in value
                ]
            case list():
                rows.append((name, ", ".join(map(str, value)) or "-"))
            case _:
                rows.append((name, str(value)))
    return rows


def _spread(figures: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in figures.items())
