"""How commands and a running gateway speak: one line asks, one answers, whatever comes and whoever ends meanwhile."""

import asyncio
import json
import socket
import sqlite3
import stat
import threading
import time
from contextlib import closing, contextmanager, suppress
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import SystemClock
from gateway.contract import acts as contract
from gateway.contract.acts import ActRequest, SignInRequest, answer_line, read_answer, read_request, request_line
from gateway.errors import ConfigurationError, LablineError, Problem
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import (
    ACTS,
    AcknowledgeAlarm,
    ActOutcome,
    Answer,
    PromoteModel,
    RetryMessages,
    RollBackModel,
    SettlePoint,
    refused,
)
from gateway.records.prediction import ModelIdentity
from gateway.records.users import Credential, CredentialKind
from gateway.runtime import act_requests, control_socket
from gateway.runtime.control_socket import Acts
from gateway.store.audit.heads import load_signer
from gateway.store.database import locked, read_state
from gateway.time_units import SECOND_NS
from gateway.transport import unix_line_client, unix_line_server
from gateway.transport.unix_line_server import LineServer
from gateway.transport.unix_socket import SOCKET_FILE
from tests.cases.test_first_plant_lot import Plant, unread
from tests.fixtures.acting import acting
from tests.fixtures.building import assignment, bundle, line
from tests.fixtures.commands import labline

CODE = "MODEL_DRIFT_X"
WHO = ("--reason", "VR-12")
LATER_NS = 2**62


@pytest.fixture
def plant(tmp_path):
    with closing(Plant(tmp_path)) as bench:
        latch(bench)
        yield bench


def latch(plant, code=CODE):
    plant.connection.execute("INSERT OR IGNORE INTO latch (code, at_ns, body) VALUES (?, 1, '{}')", (code,))


def latches(plant):
    return [code for (code,) in plant.connection.execute("SELECT code FROM latch")]


def store(plant):
    return plant.file.parent / "store"


def acknowledge(plant, code=CODE):
    return labline("audit", "acknowledge", code, *WHO, "--config", plant.file)


# --- lines -----------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(max_codepoint=0xD7FF), max_size=40)


SIGN_INS = st.none() | st.builds(SignInRequest, user_id=TEXT, password=TEXT, code=TEXT)


@given(st.builds(ActRequest, sign_in=SIGN_INS, reason=TEXT, read_before_boot_ns=st.integers(0, LATER_NS),
                 act=st.one_of(st.builds(AcknowledgeAlarm, code=TEXT),
                               st.builds(SettlePoint, material_lot_id=TEXT, point_id=TEXT),
                               st.builds(RetryMessages, all_parked=st.booleans(),
                                         message_ids=st.lists(TEXT, max_size=5).map(tuple)))))  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_a_request_is_one_line_and_comes_back_as_it_was(request):
    line = request_line(request)
    assert line.count(b"\n") == 1
    assert read_request(line[:-1]) == request


@given(st.builds(Answer, outcome=st.sampled_from(ActOutcome), code=st.none() | st.just(ActRefusal.NO_ANSWER),
                 parameters=st.fixed_dictionaries({"problem": TEXT}),
                 details=st.dictionaries(TEXT, st.none() | TEXT | st.integers(0, 2**53), max_size=3)))  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_an_answer_is_one_line_and_comes_back_as_it_was(answer):
    line = answer_line(answer)
    assert line.count(b"\n") == 1
    assert read_answer(line[:-1]) == answer


def request_document(**changes):
    request = ActRequest(act=AcknowledgeAlarm(code=CODE), sign_in=None, reason="r", read_before_boot_ns=LATER_NS)
    return {**json.loads(request_line(request)), **changes}


NO_REQUEST = {
    "another schema": request_document(schema="labline.act/2"),
    "an act that there is not": request_document(act="release_lot"),
    "no person": request_document(person=None),
    "a person of a book's length": request_document(person="x" * 201),
    "a field too many": request_document(extra=1),
    "a parameter too many": request_document(parameters={"code": CODE, "force": True}),
    "a parameter too few": request_document(parameters={}),
    "a parameter of another kind": request_document(parameters={"code": {"$ne": ""}}),
    "a list": [],
    "half a character": '{"schema":"labline.act/1","person":"\\ud800"}',
    "nothing": "",
}


@pytest.mark.parametrize("document", NO_REQUEST.values(), ids=NO_REQUEST)
def test_what_is_no_request_is_refused(document):
    line = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(LablineError):
        read_request(line.encode())


@given(st.binary(max_size=300))
@settings(max_examples=40, deadline=None)
def test_whatever_comes_is_read_or_refused(line):
    with pytest.raises(LablineError):
        read_request(line)


def test_every_act_has_its_schema_of_parameters():
    assert all(contract._adapter(kind).json_schema()["type"] == "object" for kind in ACTS)


# --- the socket ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A gateway's loop that many clients speak to."""
    folder = tmp_path_factory.mktemp("shared")
    with closing(Plant(folder)) as bench, acting(folder / "store", bench.line):
        yield bench


@contextmanager
def connected(plant, *, seconds=60.0):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(seconds)
        client.connect(str(store(plant) / SOCKET_FILE))
        yield client


def told(client):
    read = b""
    while part := client.recv(65536):
        read += part
    return read


def converse(plant, sent):
    with connected(plant) as client:
        client.sendall(sent)
        return told(client)


@given(st.binary(max_size=2000), st.lists(st.integers(1, 500), max_size=6))
@settings(max_examples=25, deadline=None)
def test_whatever_is_sent_in_whatever_pieces_gets_one_line_or_the_end(shared, sent, cuts):
    with connected(shared) as client:
        for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True):
            with suppress(BrokenPipeError):  # the first line is answered, and the other end is gone
                client.sendall(sent[begin:end])
        with suppress(OSError):
            client.shutdown(socket.SHUT_WR)
        answer = told(client)
    if b"\n" not in sent:
        assert answer == b""
    else:
        assert read_answer(answer[:-1]).outcome is ActOutcome.REFUSED
        assert answer.count(b"\n") == 1
    assert acknowledge(shared, "NO_SUCH").code == 2  # and it goes on


def test_a_line_without_an_end_is_refused_at_its_bound(shared):
    answer = b""
    with connected(shared) as client, suppress(BrokenPipeError, ConnectionResetError):
        while True:
            client.sendall(b"x" * 65536)
    with suppress(OSError):
        answer = told(client)
    assert answer in {b"", answer_line(refused(ActRefusal.REQUEST_TOO_LONG, most=1))}
    assert acknowledge(shared, "NO_SUCH").code == 2


def test_clients_that_say_nothing_or_never_read_keep_nobody_out_for_long(shared, monkeypatch):
    monkeypatch.setattr(unix_line_server, "_READ_SECONDS", 0.2)
    with connected(shared) as mute, connected(shared) as deaf:
        deaf.sendall(json.dumps(request_document()).encode() + b"\n")
        silent = []
        for _ in range(30):
            silent.append(socket.socket(socket.AF_UNIX))
            silent[-1].connect(str(store(shared) / SOCKET_FILE))
        begun = time.monotonic()
        assert "no alarm NO_SUCH stands" in acknowledge(shared, "NO_SUCH").error
        assert time.monotonic() - begun < 4.5
        for each in silent:
            each.close()
        assert mute.recv(1) == b""


def test_the_socket_is_the_owners_alone(shared):
    mode = (store(shared) / SOCKET_FILE).stat().st_mode
    assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)


def test_a_path_of_any_length_works_and_a_runtime_directory_is_found(tmp_path):
    folder = tmp_path / ("long" * 30) / ("longer" * 30)
    runtime = tmp_path / "run" / ("x" * 120)
    for each in (folder, runtime):
        each.mkdir(parents=True)
    with closing(Plant(folder)) as bench:
        latch(bench)
        with acting(store(bench), bench.line, folder=runtime):
            assert stat.S_ISSOCK((runtime / SOCKET_FILE).stat().st_mode)
            assert (store(bench) / SOCKET_FILE).is_symlink()
            assert acknowledge(bench).code == 0
        assert not (runtime / SOCKET_FILE).exists()
        assert not (store(bench) / SOCKET_FILE).is_symlink()
        assert latches(bench) == []


def test_what_a_kill_has_left_is_taken_away_and_something_else_is_not(plant, tmp_path):
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(store(plant) / SOCKET_FILE))
    left.close()
    assert acknowledge(plant).code == 0  # nobody runs: the file means nothing
    latch(plant)
    with acting(store(plant), plant.line):
        assert acknowledge(plant).code == 0
    (store(plant) / SOCKET_FILE).write_text("a person's own")
    conditions = []

    async def serve():
        server = LineServer(store(plant), named_in=store(plant), longest_bytes=10, answer=None, too_long=b"",
                            closing_seconds=1.0, on_condition=lambda *told: conditions.append(told))  # fmt: skip
        task = asyncio.create_task(server.run())
        while not conditions:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(serve())
    assert conditions == [(unix_line_server.UNAVAILABLE, True)]
    assert (store(plant) / SOCKET_FILE).read_text() == "a person's own"


def test_two_gateways_with_one_runtime_directory_do_not_take_it_from_each_other(shared):
    with (
        pytest.raises(LablineError, match="another gateway listens"),
        unix_line_server._listening(store(shared), named_in=store(shared)),
    ):
        pass
    assert "no alarm" in acknowledge(shared, "NO_SUCH").error


# --- what is done, and what is not --------------------------------------------------------------------------------


def test_a_gateway_that_does_not_answer_is_told_and_nothing_is_done(plant, monkeypatch):
    monkeypatch.setattr(act_requests, "_TAKEN_SECONDS", 0.3)
    with locked(store(plant)):
        no_socket = acknowledge(plant)
        with unix_line_server._listening(store(plant), named_in=store(plant)) as listening:
            stopped = acknowledge(plant)
            late, _address = listening.accept()
            with late:
                line = late.recv(65536)
    for ended in (no_socket, stopped):
        assert (ended.code, "nothing is done" in ended.error) == (2, True)
    assert latches(plant) == [CODE]
    with acting(store(plant), plant.line):  # it goes on, and reads what was asked then
        answer = read_answer(converse(plant, line)[:-1])
    assert (answer.outcome, "nothing is done" in answer.why) == (ActOutcome.REFUSED, True)
    assert latches(plant) == [CODE]


def test_where_the_gateway_ends_before_it_answers_the_command_does_not_know(plant):
    with locked(store(plant)), unix_line_server._listening(store(plant), named_in=store(plant)) as listening:

        def read_and_die():
            listening.settimeout(60)
            other, _address = listening.accept()
            with other:
                other.recv(65536)

        thread = threading.Thread(target=read_and_die, name="dies")
        thread.start()
        ended = acknowledge(plant)
        thread.join()
    assert ended.code == 2
    assert "whether it is done is not known" in ended.error
    assert "before you ask again" in ended.error


def test_an_act_that_is_not_begun_in_time_is_taken_back_and_never_done(plant, monkeypatch):
    monkeypatch.setattr(control_socket, "_BEGIN_SECONDS", 0.2)
    with acting(store(plant), plant.line) as running:
        running.call(running.processor.room, False)  # the disk is full
        ended = acknowledge(plant)
        assert (ended.code, "nothing is done" in ended.error) == (2, True)
        running.call(running.processor.room, True)
        assert "no alarm NO_SUCH" in acknowledge(plant, "NO_SUCH").error
    assert latches(plant) == [CODE]


def test_an_act_whose_commit_failed_is_not_done_twice_and_nobody_claims_to_know(plant, monkeypatch):
    tried = []

    with acting(store(plant), plant.line):
        monkeypatch.setattr("gateway.database.writer._in_transaction", _failing_once(tried))
        ended = acknowledge(plant)
        monkeypatch.undo()
    assert "whether it is done is not known" in ended.error
    assert len(tried) == 1


def _failing_once(tried):
    def work(_connection, work):
        tried.append(work)
        raise sqlite3.OperationalError("disk I/O error")

    return work


def test_a_store_that_somebody_else_listens_for_is_not_trusted(plant, monkeypatch):
    monkeypatch.setattr(unix_line_client, "_is_owner", lambda _connection, _store: False)
    with acting(store(plant), plant.line):
        ended = acknowledge(plant)
    assert "not who owns the store" in ended.error
    assert latches(plant) == [CODE]


# --- each act, by its command, beside a gateway that runs -------------------------------------------------------------


def test_acknowledging_takes_the_alarm_down_at_once_and_the_status_says_so(plant):
    with acting(store(plant), plant.line) as running:
        assert acknowledge(plant).output == f"{CODE} is taken down\n"
        assert latches(plant) == []
        assert "status" in running.done
        again = acknowledge(plant)
    assert (again.code, f"no alarm {CODE} stands" in again.error) == (2, True)
    rows = plant.connection.execute("SELECT subject, body FROM audit WHERE kind = 'alarm_acknowledged'").fetchall()
    assert [(code, json.loads(body)["person"], json.loads(body)["reason"]) for code, body in rows] == [
        (CODE, "Q. Head", "VR-12")
    ]


def test_a_refusal_changes_nothing(plant):
    def everything():
        of_acts = "SELECT count(*) FROM audit WHERE kind NOT IN ('act_refused', 'head_signed')"
        return plant.connection.execute(of_acts).fetchone()[0]

    before = everything()
    with acting(store(plant), plant.line):
        assert acknowledge(plant, "NO_SUCH").code == 2
        assert labline("model", "rollback", "viscosity", *WHO, "--config", plant.file).code == 2
        assert labline("buffer", "retry", "nothing", "--person", "it", "--config", plant.file).code == 2
    assert everything() == before
    codes = [json.loads(body)["code"] for (body,) in plant.connection.execute(
        "SELECT body FROM audit WHERE kind = 'act_refused' ORDER BY seq")]  # fmt: skip
    assert codes == ["ALARM_NOT_STANDING", "CONFIGURED_BUNDLE_IN_SERVICE", "NAME_IS_NO_USER"][: len(codes)]


async def test_what_is_not_understood_and_what_the_store_does_not_finish_is_told_with_its_code(tmp_path, monkeypatch):
    monkeypatch.setattr(control_socket, "_BEGIN_SECONDS", 0.01)
    monkeypatch.setattr(control_socket, "_COMMIT_SECONDS", 0.01)
    begins = SimpleNamespace(ask=lambda _event, _urgency, _answered, begin: begin())
    acts = Acts(inbox=begins, clock=SystemClock(), versions=None, directory=tmp_path, on_retries=list, on_change=list)
    assert read_answer((await acts.answer(b"rubbish", 0)).strip()).code is ActRefusal.REQUEST_NOT_UNDERSTOOD
    request = ActRequest(act=AcknowledgeAlarm(code=CODE), sign_in=None, reason="r", read_before_boot_ns=LATER_NS)
    answer = await acts.perform(request, lambda: Credential(kind=CredentialKind.OS_USER, subject="root"))
    assert (answer.outcome, answer.code) == (ActOutcome.UNKNOWN, ActRefusal.STORE_SLOW)


def test_what_is_tried_or_sent_again_is_taken_up_at_once(plant):
    plant.lims(b"no JSON")
    plant.result("pH", 7.0)
    plant.connection.execute("UPDATE outbox SET parked = 'refused' WHERE seq = (SELECT max(seq) FROM outbox)")
    (letter,) = [each for (each,) in plant.connection.execute("SELECT dead_letter_id FROM dead_letter")]
    (parked,) = [each for (each,) in plant.connection.execute("SELECT message_id FROM outbox WHERE parked IS NOT NULL")]
    with acting(store(plant), plant.line) as running:
        ended = labline("buffer", "retry", letter, "--parked", "--config", plant.file)
        assert ended.lines == [f"{letter} will be tried again", f"{parked} will be sent again"]
        assert "retries" in running.done
        assert ("committed", None) in running.done  # the outbox is read again
    assert plant.connection.execute("SELECT count(*) FROM outbox WHERE parked IS NOT NULL").fetchone()[0] == 0
    assert [tuple(row) for row in plant.connection.execute("SELECT dead_letter_id, tried_ns FROM retry")] == [
        (letter, None)
    ]


TWIN = line(
    models=(assignment(bundle=bundle(identity=ModelIdentity(name="viscosity", version="2", sha256="cd" * 32))),)
)
PROMOTED = PromoteModel(model="viscosity", version="2", bundle_sha256="cd" * 32, folder="/bundles/2")


def asked(plant, act):
    request = ActRequest(act=act, sign_in=None, reason="VR-2", read_before_boot_ns=LATER_NS)
    return read_answer(converse(plant, request_line(request))[:-1])


def kinds_of_trail(plant):
    rows = plant.connection.execute("SELECT kind FROM audit WHERE kind != 'user_added' ORDER BY seq")
    return [kind for (kind,) in rows]


def test_a_version_is_loaded_before_it_is_decided_and_at_work_when_the_command_hears_so(plant):
    configured, defined = line(), []

    def define(versions):
        defined.append({name: promoted.sha256 for name, promoted in versions.items()})
        return TWIN if versions else configured

    with acting(store(plant), configured, define=define) as running:
        assert asked(plant, PROMOTED).outcome is ActOutcome.DONE
        assert [part for part in running.done if part[0] == "line"] == [("line", TWIN)]
        assert kinds_of_trail(plant) == ["model_promoted", "version_taken"]
        assert asked(plant, RollBackModel(model="viscosity")).details == {
            "taken": "2",
            "holds": None,
            "person": "Q. Head",
        }
        assert [part for part in running.done if part[0] == "line"][1:] == [("line", configured)]
        assert asked(plant, RollBackModel(model="viscosity")).outcome is ActOutcome.REFUSED
    assert defined == [{"viscosity": "cd" * 32}, {}]
    assert kinds_of_trail(plant)[2:] == ["model_rolled_back", "version_taken", "act_refused"]


def refusing(_versions):
    raise LablineError("bundle.toml: does not hold", hint="as signed")


def contradicting(_versions):
    problem = Problem(
        file="labline.toml", key="model[1].bundle", message="golden.csv does not hold", hint="sign it again"
    )
    raise ConfigurationError((problem,))


def unreadable(_versions):
    raise PermissionError(13, "Permission denied", "/bundles/2/model.onnx")


@pytest.mark.parametrize(
    ("define", "why"),
    [
        (refusing, "does not hold"),
        (contradicting, "model[1].bundle golden.csv does not hold"),
        (unreadable, "cannot read the version: /bundles/2/model.onnx: Permission denied"),
        (lambda _versions: line(models=()), "is called viscosity"),
    ],
)
def test_a_version_that_the_gateway_cannot_take_is_refused_and_nothing_is_on_record(plant, define, why):
    with acting(store(plant), line(), define=define) as running:
        answer = asked(plant, PROMOTED)
        assert (answer.outcome, why in answer.why) == (ActOutcome.REFUSED, True)
        assert running.done == []
    assert kinds_of_trail(plant) == []
    assert plant.connection.execute("SELECT count(*) FROM version_change").fetchone()[0] == 0


def test_archiving_beside_a_gateway_goes_through_its_writer(plant, tmp_path):
    plant.connection.execute("DELETE FROM latch")
    plant.now_ns = time.time_ns() - 3600 * SECOND_NS
    load_signer(line="x", directory=store(plant), credential=None, make_key=True)
    plant.result("pH", 7.0)
    last = plant.connection.execute("SELECT max(seq) FROM audit").fetchone()[0]
    with acting(store(plant), plant.line):
        ended = labline("audit", "archive", "--before", "2999-01-01", "--to", tmp_path / "a", "--config", plant.file)
        assert ended.error == ""
        assert ended.output.split()[:3] == [str(last), "lines", "archived"]
        ended = labline("audit", "archive", "--before", "2999-01-01", "--to", tmp_path / "b", "--config", plant.file)
        assert ended.code == 0
    with closing(read_state(store(plant))) as connection:
        assert [kind for (kind,) in connection.execute("SELECT kind FROM audit")] == ["audit_archived"]
    assert labline("audit", "verify", "--config", plant.file).code == 0


def test_of_two_who_settle_one_point_at_once_the_second_hears_of_the_first(plant):
    unread(plant)
    (point,) = plant.points()
    ended = []
    with acting(store(plant), plant.line):
        lines = [request_line(ActRequest(act=SettlePoint(material_lot_id="L", point_id=point["point_id"]), sign_in=None,
                                         reason="r", read_before_boot_ns=LATER_NS))] * 2  # fmt: skip
        threads = [threading.Thread(target=lambda line=line: ended.append(converse(plant, line))) for line in lines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    answers = [read_answer(line[:-1]) for line in ended]
    assert sorted(answer.outcome for answer in answers) == [ActOutcome.DONE, ActOutcome.REFUSED]
    assert sum("is settled already: Q. Head" in answer.why for answer in answers) == 1
    assert plant.connection.execute("SELECT count(*) FROM settlement").fetchone()[0] == 1
