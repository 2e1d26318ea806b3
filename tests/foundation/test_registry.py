"""Registries: built in, by entry points of packages that are installed, by hooks; what clashes, what leads nowhere."""

from __future__ import annotations

from pathlib import PurePath

import pytest
from support.packages import Install

from pytest_saliency_sanity.foundation.registry import Registry, Source, installed_points

GROUP = "saliency_sanity.things"
OURS = PurePath("ours")  # any class whose objects have a name will do


def registry(*built_in: str | PurePath) -> Registry[PurePath]:
    return Registry("thing", PurePath, GROUP, built_in or (OURS,))


def module(*names: str) -> dict[str, str]:
    """Return a module ``theirthings`` of things of these names."""
    lines = [f"{name} = PurePath({name!r})" for name in names]
    return {"theirthings": "\n".join(["from pathlib import PurePath", *lines])}


def given(name: str, source: str = "conftest.py") -> Source[PurePath]:
    return Source(PurePath(name), source)


def test_built_in_things_are_known_by_name_in_order() -> None:
    known = registry(PurePath("b"), PurePath("a")).all()
    assert known == {"b": PurePath("b"), "a": PurePath("a")}
    assert list(known) == ["b", "a"]


def test_built_in_things_may_be_named_by_their_import_path(install: Install) -> None:
    install("their-package", "another.group", module("found"))
    assert registry("theirthings:found").named("found") == PurePath("found")


def test_an_import_path_is_not_followed_before_somebody_asks() -> None:
    lazy = registry("no_such_package:thing")
    with pytest.raises(ImportError, match="no_such_package"):
        lazy.all()


def test_an_unknown_name_is_an_error_with_near_matches() -> None:
    with pytest.raises(ValueError, match=r"unknown thing 'our' \(did you mean 'ours'\?\); allowed: ours"):
        registry().named("our")


def test_an_entry_point_is_known_and_who_gives_it(install: Install) -> None:
    install("their-package", GROUP, module("theirs"), theirs="theirthings:theirs")
    known = registry()
    assert list(known.all()) == ["ours", "theirs"]
    assert known.named("theirs") == PurePath("theirs")
    sources = known.sources()
    assert sources["theirs"].source == "the entry point theirs of their-package"
    assert (sources["ours"].is_built_in, sources["theirs"].is_built_in) == (True, False)


def test_a_thing_is_known_by_its_own_name_whatever_the_entry_points(install: Install) -> None:
    install("their-package", GROUP, module("theirs"), something="theirthings:theirs")
    assert list(registry().all()) == ["ours", "theirs"]


def test_an_entry_point_of_another_group_is_none_of_ours(install: Install) -> None:
    install("their-package", "another.group", module("theirs"), theirs="theirthings:theirs")
    assert list(registry().all()) == ["ours"]


def test_a_package_that_is_installed_later_is_seen(install: Install) -> None:
    known = registry()
    assert "theirs" not in known.all()
    install("their-package", GROUP, module("theirs"), theirs="theirthings:theirs")
    assert "theirs" in known.all()


def test_one_package_seen_twice_on_the_path_is_one(install: Install) -> None:
    # An editable install and a build folder beside it, say.
    for _ in range(2):
        install("their-package", GROUP, module("theirs"), theirs="theirthings:theirs")
    assert list(registry().all()) == ["ours", "theirs"]


def test_entry_points_come_in_the_order_of_their_names(install: Install) -> None:
    install("their-package", GROUP, module("a", "b", "c"), **{name: f"theirthings:{name}" for name in "bca"})
    assert list(registry().all()) == ["ours", "a", "b", "c"]


@pytest.mark.parametrize(
    ("value", "error", "told"),
    [
        ("nowhere:thing", ImportError, r"can't be loaded: ModuleNotFoundError: No module named 'nowhere'"),
        ("theirthings:nothing", ImportError, r"can't be loaded: AttributeError: .*'nothing'"),
        ("theirthings:PurePath", TypeError, r"leads to <class .*PurePath'>, which is not a PurePath"),
        ("theirthings:__name__", TypeError, r"leads to 'theirthings', which is not a PurePath"),
    ],
)
def test_an_entry_point_that_leads_to_something_else_is_an_error_that_names_it(
    value: str, error: type[Exception], told: str, install: Install
) -> None:
    install("their-package", GROUP, module("theirs"), theirs=value)
    with pytest.raises(error, match=told) as raised:
        registry().all()
    assert str(raised.value).startswith("the entry point theirs of their-package")
    assert f"group {GROUP}" in str(raised.value)


def test_a_package_that_breaks_when_it_is_imported_is_named(install: Install) -> None:
    install("their-package", GROUP, {"theirthings": "1 / 0"}, theirs="theirthings:theirs")
    with pytest.raises(ImportError, match=r"of their-package, .* can't be loaded: ZeroDivisionError: division by zero"):
        registry().all()


def test_what_hooks_give_comes_last_and_in_place_of_what_they_gave_before() -> None:
    known = registry()
    assert known.give([given("one"), given("two")]) == ()
    assert list(known.all()) == ["ours", "one", "two"]
    assert known.sources()["one"].source == "conftest.py"
    assert known.give([given("three")]) == (given("one"), given("two"))
    assert list(known.all()) == ["ours", "three"]


def test_registries_do_not_share_what_is_given() -> None:
    first, second = registry(), registry()
    first.give([given("one")])
    assert list(second.all()) == ["ours"]


def test_a_name_registered_twice_is_refused_and_both_who_do_are_named(install: Install) -> None:
    known = registry()
    known.give([given("ours")])
    told = r"the thing 'ours' is registered twice, by pytest-saliency-sanity and by conftest\.py: rename one"
    for ask in (known.all, known.sources, lambda: known.named("ours")):
        with pytest.raises(ValueError, match=told):
            ask()
    known.give([given("theirs")])
    install("their-package", GROUP, module("theirs"), theirs="theirthings:theirs")
    with pytest.raises(ValueError, match=r"by the entry point theirs of their-package and by conftest\.py"):
        known.all()


def test_two_entry_points_of_one_thing_are_a_clash(install: Install) -> None:
    install("their-package", GROUP, module("theirs"), one="theirthings:theirs", two="theirthings:theirs")
    with pytest.raises(ValueError, match="the entry point one of their-package and by the entry point two"):
        registry().all()


def test_entry_points_are_looked_up_once_for_each_path() -> None:
    assert installed_points(GROUP, ("a",)) is installed_points(GROUP, ("a",))
