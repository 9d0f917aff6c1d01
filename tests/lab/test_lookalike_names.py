"""The key that names share which only look alike, and the names that are ordinary series and share none."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lab.lookalike_names import likeness_key

ALIKE = [
    ("Lot-1", "LOT-1", "lot 1", "lot_1", "LOT1", "Lot-1.", "L\u043eT\u20111", "LOT-1\u3164",
     "\uff2c\uff2f\uff34\uff0d\uff11"),
    ("12", "00012", "\uff11\uff12", "\u0661\u0662", "12 ", "12.", "012"),
    ("A-001", "\u0410-001", "\u0391-001", "a001", "\u00c5-1"),
    ("L-001", "\u041b-001", "\u039b-001", "\u053c-001", "l 1"),
    ("LOT/1", "LOT\u22151", "LOT\u20441", "LOT\u29f81", "LOT\u22121"),
    ("25-0147", "25/0147", "25\u22150147", "25 147", "25-O147", "25\u20110147", "25.0147"),
    ("L-2047", "L-2O47", "l2o47", "L-2\u041e47"),
    ("L-2147", "L-2l47", "L-2I47", "L-2i47", "L-2\u040647"),
    ("B-10301", "B-IO301".replace("I", "1"), "b 1o3o1", "B-1O\u0417O1"),
    ("0", "000"),
]  # fmt: skip
APART = [
    ("L-1", "L-10", "L-11", "L-2", "L-1A", "L-1B", "M-1", "L+1", "L1|L2", "L1L2"),
    ("1-12", "11-2", "112", "1-1-2"),
    ("LOT-0012", "LOT-0013", "LOT-0120"),
    ("12", "12A", "12I", "12O", "12L", "120", "121", "L12", "O12", "I12", "112"),
    ("25-I-3", "25-1-3"),
    ("\u0418-1", "\u0419-1", "\u041c-1"),
    ("A", "B", "-", "."),
]


@pytest.mark.parametrize("names", ALIKE)
def test_names_that_only_look_alike_have_one_key(names):
    assert len({likeness_key(name) for name in names}) == 1


@pytest.mark.parametrize("names", APART)
def test_names_of_an_ordinary_series_have_a_key_each(names):
    assert len({likeness_key(name) for name in names}) == len(names)


def test_no_two_numbers_of_a_series_have_one_key():
    for pattern in ("L-{}", "LOT{:05}", "25-{:04}", "{}-A", "A{}-25", "{}", "2{}O", "I{}L"):
        names = [pattern.format(number) for number in range(1, 2000)]
        assert len({likeness_key(name) for name in names}) == len(names)
    pairs = [f"{one}-{two}" for one, two in itertools.product(range(40), repeat=2)]
    assert len({likeness_key(name) for name in pairs}) == len(pairs)


@given(name=st.text(alphabet="abOoIl013-_ \u0410\u0430\u00e9\uff12", min_size=1, max_size=12).filter(str.strip))
def test_neither_case_nor_the_kind_of_dash_nor_what_stands_around_a_name_counts(name):
    key = likeness_key(name)
    assert key
    assert likeness_key(name.upper()) == likeness_key(name.lower()) == key
    assert likeness_key(name.replace("-", "\u2011")) == key
    if any(character.isalnum() for character in name):
        assert likeness_key(f"\u3000{name}. ") == key


def test_a_name_of_separators_alone_is_its_own_key():
    assert (likeness_key("-"), likeness_key(" . ")) == ("-", ".")
