"""What models predict, and what the laboratory has taught them, into their tables."""

import sqlite3

from gateway.decision import ModelLearned
from gateway.events import Event
from gateway.records.prediction import Prediction
from gateway.store.codec import encode, encode_and_keep
from gateway.store.queries.feedback import columns_of
from gateway.store.statements import SQL


def prediction_made(connection: sqlite3.Connection, _event: Event, record: Prediction) -> None:
    """Write a prediction."""
    connection.execute(
        SQL["insert_prediction"],
        {
            "prediction_id": record.prediction_id,
            "at_ns": record.at_ns,
            "model": record.model.name,
            "equipment_id": record.equipment_id,
            "analyte": record.analyte,
            "material_lot_id": record.material_lot_id,
            "sample_result_id": record.sample_result_id,
            "value": record.value,
            "low": record.low,
            "high": record.high,
            "accepted": record.verdict.accepted,
            "body": encode(record),
        },
    )


def model_learned(connection: sqlite3.Connection, _event: Event, record: ModelLearned) -> None:
    """Write what a result has taught a model, and where the model's correction stands after it."""
    of_model = {"bundle_sha256": record.bundle_sha256, "analyte": record.analyte}
    if record.withdrawn is not None:
        connection.execute(SQL["withdraw_feedback"], {**of_model, "result_id": record.withdrawn})
    if record.entry is not None:
        connection.execute(SQL["insert_feedback"], {**of_model, **columns_of(record.entry)})
    state = {"charts_from_ns": record.charts_from_ns, "body": encode_and_keep(record.state)}
    connection.execute(SQL["insert_learned"], {**of_model, **state})
