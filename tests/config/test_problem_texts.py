"""An error of the configuration speaks the file's own words: what is wrong with a value, and where."""

import pytest

from tests.config.test_settings import MINIMAL, problems, written


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("[webhook]\nport = 70000", "webhook.port", "must be at most 65535, not 70000"),
        ('[webhook]\nport = "x"', "webhook.port", 'must be a whole number, not "x"'),
        ("[sampling]\nenabled = 3", "sampling.enabled", "must be true or false, not 3"),
        ('[laboratory]\nclosed = ["2026-13-40"]', "laboratory.closed[1]",
         'must be a day of the calendar such as 2026-12-24, not "2026-13-40"'),
        ("[laboratory]\nclosed = [true]", "laboratory.closed[1]",
         "must be a day of the calendar such as 2026-12-24, not true"),
        ("[mes]\ntopic = 1", "mes.topic", "must be a text in quotes, not 1"),
        ("[approval]\ntrusted_keys = 5", "approval.trusted_keys", "must be a path in quotes, not 5"),
        ('[lims]\nmapping = "x"', "lims.mapping", 'must be "canonical", "senaite" or "labvantage", not "x"'),
        ('[lims.mapping]\npaths = "x"', "lims.mapping.paths", 'must be a table, not "x"'),
        ("[lims.mapping]\npats = {}", "lims.mapping.paths", "is missing"),
        ("[together]\nproduct = 'P'", "together", "must be written with two brackets: [[together]]"),
        ("[[mes]]\ntopic = 'a'", "mes", "must be written with one bracket: [mes]"),
        ("[[together]]\nproduct = 'P'\nanalytes = ['a']", "together[1].analytes", "needs at least 2 values"),
        ("[[model]]\nbundle = 'b'\nequipment = 'R1'\nevery = '50ms'", "model[1].every",
         "must be at least 0.1 s, not 0.05 s"),
        ("[[model]]\nbundle = 'b'\nequipment = 'R1'\nstage = 'live'", "model[1].stage",
         'must be "shadow", "advise", "approve" or "automatic", not "live"'),
        ("[[control]]\nmaterial = 'C'\nanalyte = 'a'\nmean = nan\nstandard_deviation = 1", "control[1].mean",
         "must be a finite number, not nan"),
        ("[opcua.p]\nurl = '10.0.0.5'", "opcua.p.url",
         '"10.0.0.5" is not an endpoint such as opc.tcp://10.0.0.5:4840 or opc.tcp://[fd00::5]:4840'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_value_is_said_in_the_words_of_the_file(tmp_path, text, key, message):
    assert problems(written(tmp_path, f"{MINIMAL}{text}\n"))[key].message == message


def test_of_a_word_and_a_table_only_what_was_written_has_errors(tmp_path):
    assert problems(written(tmp_path, f"{MINIMAL}[lims.mapping]\nitems = 'a'\n")).keys() == {"lims.mapping.paths"}
    assert problems(written(tmp_path, f'{MINIMAL}[lims]\nmapping = "x"\n')).keys() == {"lims.mapping"}


def test_no_error_speaks_the_language_of_the_library(tmp_path):
    text = "[lims]\nmapping = 3\nassume_status = 4\nanalytes = 5\nignore = 6\n[[specification]]\nproduct = 7\n"
    for problem in problems(written(tmp_path, MINIMAL + text)).values():
        assert "Input" not in problem.message
        assert "a valid" not in problem.message
