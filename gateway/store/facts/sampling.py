"""What is on record of a lot that the laboratory has not measured yet, and what else waits there."""

import json
from collections.abc import Mapping, Sequence

from gateway.facts.sample_request import SamplingOnRecord
from gateway.lab.disposition import WITHDRAWN
from gateway.lab.fingerprints import Fingerprint, MaterialUse
from gateway.lab.in_force import SpecificationsOnRecord
from gateway.lab.materials import MaterialRisk, material_risk
from gateway.lab.sampling import Waiting
from gateway.lab.series import Series
from gateway.records.laboratory import LabResult
from gateway.records.prediction import Prediction
from gateway.records.production import Context
from gateway.store.facts.investigation import MOST_REFERENCES, Records, uses_of_lot

_LATELY = 3  # values since the series signalled


def sampling_of(
    records: Records, context: Context, specifications: SpecificationsOnRecord, lot: str, *, at_ns: int
) -> SamplingOnRecord:
    """Return what the risk of a lot is taken from."""
    product = context.material_definition_id
    stated = (*specifications.configured, *specifications.stated)
    analytes = tuple(
        analyte
        for analyte in dict.fromkeys(
            specification.analyte for specification in stated if specification.product == product
        )
        if specifications.in_force(analyte, at_ns, product, context.client_id)
    )
    uses = uses_of_lot(records, lot)
    measured = records.decoded(LabResult, records.rows("results_of_lot", {"material_lot_id": lot}))
    clients = (context.client_id, *(result.client_id for result in measured))
    client_id = next(filter(None, clients), "")
    of_client = {"client_id": client_id, "product": product}
    references = records.decoded(
        Fingerprint,
        records.rows("fingerprints_in_control", {**of_client, "besides": lot, "most": MOST_REFERENCES}),
    )
    return SamplingOnRecord(
        analytes=analytes,
        measured=frozenset(result.analyte for result in measured if result.status not in WITHDRAWN),
        queue=_queue(records, besides=lot),
        predictions=records.decoded(Prediction, records.rows("newest_predictions_of_lot", {"material_lot_id": lot})),
        fingerprint=next(
            iter(records.decoded(Fingerprint, records.rows("fingerprint_of_lot", {"material_lot_id": lot}))), None
        ),
        references=references,
        new_suppliers=_new_suppliers(uses, references),
        materials=_materials(records, uses, client_id),
        tested={analyte: _tested(records, {**of_client, "analyte": analyte}) for analyte in analytes},
        out_of_trend=frozenset(
            analyte for analyte in analytes if _out_of_trend(records, {**of_client, "analyte": analyte})
        ),
    )


def _queue(records: Records, *, besides: str) -> tuple[Waiting, ...]:
    return tuple(
        Waiting(
            subject=row["material_lot_id"],
            probability=row["probability"],
            since_ns=row["since_ns"],
            tests=dict.fromkeys(json.loads(row["tests"]), row["probability"]),
        )
        for row in records.rows("sample_requests", {})
        if row["material_lot_id"] != besides
    )


def _new_suppliers(uses: Sequence[MaterialUse], references: Sequence[Fingerprint]) -> tuple[str, ...]:
    """Return the materials of suppliers that none of the product's lots on record was made of."""
    if not references:
        return ()
    known = {name for fingerprint in references for _kind, name in fingerprint.present}
    materials = (f"{use.consumed_definition_id or 'material'} of {use.supplier}" for use in uses if use.supplier)
    return tuple(dict.fromkeys(name for name in materials if name not in known))


def _materials(records: Records, uses: Sequence[MaterialUse], client_id: str) -> tuple[MaterialRisk, ...]:
    bought = {(use.supplier, use.consumed_definition_id) for use in uses if use.supplier and use.consumed_definition_id}
    return tuple(
        material_risk(
            row["supplier"], row["material"], row["analyte"], failed=int(row["failed"]), tested=int(row["tested"])
        )
        for supplier, material in sorted(bought, key=str)
        for row in records.rows("material_counts", {"client_id": client_id, "supplier": supplier, "material": material})
    )


def _tested(records: Records, of_client: Mapping[str, str | None]) -> tuple[int, int, int | None]:
    """Return how many of a client's results failed, how many there are, and when the newest sample was drawn."""
    (points,), (failed,) = records.rows("tested_of_product", of_client), records.rows("failed_of_product", of_client)
    return int(failed["failed"]), int(points["tested"]), points["newest_ns"]


def _out_of_trend(records: Records, of_client: Mapping[str, str | None]) -> bool:
    """Return whether one of the newest values of a client's series has signalled."""
    known = records.decoded(Series, records.rows("series_of_client", of_client))
    return any(series.signalled_within(_LATELY) for series in known)
