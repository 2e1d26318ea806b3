"""The registration of a check: what it may say, and what is an error at once."""

from __future__ import annotations

from typing import Any

import pytest
from support.packages import Install

from pytest_saliency_sanity import Check
from pytest_saliency_sanity.checks.registry import CHECKS, check_of
from pytest_saliency_sanity.foundation.registry import Source

MODULE = """
from pytest_saliency_sanity import Check
CHECK = Check(name="mine", question="is it mine?", source="me", ask="nowhere:ask")
TWIN = Check(name="repeatability", question="again?", source="me", ask="nowhere:ask")
"""


def check(**parts: Any) -> Check:
    return Check(**{"name": "mine", "question": "is it?", "source": "me", "ask": "nowhere:ask", **parts})


@pytest.mark.parametrize("name", ["Mine", "my check", "", "1st", "mine[x]", "my-check"])
def test_a_name_that_no_test_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="the name of a check must be lower case with underscores"):
        check(name=name)


@pytest.mark.parametrize("parts", [{"findings": ("two",)}, {"must_fail": {"two": ("sobel",)}}])
def test_what_is_said_of_a_variant_that_does_not_exist_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="of mine must name variants of it, not 'two'"):
        check(variants=("one",), **parts)


def test_a_threshold_of_ones_own_replaces_each() -> None:
    cascade = CHECKS.all()["cascading_randomization"]
    assert cascade.judged_by(None) == dict(cascade.thresholds)
    assert cascade.judged_by(0.5) == dict.fromkeys(cascade.thresholds, 0.5)


def test_a_check_of_another_package_comes_after_our_own(install: Install) -> None:
    own = list(CHECKS.all())
    install("theirs", CHECKS.group, {"theirs_checks": MODULE}, mine="theirs_checks:CHECK")
    assert list(CHECKS.all()) == [*own, "mine"]
    assert CHECKS.sources()["mine"].source == "the entry point mine of theirs"


def test_a_name_that_exists_already_is_an_error_that_names_both(install: Install) -> None:
    install("theirs", CHECKS.group, {"theirs_checks": MODULE}, again="theirs_checks:TWIN")
    told = "'repeatability' is registered twice, by pytest-saliency-sanity and by the entry point again of theirs"
    with pytest.raises(ValueError, match=told):
        CHECKS.all()


def test_a_check_that_a_project_gives_is_known_until_it_is_taken_back() -> None:
    before = CHECKS.give([Source(check(), "conftest.py")])
    try:
        assert check_of("mine").question == "is it?"
    finally:
        CHECKS.give(before)
    with pytest.raises(ValueError, match="unknown check 'mine'"):
        check_of("mine")


@pytest.mark.parametrize("name", list(CHECKS.all()))
def test_every_check_of_this_package_can_be_asked(name: str) -> None:
    registered = CHECKS.all()[name]
    assert callable(registered.asking())
    assert all((registered.question, registered.source, registered.judged))
