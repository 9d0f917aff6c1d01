"""A sentence model ranks procedures and similar events besides words; it never decides what may be seen, nor facts."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from gateway.config.embeddings import meaning_of
from gateway.config.knowledge_tables import EmbeddingsTable
from gateway.contract.identity import sha256_hex
from gateway.copilot.answering import answered
from gateway.copilot.answers import Outcome
from gateway.copilot.ground import Asker, Ground
from gateway.errors import BundleRefusedError, ConfigurationError, InferenceError, LablineError
from gateway.knowledge.catching_up import catch_up
from gateway.knowledge.index import open_index
from gateway.knowledge.meaning import Meaning, ranked
from gateway.knowledge.searching import Searched
from gateway.knowledge.similar import knowledge_of
from gateway.knowledge.synonyms import synonyms_of, usual_groups
from gateway.knowledge.wordpiece import LONGEST_TOKENS, read_wordpiece
from gateway.line.procedures import Procedure
from gateway.records.sight import EVERYTHING, NOBODYS_CLIENT
from gateway.store.database import read_state
from gateway.transport.onnx_sentences import load_sentence_model
from tests.decisions.test_deviations import Plant
from tests.knowledge.sentence_model import model, tokenizer, vocabulary, written

USUAL = synonyms_of(usual_groups())
PROCEDURES = (
    Procedure(name="filter", title="Filter clogged", steps=("Close the valve", "Take the filter out")),
    Procedure(name="electrode", title="Electrode", steps=("Calibrate with two buffers",)),
    Procedure(name="sample", title="Second sample", steps=("Repeat",)),
)


@pytest.fixture(scope="module")
def meaning(tmp_path_factory):
    return meaning_of(EmbeddingsTable(**written(tmp_path_factory.mktemp("model"))))


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    plant = Plant(tmp_path_factory.mktemp("meaning"))
    plant.line = replace(plant.line, procedures=PROCEDURES)
    plant.lot("LOT-1", 110.0)
    plant.lot("LOT-2", 111.0)
    plant.lot("LOT-3", 112.0)
    with closing(plant.connection):
        yield plant


def ask(plant, text, meaning, language="en"):
    with closing(read_state(plant.directory)) as state:
        ground = Ground(
            state=state, line=plant.line, now_ns=plant.now_ns, asker=Asker(name="", known=True, sight=EVERYTHING),
            language=language, synonyms=USUAL, searched=None, meaning=meaning,
        )  # fmt: skip
        return answered(ground, text, roles=None)


def first(answer):
    return next((fact.value for fact in answer.facts if fact.name == "procedure"), None)


def test_a_question_in_other_words_finds_the_procedure_that_means_the_same(plant, meaning):
    text = "procedure for a blocked strainer"
    assert ask(plant, text, None).outcome is Outcome.NOTHING_ON_RECORD
    assert first(ask(plant, text, meaning)) == "filter"
    assert first(ask(plant, "procedure to adjust the buffer", meaning)) == "electrode"


def test_what_means_nothing_near_is_not_guessed(plant, meaning):
    sure = Meaning(meaning._tokens, meaning._vectors, least=0.9)
    assert ask(plant, "procedure for the holidays", sure).outcome is Outcome.NOTHING_ON_RECORD
    assert first(ask(plant, "procedure electrode", None)) == "electrode"


@pytest.mark.parametrize(
    ("words", "near", "order"),
    [
        ([0, 0], None, []),
        ([1, 2, 2], None, [1, 2]),
        ([0, 0, 0], [0.1, 0.5, 0.4], [1, 2]),
        ([2, 0], [0.1, 0.9], [1, 0]),
        ([2, 0], [0.8, 0.9], [0, 1]),
        ([], None, []),
    ],
)
def test_texts_are_ranked_by_words_and_what_they_mean_together(words, near, order):
    assert ranked(words, near, least=0.3) == order


def test_a_language_that_the_model_does_not_know_is_left_to_words(plant, meaning):
    only = Meaning(meaning._tokens, meaning._vectors, least=meaning.least, languages=frozenset({"de"}))
    assert ask(plant, "procedure for a blocked strainer", only).outcome is Outcome.NOTHING_ON_RECORD


def test_a_model_that_fails_leaves_it_to_words(plant):
    def fails(_texts):
        raise InferenceError("stopped")

    broken = Meaning(lambda _text: [1], fails, least=0.1)
    assert first(ask(plant, "procedure electrode", broken)) == "electrode"
    assert ask(plant, "procedure for a blocked strainer", broken).outcome is Outcome.NOTHING_ON_RECORD


def test_two_that_ask_at_once_share_what_is_kept(monkeypatch):
    monkeypatch.setattr("gateway.knowledge.meaning._MOST_KEPT", 1)
    shared = []

    def vectors(texts):
        if texts == [[9]]:  # while the model runs for one, another's texts push out what was kept
            shared[0].nearness("other", ["else"])
        return [_One()] * len(texts)

    shared.append(Meaning(lambda text: [9 if text == "question" else 1], vectors, least=0.1))
    shared[0].nearness("first", ["kept"])
    assert shared[0].nearness("question", ["kept"]) == [1.0]


class Heard(Meaning):
    """Notes what reaches the model."""

    def __init__(self, languages=frozenset()):
        super().__init__(lambda _text: [1], lambda texts: [_One()] * len(texts), least=0.0, languages=languages)
        self.texts = []

    def nearness(self, text, others):
        self.texts += [text, *others]
        return super().nearness(text, others)


class _One:
    def __matmul__(self, _other):
        return 1.0


def test_events_that_somebody_may_not_see_do_not_reach_the_model(tmp_path):
    plant = Plant(tmp_path)
    with closing(plant.connection):
        plant.lot("LOT-1", 110.0)
        plant.lot("LOT-2", 111.0)
        plant.context("lot_started", material_lot_id="LOT-2", client_id="Carl", job_order_id="WO-9", equipment_id="R2")
        key = plant.deviations()[0].deviation_id
        with closing(read_state(tmp_path)) as state, open_index(tmp_path) as index:
            catch_up(state, index)
            for sight, events, seen in ((EVERYTHING, 1, True), (NOBODYS_CLIENT, 0, False)):
                heard = Heard()
                where = Searched(index=index, state=state, procedures=(), synonyms=USUAL, zone=UTC, meaning=heard)
                assert len(knowledge_of(where, key, sight).similar) == events
                assert any("LOT-2" in text for text in heard.texts) is seen


def test_events_that_mean_the_same_are_nearer(plant):
    with closing(read_state(plant.directory)) as state, open_index(plant.directory) as index:
        catch_up(state, index, plant.line.procedures)
        where = Searched(index=index, state=state, procedures=(), synonyms=USUAL, zone=UTC)
        key = plant.deviations()[-1].deviation_id
        near = knowledge_of(replace(where, meaning=Heard()), key, EVERYTHING).similar
        assert [event.by_words for event in near] == [1.0, 1.0]
        by_words = [event.by_words for event in knowledge_of(where, key, EVERYTHING).similar]
        assert min(by_words) < 1.0
        german = Heard(frozenset({"de"}))  # and the plant writes English
        assert [event.by_words for event in knowledge_of(replace(where, meaning=german), key, EVERYTHING).similar] == (
            by_words
        )
        assert german.texts == []


# --- the files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["model", "tokenizer"])
@pytest.mark.parametrize("change", ["another hash", "no file", "another file"])
def test_files_that_are_not_those_of_the_configuration_are_refused(tmp_path, key, change):
    table = written(tmp_path)
    if change == "another hash":
        table[f"{key}_sha256"] = "0" * 64
    elif change == "no file":
        table[key] = str(tmp_path / "none")
    else:
        Path(table[key]).write_bytes(Path(table[key]).read_bytes() + b" ")
    with pytest.raises(ConfigurationError) as refused:
        meaning_of(EmbeddingsTable(**table))
    assert refused.value.problems[0].key.startswith(f"knowledge.embeddings.{key}")


@pytest.mark.parametrize(("change", "why"), [("loop", "carries a graph"), ("elsewhere", "stand outside the file")])
def test_a_model_with_a_loop_or_with_values_elsewhere_is_refused(change, why):
    made = onnx.load_model_from_string(model())
    if change == "loop":
        body = helper.make_graph([], "body", [], [])
        made.graph.node.append(helper.make_node("Loop", ["", ""], ["again"], body=body))
    else:
        made.graph.initializer[0].data_location = TensorProto.EXTERNAL
    with pytest.raises(BundleRefusedError, match=why):
        load_sentence_model(made.SerializeToString(), pad=0, where="model.onnx")


def test_a_file_that_is_no_model_is_refused(tmp_path):
    table = written(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"no model")
    table["model_sha256"] = sha256_hex(b"no model")
    with pytest.raises(ConfigurationError) as refused:
        meaning_of(EmbeddingsTable(**table))
    assert "is not a model" in refused.value.problems[0].message


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"\xff", b"[" * 50_000, tokenizer(normalizer={"type": "Lowercase"}),
     tokenizer(model={"type": "BPE", "vocab": {}}), tokenizer(model={"type": "WordPiece", "vocab": {"a": 0}}),
     tokenizer(model={"type": "WordPiece", "vocab": vocabulary(), "continuing_subword_prefix": "@@"})],
)  # fmt: skip
def test_a_tokenizer_that_is_not_read_here_is_refused(content):
    with pytest.raises(LablineError):
        read_wordpiece(content, where="tokenizer.json")


def test_texts_are_parted_as_bert_does():
    pieces, numbers = read_wordpiece(tokenizer(), where="t"), vocabulary()

    def words(text):
        return [next(word for word, one in numbers.items() if one == number) for number in pieces.tokens(text)][1:-1]

    assert words("The Filters, clogging?") == ["the", "filter", "##s", "[UNK]", "[UNK]", "?"]
    assert words("FÍLTER\x00\u200b filter\u00a0sample") == ["filter", "filter", "sample"]
    assert words("filter. sample") == ["filter", ".", "sample"]
    assert words("x" * 101) == ["[UNK]"]
    assert words("") == []
    assert len(pieces.tokens("filter " * 1000)) == LONGEST_TOKENS
