"""Errors written for the person who made them: near matches, all that is allowed, and names that users can import."""

from __future__ import annotations

import pytest

import pytest_saliency_sanity
from pytest_saliency_sanity.foundation.errors import (
    CheckpointError,
    SaliencyCheckFailed,
    SaliencyMethodError,
    brief,
    described,
    shortened,
    unknown_name,
)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("norml", "unknown law 'norml' (did you mean 'normal'?); allowed: normal, permute, permuted"),
        (
            "permutd",
            "unknown law 'permutd' (did you mean 'permuted' or 'permute'?); allowed: normal, permute, permuted",
        ),
        ("xyz", "unknown law 'xyz'; allowed: normal, permute, permuted"),
        ("", "unknown law ''; allowed: normal, permute, permuted"),
        (7, "unknown law 7; allowed: normal, permute, permuted"),
        (None, "unknown law None; allowed: normal, permute, permuted"),
    ],
)
def test_an_unknown_name_has_its_near_matches_and_all_that_are_allowed(name: object, told: str) -> None:
    assert str(unknown_name("law", name, ("normal", "permute", "permuted"))) == told


def test_no_more_than_three_near_matches_are_shown() -> None:
    error = unknown_name("layer", "conv", [f"conv{number}" for number in range(9)])
    assert str(error).partition(";")[0].count("'conv") == 4  # the name itself, and three


def test_the_allowed_names_may_come_from_any_iterable() -> None:
    assert str(unknown_name("law", "norm", iter(["normal"]))) == str(unknown_name("law", "norm", {"normal": 1}))


def test_a_failed_check_is_a_failed_assertion_under_the_name_that_users_import() -> None:
    assert issubclass(SaliencyCheckFailed, AssertionError)
    assert pytest_saliency_sanity.SaliencyCheckFailed is SaliencyCheckFailed
    assert f"{SaliencyCheckFailed.__module__}.{SaliencyCheckFailed.__name__}" == (
        "pytest_saliency_sanity.SaliencyCheckFailed"
    )


def test_what_a_method_or_a_checkpoint_does_wrong_is_no_failed_assertion() -> None:
    # Else a broken method would count as one that did not pass.
    assert not issubclass(SaliencyMethodError, AssertionError)
    assert not issubclass(CheckpointError, AssertionError)


def test_an_unknown_name_of_which_none_is_allowed_says_so() -> None:
    assert str(unknown_name("keyword of sobel", "x", ())) == "unknown keyword of sobel 'x'; allowed: none"


def test_a_text_is_shortened_in_its_middle_and_says_how_long_it_was() -> None:
    assert shortened("x" * 100, 100) == "x" * 100
    text = shortened("a" * 500 + "z" * 500, 100)
    assert len(text) == 100
    assert text.startswith("aaa")
    assert text.endswith("z" * 25)
    assert " [1000 characters] " in text


def test_a_message_keeps_its_words_and_loses_the_middle_of_long_ones() -> None:
    told = brief(f"unknown method '{'x' * 100_000}'; allowed: gradcam")
    assert told.startswith("unknown method 'xxx")
    assert told.endswith("x'; allowed: gradcam")
    assert len(told) < 300
    assert len(brief("many words " * 100_000)) == 4000


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise SystemExit


def test_an_error_whose_text_can_not_be_had_is_described_by_its_type() -> None:
    assert described(UnspeakableError()) == "UnspeakableError"
    assert described(KeyError("x")) == "KeyError: 'x'"
    assert described(RuntimeError()) == "RuntimeError"
