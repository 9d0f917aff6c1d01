"""``[mes.pull]``: orders and lots that are fetched from a MES over HTTP, where it does not publish them."""

from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from gateway.config.forms import Table
from gateway.config.measures import Duration
from gateway.config.sink_tables import RequestsTable
from gateway.records.production import ContextChange, ContextKind
from gateway.transport.http_requests import check_path

_FIELDS = frozenset(ContextChange.__dataclass_fields__) - {"kind", "at_ns"}
SINCE = "{since}"


def _path(path: str) -> str:
    check_path(path.replace(SINCE, "0"))
    return path


class PullRuleTable(Table):
    """``[[mes.pull.rule]]``: how an event stands in a row of the answer."""

    event: ContextKind = Field(description=f"the event: {', '.join(ContextKind)}")
    at: str = Field(min_length=1, description="the path to its time, with dots; a row without it has no such event")
    fields: dict[str, str] = Field(default_factory=dict, description="for each of our fields its path in the row")
    constants: dict[str, str] = Field(default_factory=dict, description="our fields that no row has, with their value")
    when: dict[str, list[str]] = Field(
        default_factory=dict, description='for a path the values that it must have, such as status = ["Running"]'
    )

    @field_validator("fields", "constants")
    @classmethod
    def _known(cls, named: dict[str, str]) -> dict[str, str]:
        unknown = sorted(named.keys() - _FIELDS)
        if unknown:
            raise ValueError(f"{unknown[0]} is no field of an order or lot; fields are {', '.join(sorted(_FIELDS))}")
        return named


class MesPullTable(RequestsTable):
    """``[mes.pull]``: orders and lots that are fetched; its secrets are credentials that begin with mes_pull_."""

    path: Annotated[str, AfterValidator(_path)] = Field(
        default="", description=f"the path below url, with its query; {SINCE} stands for the time look_back ago"
    )
    interval: Duration = Field(default=30.0, ge=1, description='how often it is fetched, such as "30s"')
    look_back: Duration = Field(default=86400.0, ge=60, description='how far back {since} lies, such as "1d"')
    items: str | None = Field(
        default=None, description="the path to the list of rows; without it the answer is the list"
    )
    rule: list[PullRuleTable] = Field(
        default_factory=list, max_length=32, description="without a rule each row is a message as in mes/context"
    )
