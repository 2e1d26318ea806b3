"""Text that fits the columns of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_saliency_sanity.reports.text.columns import WIDTH, columns, plain, shortened, wrapped


@pytest.mark.parametrize(("text", "count"), [("", 0), ("abc", 3), ("显著", 4), ("e\u0301", 1), ("…", 1)])
def test_columns_are_counted_as_a_terminal_does(text: str, count: int) -> None:
    assert columns(text) == count


@given(st.text(max_size=60), st.integers(1, 40))
def test_a_shortened_text_fits_and_a_text_that_fits_stays(text: str, width: int) -> None:
    found = shortened(text, width)
    assert columns(found) <= width
    assert found == text or (columns(text) > width and "…" in found)


def test_both_ends_of_a_shortened_text_stay() -> None:
    assert shortened("captum:IntegratedGradients?n_steps=50", 21) == "captum:Int…?n_steps=50"[:10] + "…" + "n_steps=50"


@given(st.text(max_size=300))
def test_a_plain_text_is_one_printable_line(text: str) -> None:
    assert plain(text).isprintable()


def test_words_are_never_broken() -> None:
    path = "/a/" + "very/" * 20 + "long.path"
    told = list(wrapped(f"report: {path} and {'word ' * 30}", "  "))
    assert [line for line in told if len(line) > WIDTH] == [f"    {path}"]
    assert " ".join(line.strip() for line in told).split() == ["report:", path, "and", *["word"] * 30]


@given(st.lists(st.text("ab显", min_size=1, max_size=20), min_size=1))
def test_wrapped_lines_fit_and_lose_nothing(words: list[str]) -> None:
    told = list(wrapped(" ".join(words), "    ", ""))
    assert max(map(columns, told)) <= WIDTH
    assert " ".join(told).split() == words
