"""Patterns over method/model/check: what they mean, and which of them mean nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_saliency_sanity.checks.expectations import (
    ExpectedFailure,
    expected_reason,
    matches,
    named_expected_failure,
    parse_expected_failure,
    require_meaningful,
)
from pytest_saliency_sanity.checks.plan import Question
from pytest_saliency_sanity.foundation.ids import split_variant


@pytest.mark.parametrize(
    ("pattern", "question", "expected"),
    [
        ("mine/alexnet/repeatability", ("mine", "alexnet", "repeatability"), True),
        ("mine/*/repeatability", ("mine", "vgg11", "repeatability"), True),
        ("*/*/*", ("mine", "", "contract"), True),
        ("m*e/alex*/re*", ("mine", "alexnet", "repeatability"), True),
        ("mine/alexnet/repeat", ("mine", "alexnet", "repeatability"), False),
        ("mine/alexnet/symmetry", ("mine", "alexnet", "symmetry[rescaling]"), True),
        ("mine/alexnet/symmetry[rescaling]", ("mine", "alexnet", "symmetry[rescaling]"), True),
        ("mine/alexnet/symmetry[rescaling]", ("mine", "alexnet", "symmetry[permutation]"), False),
        ("mine/alexnet/symmetry[r]", ("mine", "alexnet", "symmetryr"), False),
        ("captum:A?n=1/alexnet/*", ("captum:A?n=1", "alexnet", "contract"), True),
        ("captum:A?n=1/alexnet/*", ("captum:AXn=1", "alexnet", "contract"), False),
    ],
)
def test_a_pattern_means_what_it_says(pattern: str, question: tuple[str, str, str], expected: bool) -> None:
    method, model, check = question
    entry = named_expected_failure(pattern, "a reason", "a source")
    assert entry.means(Question(method, model, *split_variant(check))) is expected
    assert matches(pattern, *question) is expected


@given(st.from_regex(r"[a-z:?=\[\]_.()+*]{1,12}", fullmatch=True).filter(lambda name: "*" not in name))
def test_a_name_means_itself_whatever_is_in_it(name: str) -> None:
    assert matches(f"{name}/{name}/{name}", name, name, name)


@pytest.mark.parametrize("wrong", ["", "a/b/c", "a/b/c ->", "-> reason", "a/b -> reason", "a/b/c/d -> x", "a//c -> x"])
def test_a_line_of_another_form_is_an_error(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not of the form method/model/check"):
        parse_expected_failure(wrong, "ini")


def test_a_line_has_a_pattern_and_a_reason() -> None:
    line = " a?n=1/b*/c ->  since 1 -> 2 "
    assert parse_expected_failure(line, "ini") == ExpectedFailure("a?n=1/b*/c", "since 1 -> 2", "ini")


@pytest.mark.parametrize("reason", ["", "  ", None, 3])
def test_an_entry_without_a_reason_is_an_error(reason: object) -> None:
    with pytest.raises(ValueError, match="'a/b/c' needs a reason"):
        named_expected_failure("a/b/c", reason, "ini")


def test_the_first_entry_that_means_a_question_gives_the_reason() -> None:
    entries = [ExpectedFailure("*/vgg11/*", "one", "ini"), ExpectedFailure("a/*/*", "two", "ini")]
    assert [expected_reason(Question("a", model, "contract"), entries) for model in ("vgg11", "alexnet")] == [
        "one",
        "two",
    ]
    assert expected_reason(Question("b", "alexnet", "contract"), entries) == ""


@pytest.mark.parametrize("pattern", ["a/*/repeatable", "b/*/*", "a/vgg/*", "*/*/symmetry[shift]"])
def test_an_entry_that_means_no_question_is_an_error(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"here: the expected failure .* matches no test"):
        require_meaningful([ExpectedFailure(pattern, "gone", "here")], ["a"], ["vgg11"])


@pytest.mark.parametrize("pattern", ["a/*/repeatability", "*/vgg11/*", "*/*/contract", "pkg:b/*/*", "*/pkg:net/*"])
def test_an_entry_that_may_mean_one_is_none(pattern: str) -> None:
    require_meaningful([ExpectedFailure(pattern, "some day", "here")], ["a"], ["vgg11"])
