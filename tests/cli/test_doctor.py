"""``labline doctor``: one page of everything that could be wrong, and what ``--fix`` does."""

import asyncio
import datetime as dt
import ssl
import stat
from contextlib import closing
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.cli.broker_probes import REFUSED, Finding
from gateway.cli.checkup import certificates, clocks, connections, disk, outputs, people, records_kept
from gateway.cli.checkup.records import Examined, Remark, State, Visited
from gateway.cli.checkup.table import CHECKS
from gateway.cli.doctor import examined, page_document
from gateway.config.reading import read
from gateway.operations.clock_state import ClockState, clock_state
from gateway.store.database import open_state, read_state
from gateway.time_units import DAY_NS
from gateway.transport.mqtt_probe import presented_certificate
from gateway.transport.opcua_certificates import application_uri_of, certificate_in, make_certificate
from gateway.transport.opcua_facts import ServerFacts
from gateway.transport.opcua_reading import OperationLimits
from tests.cli.test_tags import configured
from tests.config.test_settings import MINIMAL, written
from tests.fixtures.commands import labline
from tests.fixtures.console import users_of_each_role
from tests.fixtures.plant_to_find import PlantToFind
from tests.fixtures.secured_broker import certificate_pair

NOW_NS = 1_800_000_000_000_000_000


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    with PlantToFind(tmp_path_factory.mktemp("doctor")) as running:
        yield running


def with_broker(path, plant, folder):
    text = path.read_text().replace(
        'host = "broker.local"', f'host = "127.0.0.1"\nport = {plant.broker.port}\ntls = false'
    )
    path.write_text(text)
    (folder / "store").mkdir(exist_ok=True, mode=0o750)
    open_state(folder / "store").close()
    return path


def states(document, check):
    return [(line["state"], line["what"]) for line in document["checks"] if line["check"] == check]


# --- the whole page, at a real server and a real broker


def test_the_page_of_a_sound_line_has_every_group_and_nothing_wrong(tmp_path, plant):
    path = with_broker(configured(tmp_path, plant, ("level", "LI-7", "")), plant, tmp_path)
    plant.call(plant.set_clock())
    ended = labline("doctor", "--config", path, "--json")
    document = ended.document
    assert [line for line in document["checks"] if line["state"] == "wrong"] == []
    assert (ended.code, document["ok"]) == (0, True)
    assert {line["group"] for line in document["checks"]} >= {row.group for row in CHECKS} - {
        "models",
        "certificates",
        "people",
    }
    assert any("ok" in state and "rights" in what for state, what in states(document, "broker rights"))
    assert any("publishes every" in what for _state, what in states(document, "limits"))
    assert any("clock of plc1" in what for _state, what in states(document, "server clocks"))
    plant.call(plant.set_clock())
    text = labline("doctor", "--config", path).output
    assert "configuration\n  ok" in text
    assert "0 wrong" in text


def test_what_is_wrong_is_named_with_its_place_and_what_to_do(tmp_path, plant):
    path = configured(tmp_path, plant, ("nowhere", "NO-1", ""))
    path.write_text(path.read_text().replace('host = "broker.local"', 'host = "127.0.0.1"\nport = 1\ntls = false'))
    ended = labline("doctor", "--config", path, "--json")
    assert ended.code == 1
    wrong = {line["check"]: line for line in ended.document["checks"] if line["state"] == "wrong"}
    assert "--fix makes it" in wrong["folder"]["do"]
    assert wrong["tags"]["where"] == "tags.nowhere"
    assert "opcua browse" in wrong["tags"]["do"]
    assert wrong["broker rights"]["where"] == "mqtt"


def test_a_configuration_that_cannot_be_used_ends_with_2(tmp_path):
    path = written(tmp_path, MINIMAL + "prot = 1\n")
    ended = labline("doctor", "--config", path, "--json")
    assert ended.code == 2
    assert "mqtt.prot" in ended.document["checks"][0]["what"]


def test_every_row_of_the_table_has_a_name_of_its_own_and_the_groups_stand_together():
    assert len({row.name for row in CHECKS}) == len(CHECKS)
    groups = [row.group for at, row in enumerate(CHECKS) if at == 0 or CHECKS[at - 1].group != row.group]
    assert len(groups) == len(set(groups))


# --- single checks, by what they stand on


def seen(tmp_path, **changes):
    settings, _ = read(written(tmp_path, MINIMAL + '[opcua.plc1]\nurl = "opc.tcp://127.0.0.1:1"\n'))
    return Examined(
        **{"config": tmp_path / "labline.toml", "settings": settings, "line": None, "now_ns": NOW_NS, **changes}
    )


def facts(**changes):
    return ServerFacts(
        **{"name": "plc1", "software": "", "lead_seconds": 0.01, "requested_ms": 500.0, "granted_ms": 500.0,
           "limits": OperationLimits(), "most_items": None, **changes}
    )  # fmt: skip


def worst(remarks):
    return max((remark.state for remark in remarks), default=None)


@pytest.mark.parametrize(
    ("lead", "state"), [(0.5, State.OK), (-1.9, State.OK), (2.5, State.WRONG), (-3.0, State.WRONG)]
)
def test_a_server_clock_that_is_wrong_is_wrong(tmp_path, lead, state):
    assert worst(clocks.servers(seen(tmp_path, visited=Visited(facts=(facts(lead_seconds=lead),))))) is state


def test_without_a_visit_the_running_gateway_tells_how_wrong_clocks_are(tmp_path):
    remarks = list(clocks.servers(seen(tmp_path, status={"clock_skew_seconds": {"plc1": 5.0, "gone": 9.0}})))
    assert [remark.state for remark in remarks] == [State.WRONG]


@pytest.mark.parametrize(("state", "expected"), [
    (None, State.OK), (ClockState(synchronized=True, largest_error_seconds=0.01), State.OK),
    (ClockState(synchronized=False, largest_error_seconds=0.0), State.WARN),
    (ClockState(synchronized=True, largest_error_seconds=7.0), State.WARN),
])  # fmt: skip
def test_a_clock_that_nothing_keeps_right_is_warned_of(tmp_path, monkeypatch, state, expected):
    monkeypatch.setattr(clocks, "clock_state", lambda: state)
    assert worst(clocks.host(seen(tmp_path))) is expected


def test_the_state_of_this_clock_can_be_had():
    state = clock_state()
    assert state is None or state.largest_error_seconds >= 0


@pytest.mark.parametrize(("changes", "state"), [
    ({}, State.OK), ({"granted_ms": 5000.0}, State.WARN), ({"most_items": 0}, State.WRONG),
    ({"most_items": 9}, State.OK),
])  # fmt: skip
def test_what_a_server_grants_less_than_is_asked_for_is_named(tmp_path, changes, state):
    visited = Visited(facts=(facts(**changes),))
    settings = seen(tmp_path).settings
    tag = SimpleNamespace(source="plc1")
    with_tag = seen(tmp_path, visited=visited, settings=settings.model_copy(update={"tags": {"t": tag}}))
    assert worst(connections.limits(with_tag)) is state


def test_how_much_of_a_history_is_fetched_is_shown(tmp_path):
    figures = {"share": 0.43, "samples": 1200.0, "stretches_failed": 0.0, "tags_without_history": 2.0}
    (remark,) = connections.history(seen(tmp_path, status={"history_fetch": {"plc1": figures}}))
    assert (remark.state, remark.what) == (State.OK, "43% of its history is fetched, 1200 values, 2 tags have none")
    (remark,) = connections.history(
        seen(tmp_path, status={"history_fetch": {"plc1": {**figures, "stretches_failed": 3}}})
    )
    assert remark.state is State.WARN


def test_a_missing_right_is_named_with_its_topic(tmp_path):
    findings = (Finding(subject="publish a/b", ok=False, found=REFUSED), Finding(subject="mqtt", ok=True, found="x"))
    remarks = list(connections.broker(seen(tmp_path, visited=Visited(broker=findings))))
    assert [(remark.state, remark.where) for remark in remarks] == [(State.WRONG, "publish a/b"), (State.OK, "")]
    assert "right" in remarks[0].do
    assert worst(connections.broker(seen(tmp_path))) is State.WARN  # nobody has looked


def test_the_room_on_the_disk_is_judged_by_floor_and_pace(tmp_path, monkeypatch):
    def remarks(free, days=None):
        monkeypatch.setattr(disk.os, "statvfs", lambda _path: SimpleNamespace(f_bavail=free, f_frsize=1))
        status = {"disk": {} if days is None else {"days_to_floor": days}}
        return list(disk.room(seen(tmp_path, status=status)))

    assert worst(remarks(10 * 2**30)) is State.OK
    assert worst(remarks(10 * 2**30, days=3.0)) is State.WARN
    (full,) = remarks(2**20)
    assert (full.state, "no result taken" in full.what) == (State.WRONG, True)


@pytest.fixture
def store(tmp_path):
    (tmp_path / "s").mkdir()
    with closing(open_state(tmp_path / "s")) as connection:
        yield connection


def test_what_waits_long_what_is_parked_and_what_was_not_understood(tmp_path, store):
    look = seen(tmp_path, store=store)
    assert [worst(check(look)) for check in (outputs.waiting, outputs.parked, outputs.dead_letters)] == [
        State.OK,
        None,
        None,
    ]
    for at, parked in enumerate([None, "0x87"]):
        store.execute(
            "INSERT INTO outbox (message_id, lane, topic, payload, retain, created_ns, parked) "
            "VALUES (?, 1, 't', x'00', 0, ?, ?)", (f"m{at}", NOW_NS - DAY_NS, parked),
        )  # fmt: skip
    assert worst(outputs.waiting(look)) is State.WARN
    assert worst(outputs.parked(look)) is State.WRONG


def test_the_last_verification_is_judged_by_its_age_and_by_alarms_that_put_it_in_doubt(tmp_path, store):
    look = seen(tmp_path, store=store)
    assert worst(records_kept.verified(look)) is State.WARN  # never
    store.execute("UPDATE store SET checked_ns = ?", (NOW_NS - 3 * DAY_NS,))
    assert worst(records_kept.verified(look)) is State.WARN
    store.execute("UPDATE store SET checked_ns = ?", (NOW_NS - DAY_NS // 2,))
    assert worst(records_kept.verified(look)) is State.OK
    store.execute("INSERT INTO latch (code, at_ns, body) VALUES ('STORE_DAMAGED', 1, '{}')")
    assert worst(records_kept.verified(look)) is State.WRONG


async def test_the_certificate_that_the_broker_presents_is_looked_at(tmp_path):
    certificate_pair(tmp_path, "broker")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "broker.pem", tmp_path / "broker.key")
    async with await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0, ssl=context) as server:
        der = await presented_certificate("127.0.0.1", server.sockets[0].getsockname()[1])
    now_ns = round(dt.datetime.now(dt.UTC).timestamp() * 1e9)
    (remark,) = certificates.presented(seen(tmp_path, now_ns=now_ns, visited=Visited(broker_certificate=der)))
    assert (remark.state, "1 days" in remark.what) == (State.WARN, True)
    late = seen(tmp_path, now_ns=now_ns + 9 * DAY_NS, visited=Visited(broker_certificate=der))
    assert worst(certificates.presented(late)) is State.WRONG
    early = seen(tmp_path, now_ns=now_ns - 9 * DAY_NS, visited=Visited(broker_certificate=der))
    assert worst(certificates.presented(early)) is State.WRONG
    assert list(certificates.presented(seen(tmp_path))) == []
    assert await presented_certificate("127.0.0.1", 1) is None


def test_no_secret_stands_on_the_page():
    remark = Remark(state=State.WRONG, what="opc.tcp://u:hunter2@h is away", where="https://u:hunter2@h", do="")
    assert "hunter2" not in str(page_document({"servers": [("tags", remark)]}))


# --- what is mended


def secured(tmp_path, monkeypatch, *, days_old, port=1):
    """A configuration with a certificate of a year that ends soon, and its key open to others."""
    now = dt.datetime.now(dt.UTC)
    key, certificate = make_certificate(
        uri="urn:edge-7:labline", hosts=["edge-7"], days=365, now=now - dt.timedelta(days=days_old)
    )
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    key_file = credentials / "opcua_plc1_key.pem"
    key_file.write_bytes(key)
    key_file.chmod(0o644)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    (tmp_path / "labline.der").write_bytes(certificate)
    (tmp_path / "plc1.der").write_bytes(certificate)
    text = MINIMAL.replace("/tmp/x", "store/line-1")  # noqa: S108
    text += f'[opcua.plc1]\nurl = "opc.tcp://127.0.0.1:{port}"\nsecurity = "Basic256Sha256/SignAndEncrypt"\n'
    text += 'certificate = "labline.der"\nserver_certificate = "plc1.der"\n'
    return written(tmp_path, text), key_file


def test_fix_makes_folders_and_closes_keys_and_says_so(tmp_path, monkeypatch):
    path, key_file = secured(tmp_path, monkeypatch, days_old=10)
    before = labline("doctor", "--config", path, "--offline", "--json").document
    assert [state for state, _what in states(before, "key rights")] == ["wrong"]
    assert [state for state, _what in states(before, "folder")] == ["wrong"]
    ended = labline("doctor", "--config", path, "--offline", "--fix", "--json").document
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert (tmp_path / "store/line-1").is_dir()
    assert len(ended["done"]) == 2
    assert states(ended, "key rights")[0][0] == "ok"
    again = labline("doctor", "--config", path, "--offline", "--fix", "--json").document
    assert again["done"] == []  # nothing is left to mend


def test_a_certificate_that_ends_soon_is_made_again_and_waits_until_the_server_accepts_it(tmp_path, monkeypatch):
    path, _key = secured(tmp_path, monkeypatch, days_old=355)
    old = (tmp_path / "labline.der").read_bytes()
    done = labline("doctor", "--config", path, "--offline", "--fix", "--json").document["done"]
    assert any("does not accept it yet" in sentence for sentence in done)
    assert (tmp_path / "labline.der").read_bytes() == old
    made = certificate_in(tmp_path / "labline.renewed.der")
    assert application_uri_of(made) == "urn:edge-7:labline"
    assert made.public_key() == certificate_in(tmp_path / "labline.der").public_key()
    assert made.subject == certificate_in(tmp_path / "labline.der").subject


def test_the_one_that_a_server_was_told_to_trust_is_the_one_that_takes_the_old_ones_place(tmp_path, monkeypatch):
    path, _key = secured(tmp_path, monkeypatch, days_old=355)
    labline("doctor", "--config", path, "--offline", "--fix")
    trusted = (tmp_path / "labline.renewed.der").read_bytes()
    labline("doctor", "--config", path, "--offline", "--fix")
    assert (tmp_path / "labline.renewed.der").read_bytes() == trusted
    monkeypatch.setattr("gateway.cli.checkup.fixes._accepts", lambda _source, **_options: True)
    labline("doctor", "--config", path, "--offline", "--fix")
    assert (tmp_path / "labline.der").read_bytes() == trusted


def test_a_certificate_that_the_server_accepts_takes_the_old_ones_place(tmp_path, monkeypatch):
    path, _key = secured(tmp_path, monkeypatch, days_old=355)
    monkeypatch.setattr("gateway.cli.checkup.fixes._accepts", lambda _source, **_options: True)
    labline("doctor", "--config", path, "--offline", "--fix")
    assert certificate_in(tmp_path / "labline.der").not_valid_after_utc > dt.datetime.now(dt.UTC) + dt.timedelta(
        days=300
    )
    assert (tmp_path / "labline.old.der").exists()
    assert not (tmp_path / "labline.renewed.der").exists()


def test_one_that_has_ended_is_replaced_as_it_opens_no_door_any_more(tmp_path, monkeypatch):
    path, _key = secured(tmp_path, monkeypatch, days_old=400)
    (done,) = [line for line in labline("doctor", "--config", path, "--offline", "--fix", "--json").document["done"]
               if "renewed" in line]  # fmt: skip
    assert "has to trust it first" in done
    assert certificate_in(tmp_path / "labline.der").not_valid_after_utc > dt.datetime.now(dt.UTC)


def test_a_certificate_of_an_authority_or_of_another_key_is_left_alone(tmp_path, monkeypatch):
    path, key_file = secured(tmp_path, monkeypatch, days_old=400)
    old = (tmp_path / "labline.der").read_bytes()
    other, _certificate = make_certificate(uri="urn:x:y", hosts=[], days=1, now=dt.datetime.now(dt.UTC))
    key_file.write_bytes(other)
    done = labline("doctor", "--config", path, "--offline", "--fix", "--json").document["done"]
    assert any("is not its private key" in sentence for sentence in done)
    assert (tmp_path / "labline.der").read_bytes() == old


def test_a_certificate_in_pem_stays_in_pem(tmp_path, monkeypatch):
    path, _key = secured(tmp_path, monkeypatch, days_old=400)
    file = tmp_path / "labline.der"
    file.write_bytes(x509.load_der_x509_certificate(file.read_bytes()).public_bytes(Encoding.PEM))
    labline("doctor", "--config", path, "--offline", "--fix")
    assert file.read_bytes().startswith(b"-----BEGIN CERTIFICATE")


def test_parked_messages_are_only_sent_again_where_that_is_asked_for(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "gateway.cli.doctor.perform", lambda *_a, **_o: asked.append(1) or SimpleNamespace(details={"messages": {}})
    )
    path = written(tmp_path, MINIMAL.replace("/tmp/x", str(tmp_path / "s")))  # noqa: S108
    labline("doctor", "--config", path, "--offline", "--fix")
    assert asked == []
    labline("doctor", "--config", path, "--offline", "--fix", "--retry-parked")
    assert asked == [1]
    labline("doctor", "--config", path, "--offline", "--retry-parked")
    assert asked == [1]


def test_a_page_can_be_made_without_connecting(tmp_path):
    path = written(tmp_path, MINIMAL.replace("/tmp/x", str(tmp_path / "s")))  # noqa: S108
    remarks = examined(path, read(path)[0], connect=False)
    assert page_document(remarks)["exit_code"] == 1


def test_the_rights_of_what_a_link_names_are_left_alone(tmp_path, monkeypatch):
    path, key_file = secured(tmp_path, monkeypatch, days_old=10)
    elsewhere = tmp_path / "elsewhere"
    key_file.rename(elsewhere)
    elsewhere.chmod(0o644)
    key_file.symlink_to(elsewhere)
    done = labline("doctor", "--config", path, "--offline", "--fix", "--json").document["done"]
    assert any("it is a link" in sentence for sentence in done)
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644


def test_a_name_with_limited_sight_that_is_no_users_is_said(tmp_path):
    (tmp_path / "store").mkdir()
    open_state(tmp_path / "store").close()
    users_of_each_role(tmp_path / "store")
    for names, state, what in (
        ('["viewer", "viewr"]', State.WRONG, "no users: viewr;"),
        ('["operator", "viewer"]', State.OK, "operator, viewer"),
    ):
        path = written(tmp_path, f'{MINIMAL}\n[[knowledge.sight]]\nusers = {names}\nclients = ["ACME"]\n')
        settings, _sha256 = read(path)
        with closing(read_state(tmp_path / "store")) as store:
            seen = Examined(config=path, settings=settings, line=None, now_ns=NOW_NS, store=store)
            (remark,) = people.sights(seen)
        assert (remark.state, what in remark.what) == (state, True)
