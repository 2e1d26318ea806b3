"""What is deprecated warns with our own class, where it is used, for at least two minor versions."""

from __future__ import annotations

import pytest

from pytest_saliency_sanity import SaliencyDeprecationWarning
from pytest_saliency_sanity.foundation.deprecation import deprecate


def old(since: str = "0.2", until: str = "0.4") -> None:
    deprecate("old()", since=since, until=until, instead="call new()")


def test_the_warning_says_since_when_until_when_and_what_to_do_and_shows_who_uses_it() -> None:
    with pytest.warns(SaliencyDeprecationWarning) as caught:
        old()
    (warning,) = caught
    assert str(warning.message) == "old() is deprecated since 0.2 and will be gone in 0.4: call new()"
    assert warning.filename == __file__


def test_it_is_shown_by_default_wherever_it_is_used() -> None:
    assert issubclass(SaliencyDeprecationWarning, FutureWarning)
    assert SaliencyDeprecationWarning.__module__ == "pytest_saliency_sanity"


@pytest.mark.parametrize(("since", "until"), [("0.2", "0.5"), ("0.9", "1.0"), ("1.3", "2.0")])
def test_two_minor_versions_or_a_new_major_one_are_long_enough(since: str, until: str) -> None:
    with pytest.warns(SaliencyDeprecationWarning):
        old(since, until)


@pytest.mark.parametrize(
    ("since", "until", "earliest"), [("0.2", "0.3", "0.4"), ("1.4", "1.4", "1.6"), ("2.0", "1.9", "2.2")]
)
def test_less_is_refused(since: str, until: str, earliest: str) -> None:
    with pytest.raises(ValueError, match=f"can't go in {until}; allowed: {earliest} or later"):
        old(since, until)


@pytest.mark.parametrize("version", ["1", "0.2.0", "soon"])
def test_what_is_no_version_is_an_error(version: str) -> None:
    with pytest.raises(ValueError, match=f"unknown version '{version}'; allowed: X.Y"):
        old(until=version)
