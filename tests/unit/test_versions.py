"""Which version is in service: promotions as a stack, whatever people do at once and whatever a disk does to a row."""

from contextlib import closing
from pathlib import Path

import pytest

from gateway.definitions import Promoted
from gateway.errors import LablineError
from gateway.store.database import open_state
from gateway.store.statements import SQL
from gateway.store.versions import (
    UNKNOWN,
    Act,
    VersionChange,
    changes,
    in_service,
    promote,
    promoted_at_start,
    roll_back,
)
from tests.building import NOW_NS

WHO = {"person": "qa", "reason": "VR-1"}


def version(number, model="m"):
    return VersionChange(
        model=model, act=Act.PROMOTE, version=number, bundle_sha256=f"hash of {number}", folder=f"/bundles/{number}",
        at_ns=NOW_NS, **WHO,
    )  # fmt: skip


@pytest.fixture
def connection(tmp_path):
    with closing(open_state(tmp_path)) as opened:
        yield opened


def standing(connection):
    acts, unknown = changes(connection.execute(SQL["version_changes"]))
    return {model: [each.version for each in promoted] for model, promoted in in_service(acts).items()}, unknown


def test_a_rollback_takes_the_newest_promotion_back_until_the_configured_bundle_is_left(connection):
    for number in ("1", "2"):
        promote(connection, version(number))
    promote(connection, version("9", model="other"))
    assert standing(connection) == ({"m": ["1", "2"], "other": ["9"]}, None)
    taken, holds = roll_back(connection, "m", at_ns=NOW_NS, **WHO)
    assert (taken.version, holds.version) == ("2", "1")
    assert roll_back(connection, "m", at_ns=NOW_NS, **WHO)[1] is None
    with pytest.raises(LablineError, match="the configured bundle is in service"):
        roll_back(connection, "m", at_ns=NOW_NS, **WHO)
    assert not connection.in_transaction
    assert standing(connection) == ({"other": ["9"]}, None)


def test_more_rollbacks_than_promotions_on_record_stop_nothing():
    acts = [version("1"), *[VersionChange(**{**_fields(version("1")), "act": Act.ROLL_BACK})] * 2, version("2")]
    assert [each.version for each in in_service(acts)["m"]] == ["2"]


def _fields(change):
    return {name: getattr(change, name) for name in change.__slots__}


def test_where_a_row_is_damaged_nothing_before_it_counts_and_it_is_told_until_somebody_promotes_again(
    connection, tmp_path
):
    for number in ("1", "2"):
        promote(connection, version(number))
    connection.execute("UPDATE version_change SET folder = '/elsewhere' WHERE seq = 2")
    assert promoted_at_start(tmp_path, at_ns=NOW_NS) == {}
    assert [code for (code,) in connection.execute("SELECT code FROM latch")] == [UNKNOWN]
    connection.execute("DELETE FROM latch")
    promote(connection, version("3"))
    assert promoted_at_start(tmp_path, at_ns=NOW_NS) == {"m": Promoted(folder=Path("/bundles/3"), sha256="hash of 3")}
    assert connection.execute("SELECT count(*) FROM latch").fetchone()[0] == 0
