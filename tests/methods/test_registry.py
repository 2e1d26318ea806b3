"""The names that methods have: built in, given by a project, or by entry points of packages that are installed."""

from __future__ import annotations

import pytest
from support.methods import MODULE, Give, value_of
from support.packages import Install

from pytest_saliency_sanity.methods.controls import sobel
from pytest_saliency_sanity.methods.registry import GROUP, known_methods, named_method, set_given

METHODS = {"theirmethods": MODULE}


def test_two_sources_of_a_name_are_refused_and_named(give: Give) -> None:
    give("my/conftest.py", gradcam=sobel)
    with pytest.raises(ValueError, match=r"'gradcam' is given twice, by my/conftest\.py and by built in: rename one"):
        named_method("gradcam")
    assert [method.source for method in known_methods()["gradcam"]] == ["my/conftest.py", "built in"]


def test_what_was_given_before_comes_back(give: Give) -> None:
    give(one=sobel)
    before = set_given([])
    assert [method.name for method in before] == ["one"]
    assert "one" not in known_methods()


def test_an_entry_point_is_a_name(install: Install) -> None:
    install("their-package", GROUP, METHODS, theirs="theirmethods:scaled")
    assert known_methods()["theirs"][0].source == "the entry point of their-package"
    assert value_of("theirs") == 1
    assert value_of("theirs?scale=3") == 3


def test_one_package_seen_twice_on_the_path_is_one(install: Install) -> None:
    # An editable install and a build folder beside it, say.
    install("their-package", GROUP, METHODS, theirs="theirmethods:plain")
    install("their-package", GROUP, METHODS, theirs="theirmethods:plain")
    assert len(known_methods()["theirs"]) == 1
