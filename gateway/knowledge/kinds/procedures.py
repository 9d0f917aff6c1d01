"""The plant's procedures: files that the line's definition has, not records of the store."""

from gateway.knowledge.documents import Document, fields_of, joined
from gateway.line.procedures import Procedure

PROCEDURE = "procedure"


def procedure_document(procedure: Procedure) -> Document:
    """Return a procedure as it is found and shown."""
    return Document(
        kind=PROCEDURE,
        key=procedure.name,
        title=joined(procedure.title),
        text=joined(procedure.name, *procedure.steps, *procedure.analyte, *procedure.product, *procedure.failure),
        at_ns=0,
        fields=fields_of(
            product=procedure.product, analyte=procedure.analyte, equipment=procedure.equipment,
            failure=procedure.failure,
        ),
    )  # fmt: skip
