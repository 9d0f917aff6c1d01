"""What is written into the search is understood, whatever it is, and SQLite understands what it becomes."""

import sqlite3
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import LablineError
from gateway.knowledge.folding import as_phrase
from gateway.knowledge.query import LONGEST_QUERY, MOST_TERMS, facets_of, match_of, understood
from gateway.knowledge.synonyms import read_groups, synonyms_of, usual_groups
from gateway.records.scope import Scope
from gateway.records.sight import NOBODYS_CLIENT, Sight

USUAL = synonyms_of(usual_groups())


@pytest.fixture(scope="module")
def words():
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE words USING fts5 (title, body, facets, tokenize='unicode61', prefix='4 5')"
    )
    return connection


def test_case_accents_and_a_sharp_s_do_not_matter():
    assert as_phrase("Außer Spezifikation: Viskosität!") == "ausser spezifikation viskositat"


def test_an_umlaut_may_be_spelled_out():
    assert '"viskositat"' in match_of(understood("Viskositaet", zone=UTC), USUAL)


@pytest.mark.parametrize("field", ["from", "von"])
def test_a_day_begins_in_the_plants_time_zone(field):
    query = understood(f"{field}:2026-11-30", zone=ZoneInfo("Europe/Berlin"))
    assert query.from_ns == understood("from:2026-11-29T23:00:00Z", zone=UTC).from_ns


def test_a_day_that_is_meant_as_the_end_is_whole():
    query = understood("from:2026-11-30 to:2026-11-30", zone=UTC)
    assert query.until_ns - query.from_ns == 86_400 * 10**9 - 1


def test_a_time_that_is_none_is_named_and_searched_without():
    query = understood("pump from:yesterday", zone=UTC)
    assert (query.from_ns, query.problems) == (None, ("TIME_NOT_UNDERSTOOD",))
    assert [term.phrase for term in query.terms] == ["pump"]


def test_ten_thousand_characters_are_cut_and_it_is_said():
    query = understood("pump " * 2000, zone=UTC)
    assert set(query.problems) == {"TOO_LONG", "TOO_MANY_WORDS"}
    assert len(query.terms) == MOST_TERMS
    assert understood("x" * 10_000, zone=UTC).terms[0].phrase == "x" * LONGEST_QUERY


def test_words_of_a_group_that_follow_each_other_are_one_name():
    match = match_of(understood("out of specification", zone=UTC), USUAL)
    assert '"oos"' in match
    assert '"out"' not in match


def test_what_looks_like_a_field_that_there_is_not_is_words():
    assert [term.phrase for term in understood("LOT:7", zone=UTC).terms] == []  # lot:7 is a field
    assert [term.phrase for term in understood("foo:bar", zone=UTC).terms] == ["foo bar"]


@given(st.text(max_size=200))
def test_whatever_is_written_is_an_expression_that_sqlite_understands(words, text):
    match = match_of(understood(text, zone=UTC), USUAL, scope=facets_of(NOBODYS_CLIENT))
    words.execute("SELECT rowid FROM words WHERE words MATCH ?", (match,)).fetchall()


@given(
    st.lists(st.sampled_from(['"', "'", "NEAR(", "AND", "OR", "NOT", "*", "(", ")", "^", ":", "-", "title:", "a", "+"]))
)
def test_the_syntax_of_the_index_means_nothing_here(words, parts):
    match = match_of(understood(" ".join(parts), zone=UTC), USUAL)
    if match:
        words.execute("SELECT rowid FROM words WHERE words MATCH ?", (match,)).fetchall()


def test_names_of_clients_that_look_alike_are_two():
    assert facets_of(Sight(clients=frozenset({"a-b"}))) != facets_of(Sight(clients=frozenset({"a b"})))


def test_whose_records_are_seen():
    acme = Sight(clients=frozenset({"acme"}))
    assert acme.sees(Scope(client_id="acme", study_id="s-1"))
    assert acme.sees(Scope())
    assert not acme.sees(Scope(client_id="Acme"))
    assert not Sight(clients=frozenset({"acme"}), studies=frozenset({"s-2"})).sees(
        Scope(client_id="acme", study_id="s-1")
    )
    assert not NOBODYS_CLIENT.sees(Scope(client_id="acme"))


@pytest.mark.parametrize(
    "text", ["groups = 3", 'groups = [["one"]]', 'groups = [["!", "?"]]', "groups = [", "other = 1"]
)
def test_a_plants_file_of_words_that_is_wrong_is_refused_with_its_name(tmp_path, text):
    file = tmp_path / "words.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(LablineError, match=r"words\.toml"):
        read_groups(file)


@pytest.mark.parametrize("text", ["to:9999-12-30", "from:2500-01-01", "von:2626-03-01", "to:2263-01-01"])
def test_a_time_that_no_record_can_have_is_named_too(text):
    query = understood(text, zone=UTC)
    assert query.problems == ("TIME_NOT_UNDERSTOOD",)
    assert query.from_ns is query.until_ns is None
