"""Who sees only some clients' records finds no other client's lots, certificates and deviations in the console."""

from contextlib import closing
from urllib.parse import quote

import pytest

from gateway.console.routes import ROUTES
from gateway.console.sighted import LIMITED
from gateway.knowledge.options import KnowledgeOptions
from gateway.knowledge.sight import NOBODYS_CLIENT, Sight, Sights
from gateway.records.lot_decisions import Verdict
from gateway.records.user_acts import AddUser
from gateway.records.users import Role
from gateway.store.database import open_state
from tests.fixtures.certifying import ACME, Certifying
from tests.fixtures.console import console_at_work, quick_passwords, set_password
from tests.fixtures.console_on_lots import HandClock
from tests.fixtures.deciding import LOT
from tests.fixtures.people import add_users_to

SIGHTS = Sights(of_users={"viewer": NOBODYS_CLIENT, "operator": Sight(clients=frozenset({"Carl"}))})


@pytest.fixture
def bench(tmp_path):
    """A released lot of the client Carl with its certificate's draft."""
    bench = Certifying(tmp_path, ACME)
    with closing(bench.connection):
        bench.made()
        bench.decide(Verdict.RELEASE)
        bench.follow_up()
        bench.context("lot_started", material_lot_id=LOT, client_id="Carl", job_order_id="WO-1", equipment_id="R1")
        yield bench


async def test_lots_and_certificates_are_seen_by_who_may_see_their_client(tmp_path, monkeypatch, bench):
    quick_passwords(monkeypatch)
    (certificate,) = bench.certificates()
    own = certificate.drafted.certificate_id
    users = (Role.QUALITY, Role.VIEWER, Role.OPERATOR)
    for role in users:
        add_users_to(tmp_path, AddUser(user_id=role.value, full_name=role.value, roles=(role,)))
        set_password(tmp_path, role.value)
    lot, paper = f"/api/lots/{quote(LOT, safe='')}", f"/api/certificates/{own}"
    one = (lot, f"{lot}/review", f"{lot}/review/document", f"/api/charts/{quote(LOT, safe='')}/viscosity", paper,
           f"{paper}/1/document.html")  # fmt: skip
    clock = HandClock(bench.now_ns + 10**9)
    async with console_at_work(tmp_path, bench.line, clock=clock, knowledge=KnowledgeOptions(sights=SIGHTS)) as served:
        for role, sees in zip(users, (True, False, True), strict=True):
            browser = served.browser()
            await browser.sign_in(role.value)
            statuses = {path: (await browser.get(path)).status for path in one if "charts" not in path}
            assert set(statuses.values()) == {200 if sees else 404}, (role, statuses)
            chart = (await browser.get(one[3])).status
            assert sees or chart == 404
            lots = (await browser.get("/api/lots")).document["lots"]
            lines = (await browser.get("/api/certificates")).document["lines"]
            assert (LOT in [item["material_lot_id"] for item in lots]) is sees
            assert (own in [item["certificate_id"] for item in lines]) is sees
            assert (await browser.get("/api/lots/NONE")).status == 404
        with closing(open_state(tmp_path)) as connection:  # of a lot that does not hold nobody knows whose it is
            connection.execute("UPDATE lot SET hash = 'x' WHERE material_lot_id = ?", (LOT,))
        viewer = served.browser()
        await viewer.sign_in("viewer")
        assert (await viewer.get(lot)).status == 404
        assert (await viewer.get("/api/lots")).document["lots"] == []


def test_every_limited_route_is_one_of_the_console():
    assert {route.name for route in ROUTES} >= LIMITED
    about = [route.name for route in ROUTES if "{lot}" in route.path or route.path.startswith("/api/certificates")]
    assert set(about) <= LIMITED
