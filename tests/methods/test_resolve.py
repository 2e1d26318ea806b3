"""From what a user writes to a method: names, import paths, keywords, and what is wrong with them."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from support.methods import TARGETS, Give, value_of
from torch import nn

from pytest_saliency_sanity import gradient, load_checkpoint
from pytest_saliency_sanity.methods.adapters import LIBRARIES
from pytest_saliency_sanity.methods.controls import sobel
from pytest_saliency_sanity.methods.registry import BUILT_IN
from pytest_saliency_sanity.methods.resolve import installed_methods, require_method_spec, resolve_method
from pytest_saliency_sanity.methods.smoothgrad import smoothgrad


@pytest.mark.parametrize("name", installed_methods())
def test_a_built_in_name_is_a_callable(name: str) -> None:
    assert callable(resolve_method(name))


def test_a_name_without_keywords_is_the_function_itself() -> None:
    assert resolve_method("smoothgrad") is smoothgrad
    assert resolve_method("sobel") is sobel


def test_keywords_of_a_name_reach_every_call() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 2))
    images = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    few = resolve_method("smoothgrad?n_samples=3")(model, images, TARGETS)
    assert torch.equal(few, smoothgrad(model, images, TARGETS, n_samples=3))
    assert not torch.equal(few, smoothgrad(model, images, TARGETS)), "the keyword makes no difference here"


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ("somemethods:plain", 1),
        ("somemethods:scaled?scale=3", 3),
        ("somemethods:scaled?scale=3&shift=0.5", 3.5),
        ("somemethods:anything?a=1&b=2", 3),
        ("somemethods:instance", 7),
        ("somemethods:instance.bound", 7),
        ("somemethods:Method", 1),
        ("somemethods:Method?scale=5", 5),
        ("somemethods:Needy?scale=6", 6),
    ],
)
def test_import_paths_name_functions_instances_and_classes(spec: str, value: float) -> None:
    assert value_of(spec) == value


@pytest.mark.usefixtures("module")
def test_a_class_is_made_anew_for_each_who_asks() -> None:
    assert resolve_method("somemethods:Method") is not resolve_method("somemethods:Method")
    assert resolve_method("somemethods:instance") is resolve_method("somemethods:instance")


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("spec", "error", "told"),
    [
        ("somemethods:Needy", TypeError, r"somemethods:Needy: Needy can't be instantiated: .*'scale'"),
        ("somemethods:Method?size=1", TypeError, r"Method can't be instantiated: .*'size'"),
        (
            "somemethods:number",
            TypeError,
            r"somemethods:number names 3, which is not callable as \(model, images, targets\)",
        ),
        ("somemethods:Mute", TypeError, r"names <somemethods.Mute object .*not callable"),
        ("somemethods:plan", ImportError, "module 'somemethods' has no attribute 'plan'"),
        ("somemethods:instance.plan", ImportError, "has no attribute 'instance.plan'"),
        ("somemethod:plain", ImportError, "No module named 'somemethod'"),
        ("somemethods.sub:plain", ImportError, "No module named 'somemethods.sub'"),
        ("somemethods:plain:features.0", ValueError, "only a library's class can have a layer after it .*captum"),
        ("somemethods:plain?x=f()", ValueError, "is not a value"),
    ],
)
def test_what_is_wrong_with_an_import_path_is_said(spec: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        resolve_method(spec)


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("somemethods:scaled?scael=1", "unknown keyword of somemethods:scaled 'scael' (did you mean 'scale'?)"),
        ("somemethods:scaled?scael=1", "allowed: scale, shift"),
        ("somemethods:scaled?model=1", "unknown keyword of somemethods:scaled 'model'"),
        ("somemethods:scaled?targets=1", "allowed: scale, shift"),
        ("smoothgrad?n_sample=3", "unknown keyword of smoothgrad 'n_sample' (did you mean 'n_samples'?)"),
        ("captum:IntegratedGradients?n_step=3", "(did you mean 'n_steps'?)"),
        ("captum:IntegratedGradients?n_step=3", "multiply_by_inputs"),
    ],
)
def test_an_unknown_keyword_lists_the_allowed_ones(spec: str, told: str) -> None:
    with pytest.raises(ValueError, match="unknown keyword of") as raised:
        resolve_method(spec)
    assert told in str(raised.value)


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize("keyword", ["model", "images", "targets"])
def test_the_arguments_of_every_method_are_no_keywords_of_one(keyword: str) -> None:
    # Whoever takes any keyword still gets these three from us: the call would say "multiple values".
    with pytest.raises(ValueError, match="unknown keyword of"):
        resolve_method(f"somemethods:anything?{keyword}=1")


@pytest.mark.parametrize(
    ("name", "near"), [("gradcan", "gradcam"), ("smooth_grad", "smoothgrad"), ("guidedbackprop", "guided_backprop")]
)
def test_an_unknown_name_has_near_matches_and_all_that_are_allowed(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=rf"unknown method '{name}' \(did you mean '{near}'") as raised:
        resolve_method(name)
    assert all(each in str(raised.value) for each in (*BUILT_IN, "package.module:attribute", "library:Class"))


@pytest.mark.usefixtures("module")
def test_a_given_name_stands_for_a_callable_a_class_or_a_spec(give: Give) -> None:
    import somemethods  # type: ignore[import-not-found]

    give(
        function=somemethods.scaled,
        instance=somemethods.instance,
        made=somemethods.Method,
        spec="somemethods:Method?scale=4",
        alias="spec",
    )
    assert resolve_method("function") is somemethods.scaled
    assert [value_of(spec) for spec in ("function?scale=2", "instance", "made", "made?scale=3")] == [2, 7, 1, 3]
    assert [value_of(spec) for spec in ("spec", "alias")] == [4, 4]


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize("stands_for", ["somemethods:scaled", "somemethods:Method", "inner"])
def test_keywords_of_a_name_are_those_of_what_it_stands_for(give: Give, stands_for: str) -> None:
    give(mine=stands_for, inner="somemethods:Method")
    assert value_of("mine?scale=3") == 3


def test_keywords_of_a_name_reach_a_librarys_class(give: Give) -> None:
    # No more is to be written than with the class itself: captum:IntegratedGradients?n_steps=2.
    give(ig="captum:IntegratedGradients")
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(8, 2))
    images = torch.rand(2, 3, 4, 4)
    expected = resolve_method("captum:IntegratedGradients?n_steps=2")(model, images, TARGETS)
    assert torch.equal(resolve_method("ig?n_steps=2")(model, images, TARGETS), expected)


@pytest.mark.parametrize(
    "methods", [{"me": "me"}, {"me": "me?x=1"}, {"me": "you", "you": "me"}, {"me": "a", "a": "b", "b": "a"}]
)
def test_a_name_that_stands_for_itself_is_refused(give: Give, methods: dict[str, Any]) -> None:
    give(**methods)
    for look in (require_method_spec, resolve_method):
        with pytest.raises(ValueError, match=r"of conftest\.py refers to itself"):
            look("me")


@pytest.fixture(params=sorted(LIBRARIES.all()))
def uninstalled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A library that can't be found."""
    monkeypatch.setitem(sys.modules, LIBRARIES.named(request.param).package, None)
    return str(request.param)


def test_a_missing_library_names_the_extra_to_install(uninstalled: str) -> None:
    extra = LIBRARIES.named(uninstalled).extra
    for look in (require_method_spec, resolve_method):
        with pytest.raises(ImportError) as raised:
            look(f"{uninstalled}:Anything")
        told = f"{uninstalled}:Anything needs {extra}: pip install 'pytest-saliency-sanity[{extra}]'"
        assert str(raised.value) == told


def test_the_other_libraries_do_not_miss_it(uninstalled: str) -> None:
    for library in set(LIBRARIES.all()) - {uninstalled}:
        require_method_spec(f"{library}:Anything")


def test_all_leaves_out_what_is_not_installed(uninstalled: str) -> None:
    needs = [name for name, spec in BUILT_IN.items() if spec.startswith(f"{uninstalled}:")]
    assert installed_methods() == [name for name in BUILT_IN if name not in needs]
    for name in needs:
        with pytest.raises(ImportError, match=f"^{name} needs"):
            resolve_method(name)


def test_with_captum_installed_every_built_in_method_is() -> None:
    controls = ["sobel", "input", "uniform_noise", "borrowed_signs"]
    expected = ["gradcam", "smoothgrad", "gradient", *controls, "guided_backprop"]
    assert installed_methods() == list(BUILT_IN) == expected


@pytest.mark.parametrize("name", installed_methods())
@pytest.mark.parametrize("network", ["alexnet", "vgg11"])
def test_every_installed_method_gives_a_finite_map_of_each_image(network: str, name: str, images: torch.Tensor) -> None:
    model = load_checkpoint(network)
    with torch.random.fork_rng(devices=[]):  # the noise draws from the global stream
        maps = resolve_method(name)(model, images, torch.arange(4))
    assert maps.is_floating_point()
    assert maps.ndim in (3, 4)
    assert len(maps) == 4
    assert maps.isfinite().all()
    assert not maps.requires_grad
    assert maps.flatten(1).std(1).max() > 0


def test_an_import_path_leads_to_the_object_itself() -> None:
    assert resolve_method("pytest_saliency_sanity:gradient") is gradient
    relu: object = resolve_method("torch.nn:functional.relu")
    assert relu is nn.functional.relu


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("gradcm", ValueError, "unknown method 'gradcm' .did you mean 'gradcam'"),
        (
            "gradien",
            ValueError,
            r"unknown method 'gradien' \(did you mean 'gradient' or '\w+'.*\); allowed: gradcam, smooth",
        ),
        ("", ValueError, "'' is not of the form name, package.module:attribute"),
        (
            "edges",
            ValueError,
            "unknown method 'edges'.*; allowed: gradcam, smoothgrad, gradient, sobel",
        ),
        (":gradient", ValueError, "is not of the form name, package.module:attribute"),
        ("pytest_saliency_sanity:", ValueError, "is not of the form name, package.module:attribute"),
        ("a package:b", ValueError, "contains ' ', which no spec may contain"),
        ("no_such_package:method", ImportError, "No module named 'no_such_package'"),
        ("pytest_saliency_sanity.nothing:method", ImportError, "No module named 'pytest_saliency_sanity.nothing'"),
        ("torch.nn:functional.nothing", ImportError, "'torch.nn' has no attribute 'functional.nothing'"),
        ("package.module:function:twice", ValueError, "only a library's class can have a layer"),
        ("pytest_saliency_sanity.data.mnist:nothing", ImportError, "has no attribute 'nothing'"),
        ("pytest_saliency_sanity.data.mnist:SIZE", TypeError, "names 64, which is not callable"),
    ],
)
def test_a_spec_that_leads_to_no_method_is_an_error(spec: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        resolve_method(spec)


def test_a_method_whose_package_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(
        ImportError, match=r"guided_backprop needs captum: pip install 'pytest-saliency-sanity\[captum\]'"
    ):
        resolve_method("guided_backprop")
    assert "guided_backprop" not in installed_methods()
    assert "gradcam" in installed_methods()
