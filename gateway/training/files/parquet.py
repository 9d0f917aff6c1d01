"""A Parquet file as rows of texts, where the extra is installed."""

from pathlib import Path
from typing import Any

from gateway.errors import LablineError

PARQUET = b"PAR1"


def read_parquet(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return (the columns' names, the rows as texts); raises LablineError without pyarrow or where it is damaged."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        hint = "pip install 'labline[parquet]', or save it as CSV"
        raise LablineError(f"{path} is Parquet, which needs pyarrow", hint=hint) from error
    try:
        table = pq.read_table(path)
        columns = [[_text(value) for value in column.to_pylist()] for column in table.columns]
    except (pa.ArrowException, OSError) as error:
        problem = f"{path} is damaged Parquet: {str(error).splitlines()[0]}"
        raise LablineError(problem, hint="export it again") from error
    return list(table.column_names), [list(row) for row in zip(*columns, strict=True)]


def _text(value: Any) -> str:
    if value is None:
        return ""
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if isoformat is not None else str(value)
