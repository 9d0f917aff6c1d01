"""Plex Connect: jobs are put on hold and released from it; deviations become checksheets.

Paths and headers after the reference of the Plex developer portal (JobScheduling v1-beta1, Checksheet v1). A job is
named by its id, a UUID: it is the ``job_order_id`` where orders are taken from Plex.
"""

import math
from typing import Any

from gateway.contract.sinks.request import (
    Document,
    Option,
    Options,
    SinkRequest,
    Template,
    UnfitError,
    encoded,
    named,
    segment,
)
from gateway.line.sinks import SinkMessage

_ACTS = {SinkMessage.HOLD: "hold", SinkMessage.RELEASE: "release-hold"}


def _render(message: SinkMessage, document: Document, options: Options) -> SinkRequest | None:
    if message in _ACTS:
        job = named(document, "job_order_id")
        return SinkRequest(
            path=f"/scheduling/v1-beta1/jobs/{segment(job)}/{_ACTS[message]}", body=b"", ordered_by=f"job {job}"
        )
    return _checksheet(document, options) if document.get("version") == 1 else None  # later ones are of the same result


def _checksheet(document: Document, options: Options) -> SinkRequest:
    """Return the checksheet of the result that a deviation is about."""
    analyte = named(document, "analyte")
    specification = options.get(f"specification_{analyte}")
    if specification is None:
        raise UnfitError(f"options.specification_{analyte} does not say which specification of Plex it is")
    measured = document.get("measured")
    value = measured.get("value") if isinstance(measured, dict) else None
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise UnfitError("the result is no number")
    body: dict[str, Any] = {
        "controlPlanId": options["control_plan"],
        "note": f"{document.get('title', '')} ({document.get('id', '')})"[:500],
        "measurements": [{"specificationId": specification, "value": value}],
    }
    return SinkRequest(path="/quality/v1/checksheets", body=encoded(body))


PLEX = Template(
    name="plex",
    render=_render,
    messages=frozenset({*_ACTS, SinkMessage.DEVIATION}),
    options={
        "control_plan": Option(description="the id of the control plan, for deviations"),
        "specification_*": Option(description="for each analyte the id of its specification in Plex"),
        "customer_id": Option(description="the PCN, where it is not the default one"),
        "tenant_id": Option(description="the tenant's id, where it is not the default one"),
    },
    secret_headers={"X-Plex-Connect-Api-Key": "api_key", "X-Plex-Connect-Api-Secret": "api_secret"},
    plain_headers={"X-Plex-Connect-Customer-Id": "customer_id", "X-Plex-Connect-Tenant-Id": "tenant_id"},
    needs_credentials=frozenset({"api_key"}),
    calls_per_minute=200,
)
