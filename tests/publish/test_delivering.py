"""Systems are told over HTTP: each effect once, in order for each lot, whatever goes wrong between."""

import asyncio
import datetime as dt
import hashlib
import hmac
import ipaddress
import json
import random
import sqlite3
import ssl
from collections import deque
from contextlib import closing
from types import SimpleNamespace

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.sink_tables import SinkTable
from gateway.config.sinks import sink_targets
from gateway.contract.sinks.table import TEMPLATES
from gateway.errors import StoreUnavailableError
from gateway.store.database import open_state
from gateway.store.statements import SQL
from gateway.transport.attempts import Attempts
from gateway.transport.http_requests import (
    AddressError,
    HttpAnswer,
    check_path,
    holds_secret,
    may_connect,
    retry_after,
    shown_answer,
    split_address,
)
from gateway.transport.pauses import LONGEST_SECONDS, CallRate, pause_seconds
from simulator.rest_systems import Fault, RestSystem, serving
from tests.fixtures.building import new_state
from tests.fixtures.sinks import delivery, told


@pytest.fixture
def store(tmp_path):
    new_state(tmp_path).close()
    return tmp_path


def numbers(calls):
    return [json.loads(call.body)["number"] for call in calls]


async def test_a_delivery_is_told_once_signed_and_with_its_id_as_the_key(store):
    async with (
        serving(RestSystem()) as system,
        told(
            store, system.port, base="/api", headers={"Authorization": "Bearer s3cret-token"}, signing_key=b"k" * 32
        ) as line,
    ):
        await line.put(delivery(1))
        await line.after()
        await line.after(3600)
    (call,) = system.calls
    assert (call.method, call.path, call.key) == ("POST", "/api/hold", "d-1")
    assert call.headers["authorization"] == "Bearer s3cret-token"
    assert call.headers["x-labline-signature"] == "sha256=" + hmac.new(b"k" * 32, call.body, hashlib.sha256).hexdigest()
    assert await_rows(store) == [("d-1", "delivered", 1, "answered 201")]


def await_rows(directory):
    with sqlite3.connect(directory / "state.db") as connection:
        query = "SELECT delivery_id, state, attempts, answer FROM delivery ORDER BY seq"
        return [tuple(row) for row in connection.execute(query)]


async def test_an_end_between_answer_and_commit_leads_to_the_same_request_and_to_no_second_effect(store):
    async with serving(RestSystem()) as system, told(store, system.port) as line:
        await line.put(delivery(1))
        commit, line.writer.run = line.writer.run, _unavailable
        with pytest.raises(StoreUnavailableError):
            await line.after()  # posted, not committed
        line.writer.run = commit
        line.deliverer = line.another()  # a gateway that has started again
        await line.after()
        assert await line.rows("state") == [("delivered",)]
    first, second = system.calls
    assert (first.key, first.body, first.path) == (second.key, second.body, second.path)
    assert numbers(system.effects) == [1]


async def _unavailable(_work):
    raise StoreUnavailableError("the disk is full")


async def test_a_lot_that_fails_holds_back_its_own_deliveries_and_no_others(store):
    refuses = {1: 500}
    system = RestSystem(refuses=lambda call: refuses.get(json.loads(call.body)["number"]))
    async with serving(system), told(store, system.port) as line:
        await line.put(delivery(1, "L-1"), delivery(2, "L-1"), delivery(3, "L-2"), delivery(4, "L-2"))
        await line.after()
        assert numbers(system.effects) == [3, 4]
        refuses.clear()
        await line.after(9.0)
        assert numbers(system.effects) == [3, 4]  # not before its pause is over
        await line.after(1.0)
        assert numbers(system.effects) == [3, 4, 1, 2]


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_what_is_refused_for_good_waits_for_a_person_and_the_next_goes_on(store, status):
    system = RestSystem(refuses=lambda call: status if json.loads(call.body)["number"] == 1 else None)
    async with serving(system), told(store, system.port) as line:
        await line.put(delivery(1), delivery(2))
        await line.after()
        assert await line.rows("state, attempts, answer") == [
            ("refused", 1, f'answered {status}: {{"message": "not taken"}}'), ("delivered", 1, "answered 201"),
        ]  # fmt: skip
        assert line.conditions == {"SINK_UNAVAILABLE_MES": False, "SINK_REFUSED_MES": True}
        (line_of_trail,) = await line.writer.run(
            lambda store: store.execute("SELECT body FROM audit WHERE kind = 'delivery_refused'").fetchall()
        )
        assert f"answered {status}" in line_of_trail[0]


async def test_a_delivery_is_given_up_after_days_of_trying_and_not_for_days_of_being_switched_off(store):
    async with serving(RestSystem(required=("X-Key", "right"))) as system, told(store, system.port) as line:
        await line.put(delivery(1))
        line.clock.passed += 30 * 86400.0  # nobody tried
        await line.after()
        assert await line.rows("state") == [("waiting",)]
        while (await line.rows("state"))[0][0] == "waiting":
            await line.after(12 * 3600.0)
        ((state, attempts, answer),) = await line.rows("state, attempts, answer")
        assert (state, attempts) == ("refused", 8)
        assert answer.startswith("given up: answered 401")
        assert line.conditions["SINK_UNAVAILABLE_MES"]


@pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.ERROR_503, Fault.REDIRECT])
async def test_every_fault_ends_in_one_effect(store, fault):
    async with serving(RestSystem(faults=deque([fault, fault]))) as system, told(store, system.port) as line:
        await line.put(delivery(1))
        await line.until_sent()
        assert numbers(system.effects) == [1]
        assert {call.path for call in system.calls} == {"/hold"}  # a redirection is not followed
        assert {call.key for call in system.calls} == {"d-1"}


async def test_a_pause_that_the_server_asks_for_is_kept_for_all_lots(store):
    async with serving(RestSystem(calls_per_minute=1, retry_after="120")) as system, told(store, system.port) as line:
        system.now = line.clock.monotonic
        await line.put(delivery(1, "L-1"), delivery(2, "L-2"), delivery(3, "L-3"))
        await line.after()
        await line.after(119.0)
        assert len(system.calls) == 2
        await line.after(1.0)
        assert numbers(system.effects) == [1, 2]
        await line.until_sent()
        assert sorted(numbers(system.effects)) == [1, 2, 3]


async def test_no_more_calls_go_out_in_a_minute_than_the_system_takes(store):
    async with serving(RestSystem(calls_per_minute=3)) as system, told(store, system.port, calls_per_minute=3) as line:
        system.now = line.clock.monotonic
        await line.put(*(delivery(number, f"L-{number}") for number in range(8)))
        for _ in range(16):
            await line.after(15.0)
        assert len(system.calls) == len(system.effects) == 8  # none was answered 429


async def test_while_a_system_is_away_one_delivery_after_the_other_tries_it_and_then_all_go_at_once(store):
    async with serving(RestSystem()) as system:
        port = system.port
    async with told(store, port) as line:
        await line.put(*(delivery(number, f"L-{number}") for number in range(20)))
        await line.after()
        assert [row[0] for row in await line.rows("attempts")] == [1, *[0] * 19]
        for _ in range(30):
            await line.after(60.0)
        assert sum(row[0] for row in await line.rows("attempts")) <= 31
        assert line.conditions["SINK_UNAVAILABLE_MES"]
        async with serving(RestSystem(), port=port) as system:
            await line.after(60.0)
            assert sorted(numbers(system.effects)) == list(range(20))
        assert not line.conditions["SINK_UNAVAILABLE_MES"]


async def test_a_row_that_somebody_has_changed_is_not_sent(store):
    async with serving(RestSystem()) as system, told(store, system.port) as line:
        await line.put(delivery(1))
        await line.writer.run(lambda store: store.execute("UPDATE delivery SET path = '/release'"))
        await line.after()
        assert system.calls == []
        assert (await line.rows("state"))[0][0] == "refused"


async def test_a_success_that_says_in_its_text_that_it_is_none_is_a_refusal(store):
    async with serving(RestSystem()) as system, told(store, system.port, template=TEMPLATES["opcenter"]) as line:
        await line.put(delivery(1, path="/sit-svc/application/A/odata/C", body=b'{"command": 1}'))
        await line.after()
        assert (await line.rows("state, answer"))[0] == (
            "refused", "answered 200: the command did not succeed (error -1)",
        )  # fmt: skip


# --- whatever goes wrong ------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(
    lots=st.lists(st.integers(0, 3), min_size=1, max_size=10),
    faults=st.lists(st.sampled_from([None, *(fault for fault in Fault if fault is not Fault.SLOW)]), max_size=25),
    ends=st.sets(st.integers(0, 30), max_size=4),
)
def test_under_random_faults_and_ends_nothing_is_lost_nothing_is_doubled_and_each_lot_keeps_its_order(
    tmp_path_factory, lots, faults, ends
):
    directory = tmp_path_factory.mktemp("faults")
    new_state(directory).close()
    system = RestSystem(faults=deque(faults))

    async def run():
        async with serving(system), told(directory, system.port) as line:
            await line.put(*(delivery(number, f"L-{lot}") for number, lot in enumerate(lots)))
            real, count = line.writer.run, 0

            async def sometimes(work):
                nonlocal count
                count += 1
                if count in ends:
                    raise StoreUnavailableError("the end")
                return await real(work)

            line.writer.run = sometimes
            for _ in range(200):
                try:
                    await line.after(900.0)
                except StoreUnavailableError:
                    line.deliverer = line.another()
                line.writer.run = real
                states = await line.rows("state")
                line.writer.run = sometimes
                if all(state == "delivered" for (state,) in states):
                    return
            raise AssertionError(states)

    asyncio.run(run())
    made = numbers(system.effects)
    assert sorted(made) == list(range(len(lots)))
    for lot in set(lots):
        of_lot = [number for number in made if lots[number] == lot]
        assert of_lot == sorted(of_lot)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_pauses_grow_from_ten_seconds_to_fifteen_minutes(failures, chance):
    pause = pause_seconds(failures, chance=chance)
    assert 10.0 <= pause <= LONGEST_SECONDS
    assert pause <= pause_seconds(failures + 1, chance=1.0)


def test_pauses_double():
    pauses = [pause_seconds(failures, chance=0.0) for failures in range(1, 9)]
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 900]


@given(st.integers(1, 20), st.lists(st.floats(0, 30), max_size=100))
def test_in_no_minute_are_there_more_calls_than_the_rate(per_minute, steps):
    rate, at, made = CallRate(per_minute), 0.0, []
    for step in steps:
        at += step
        if rate.wait_seconds(at) <= 0:
            rate.note(at)
            made.append(at)
    assert all(later - first >= 60.0 - 1e-9 for first, later in zip(made, made[per_minute:], strict=False))


# --- nowhere else -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["https://user@mes.example/", "https://user:pw@mes.example/", "https://mes.example@evil.example/", "ftp://h/",
     "https://mes.example/?x=1", "https://mes.example/#x", "https:///api", "mes.example", "https://mes.example/../x",
     "https://mes.example/a//b", "https://mes.example\\@evil.example/", "https://mes.example/ x", "https://h:99999/",
     "https://mes.example/%2e%2e/x", "https://mes.example/a%2fb", "https://mes.exämple/"],
)  # fmt: skip
def test_an_address_is_only_host_port_and_path(url):
    with pytest.raises(ValueError, match=r".+"):
        split_address(url)


@pytest.mark.parametrize(
    "path",
    ["//evil.example/x", "/a/../b", "/a/%2e%2E/b", "/a/%2f/b", "/a//b", "@evil.example", "http://evil.example/", "a/b",
     "/a\r\nHost: evil", "/a b", "/a/%252e%252e/b", "/./a", "/ä", "/a%00", "/\\evil.example"],
)  # fmt: skip
async def test_a_path_that_could_lead_elsewhere_is_not_requested(path, store):
    with pytest.raises(AddressError):
        check_path(path)
    async with serving(RestSystem()) as system, told(store, system.port) as line:
        await line.put(delivery(1, path=path))
        await line.after()
        assert (await line.rows("state"))[0][0] == "refused"
    assert system.calls == []


def test_addresses_and_paths_that_are_usual_are_taken():
    assert split_address("https://mes.example:8443/api/v1/") == ("https", "mes.example", 8443, "/api/v1")
    assert split_address("http://[::1]") == ("http", "::1", 80, "")
    check_path("/@@API/senaite/v1/update")
    check_path("/jobs/L%20%C3%B6?after=3")


@pytest.mark.parametrize(
    ("address", "host", "networks", "allowed"),
    [("10.0.0.7", "mes.example", (), True), ("127.0.0.1", "mes.example", (), False),
     ("127.0.0.1", "127.0.0.1", (), True),
     ("169.254.169.254", "mes.example", (), False), ("::1", "mes.example", (), False),
     ("0.0.0.0", "mes.example", (), False),
     ("::ffff:127.0.0.1", "mes.example", (), False), ("fe80::1%eth0", "mes.example", (), False),
     ("::1", "localhost", (), True), ("10.0.0.7", "mes.example", ("10.0.0.0/8",), True),
     ("192.168.1.1", "mes.example", ("10.0.0.0/8",), False), ("fd00::7", "mes.example", ("10.0.0.0/8",), False)],
)  # fmt: skip
def test_a_name_leads_only_where_it_may(address, host, networks, allowed):
    assert may_connect(address, host, tuple(ipaddress.ip_network(text) for text in networks)) is allowed


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("120", 120.0), (" 5 ", 5.0), ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
     ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("soon", None), ("-5", None), ("٣", None), ("9" * 400, 999999999.0)],
)  # fmt: skip
def test_a_pause_is_read_in_seconds_or_as_a_date(value, seconds):
    assert retry_after(value, now_seconds=100.0) == seconds


# --- secrets ------------------------------------------------------------------------------------------------------

SECRET = "kV3/9x+Qz&w8=rT"


@pytest.mark.parametrize("echo", [SECRET, f"token={SECRET[:8]}...", SECRET.encode().hex(), "a1YzLzl4K1F6Jnc4PXJU"])
async def test_a_secret_is_in_no_answer_log_or_store_even_where_the_system_sends_it_back(store, echo):
    system = RestSystem(refuses=lambda _call: 400, refusal=echo.encode())
    with structlog.testing.capture_logs() as logs:
        async with (
            serving(system),
            told(store, system.port, headers={"Authorization": f"Bearer {SECRET}"}, secrets=(SECRET,)) as line,
        ):
            await line.put(delivery(1))
            await line.after()
    assert SECRET not in repr(logs)
    assert SECRET not in repr(line.target)
    assert SECRET.encode() not in b"".join(file.read_bytes() for file in store.iterdir())
    assert await_rows(store) == [("d-1", "refused", 1, "answered 400: (its text is left out)")]


def test_an_answer_without_a_secret_is_shown():
    assert not holds_secret("the lot L-1 is not known", (SECRET,))
    answer = HttpAnswer(status=404, body=b"the lot\x00\x1b[31m is\nnot known")
    assert shown_answer(answer, (SECRET,)) == "answered 404: the lot[31m is not known"


@given(st.text(min_size=8, max_size=40), st.integers(0, 5))
def test_no_part_of_a_secret_passes(secret, at):
    assert holds_secret(f"x{secret[at : at + 8]}y" if len(secret) >= at + 6 else secret, (secret,))


@pytest.fixture(autouse=True)
def same_chance():
    random.seed(1)


async def test_an_attempt_may_follow_another_at_once():
    attempts = Attempts("one")
    for number in range(200):
        assert await attempts.run(lambda number=number: number) == number


@pytest.mark.parametrize("statement", ["deliveries_due", "delivery_counts"])
def test_looking_for_what_is_due_reads_only_what_waits(store, statement):
    parameters = {"sink": "mes", "now_ns": 1, "latest_ns": 2, "most": 5}
    with closing(open_state(store)) as connection:
        plan = [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {SQL[statement]}", parameters)]
    looks = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
    assert all("INDEX delivery_" in step or "INTEGER PRIMARY KEY" in step for step in looks), plan


# --- TLS ----------------------------------------------------------------------------------------------------------


def certificate_of(name, issuer, key, signing_key, *, authority=False):
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    by = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)])
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(by).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(signing_key, hashes.SHA256())
    )  # fmt: skip


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def pem_of_key(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """An authority, the system's certificate and the gateway's, as files; the key of the latter as a credential."""
    folder = tmp_path_factory.mktemp("pki")
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "server", "client")}
    for name, key in keys.items():
        made = certificate_of(name, "ca", key, keys["ca"], authority=name == "ca")
        (folder / f"{name}.pem").write_bytes(pem(made))
        (folder / f"{name}_key.pem").write_bytes(pem_of_key(key))
    (folder / "sink_mes_key.pem").write_bytes(pem_of_key(keys["client"]))
    return folder


def of_the_system(pki):
    """The system's side: it lets in whoever shows a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.pem", pki / "server_key.pem")
    context.load_verify_locations(pki / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.mark.parametrize(
    ("files", "state", "why"),
    [({"ca_certificate": "ca.pem", "certificate": "client.pem"}, "delivered", "answered 201"),
     ({"certificate": "client.pem"}, "waiting", "the certificate is not trusted"),
     ({"ca_certificate": "ca.pem"}, "waiting", "")],
)  # fmt: skip
async def test_both_ends_show_certificates_and_nothing_is_told_to_one_that_is_not_trusted(
    store, pki, monkeypatch, files, state, why
):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(pki))
    async with serving(RestSystem(), tls=of_the_system(pki)) as system:
        table = SinkTable.model_validate({
            "url": f"https://127.0.0.1:{system.port}", "messages": ["hold"],
            **{key: pki / name for key, name in files.items()},
        })  # fmt: skip
        (configured,) = sink_targets(SimpleNamespace(sinks={"mes": table}))
        async with told(store, system.port) as line:
            line.target = configured
            line.deliverer = line.another()
            await line.put(delivery(1))
            await line.after()
            ((stands, answer),) = await line.rows("state, answer")
    assert stands == state
    assert answer.startswith(why)
    assert len(system.effects) == (state == "delivered")
