"""From what a user writes to a method: names, import paths, keywords, hooks, entry points, what is wrong."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import pytest_saliency_sanity.methods.resolve as resolve
from pytest_saliency_sanity.methods.adapters import LIBRARIES
from pytest_saliency_sanity.methods.controls import sobel
from pytest_saliency_sanity.methods.registry import BUILT_IN, NamedMethod, known_methods, named_method, set_given
from pytest_saliency_sanity.methods.resolve import installed_methods, require_method_spec, resolve_method
from pytest_saliency_sanity.methods.smoothgrad import smoothgrad
from pytest_saliency_sanity.plugin.project import methods_of

MODULE = """
import torch

def plain(model, images, targets): return torch.ones(len(images), 2, 2)
def scaled(model, images, targets, scale=1.0, *, shift=0.0): return torch.full((len(images), 2, 2), scale + shift)
def anything(model, images, targets, **keywords): return torch.full((len(images), 2, 2), float(sum(keywords.values())))

class Method:
    def __init__(self, scale=1.0): self.scale = scale
    def __call__(self, model, images, targets): return torch.full((len(images), 2, 2), float(self.scale))
    def bound(self, model, images, targets): return self(model, images, targets)

class Needy(Method):
    def __init__(self, scale): self.scale = scale

class Mute:
    pass

instance = Method(7)
number = 3
"""
IMAGES, TARGETS = torch.zeros(2, 3, 4, 4), torch.tensor([0, 1])
Listed = Callable[..., pytest.RunResult]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module ``somemethods``, as a user has one."""
    (tmp_path / "somemethods.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("somemethods", None)


@pytest.fixture
def give() -> Iterator[Callable[..., None]]:
    """Give methods by name, as a project's hook does: ``give(name=value)``."""
    before = set_given([])
    yield lambda source="conftest.py", **methods: set_given(
        [NamedMethod(name, value, source) for name, value in methods.items()]
    )
    set_given(before)


def value_of(spec: str) -> float:
    """Return the value that a method of ``somemethods`` fills its maps with."""
    maps = resolve_method(spec)(torch.nn.Identity(), IMAGES, TARGETS)
    assert maps.shape == (2, 2, 2)
    return float(maps.unique())


# What is found, and how keywords reach it.


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
        ("somemethods:Needy", TypeError, r"somemethods:Needy: Needy can't be made: .*'scale'"),
        ("somemethods:Method?size=1", TypeError, r"Method can't be made: .*'size'"),
        (
            "somemethods:number",
            TypeError,
            r"somemethods:number names 3, which is no callable \(model, images, targets\)",
        ),
        ("somemethods:Mute", TypeError, r"names <somemethods.Mute object .*no callable"),
        ("somemethods:plan", ImportError, "module 'somemethods' has no attribute 'plan'"),
        ("somemethods:instance.plan", ImportError, "has no attribute 'instance.plan'"),
        ("somemethod:plain", ImportError, "No module named 'somemethod'"),
        ("somemethods.sub:plain", ImportError, "No module named 'somemethods.sub'"),
        ("somemethods:plain:features.0", ValueError, "only a library's class takes a layer behind it .*captum"),
        ("somemethods:plain?x=f()", ValueError, "is no value"),
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


# Methods that a project names.


@pytest.mark.usefixtures("module")
def test_a_given_name_stands_for_a_callable_a_class_or_a_spec(give: Callable[..., None]) -> None:
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
def test_keywords_of_a_name_are_those_of_what_it_stands_for(give: Callable[..., None], stands_for: str) -> None:
    give(mine=stands_for, inner="somemethods:Method")
    assert value_of("mine?scale=3") == 3


def test_keywords_of_a_name_reach_a_librarys_class(give: Callable[..., None]) -> None:
    # No more is to be written than with the class itself: captum:IntegratedGradients?n_steps=2.
    give(ig="captum:IntegratedGradients")
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(8, 2))
    images = torch.rand(2, 3, 4, 4)
    expected = resolve_method("captum:IntegratedGradients?n_steps=2")(model, images, TARGETS)
    assert torch.equal(resolve_method("ig?n_steps=2")(model, images, TARGETS), expected)


@pytest.mark.parametrize(
    "methods", [{"me": "me"}, {"me": "me?x=1"}, {"me": "you", "you": "me"}, {"me": "a", "a": "b", "b": "a"}]
)
def test_a_name_that_stands_for_itself_is_refused(give: Callable[..., None], methods: dict[str, Any]) -> None:
    give(**methods)
    for look in (require_method_spec, resolve_method):
        with pytest.raises(ValueError, match=r"of conftest\.py stands for itself"):
            look("me")


def test_two_sources_of_a_name_are_refused_and_named(give: Callable[..., None]) -> None:
    give("my/conftest.py", gradcam=sobel)
    with pytest.raises(ValueError, match=r"'gradcam' is given twice, by my/conftest\.py and by built in: rename one"):
        named_method("gradcam")
    assert [method.source for method in known_methods()["gradcam"]] == ["my/conftest.py", "built in"]


def test_what_was_given_before_comes_back(give: Callable[..., None]) -> None:
    give(one=sobel)
    before = set_given([])
    assert [method.name for method in before] == ["one"]
    assert "one" not in known_methods()


# A library that is missing.


@pytest.fixture(params=sorted(LIBRARIES))
def uninstalled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A library that can't be found."""
    package = LIBRARIES[request.param].package
    real = importlib.util.find_spec
    monkeypatch.setattr(resolve, "find_spec", lambda name, *more: None if name == package else real(name, *more))
    return str(request.param)


def test_a_missing_library_names_the_extra_to_install(uninstalled: str) -> None:
    extra = LIBRARIES[uninstalled].extra
    for look in (require_method_spec, resolve_method):
        with pytest.raises(ImportError) as raised:
            look(f"{uninstalled}:Anything")
        told = f"{uninstalled}:Anything needs {extra}: pip install 'pytest-saliency-sanity[{extra}]'"
        assert str(raised.value) == told


def test_the_other_libraries_do_not_miss_it(uninstalled: str) -> None:
    for library in set(LIBRARIES) - {uninstalled}:
        require_method_spec(f"{library}:Anything")


def test_all_leaves_out_what_is_not_installed(uninstalled: str) -> None:
    needs = [name for name, spec in BUILT_IN.items() if spec.startswith(f"{uninstalled}:")]
    assert installed_methods() == [name for name in BUILT_IN if name not in needs]
    for name in needs:
        with pytest.raises(ImportError, match=f"^{name} needs"):
            resolve_method(name)


def test_the_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert {library.extra for library in LIBRARIES.values()} <= set(project["optional-dependencies"])


# The hook, in a project of its own.

CONFTEST = """
import torch

def mine(model, images, targets): return torch.rand(len(images), 4, 4)

class Made:
    def __call__(self, model, images, targets): return torch.rand(len(images), 4, 4)

def pytest_saliency_methods(config):
    return {"mine": mine, "made": Made, "few": "smoothgrad?n_samples=2", "group.dotted-name": mine}
"""


@pytest.fixture
def collect(pytester: pytest.Pytester) -> Listed:
    """Collect the packaged suite for some specs, of the cheapest question."""

    def run(*specs: str, more: tuple[str, ...] = ()) -> pytest.RunResult:
        methods = [f"--saliency-method={spec}" for spec in specs]
        few = ("--saliency-model=alexnet", "--saliency-check=label_randomization")
        return pytester.runpytest_inprocess(
            "--collect-only", "-q", "-p", "no:randomly", "saliency-sanity", *methods, *few, *more
        )

    return run


def test_names_of_a_conftest_are_collected(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.makeconftest(CONFTEST)
    names = ["mine", "made", "few", "few?n_samples=3", "group.dotted-name"]
    result = collect(*names)
    assert result.ret == pytest.ExitCode.OK
    ids = [line for line in result.outlines if "::" in line]
    assert ids == [f"saliency-sanity::{name}-alexnet::test_label_randomization" for name in names]


def test_names_of_a_conftest_are_run(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        "import torch\n"
        "def test_one(saliency_method):\n"
        "    assert saliency_method(None, torch.zeros(3, 1, 2, 2), None).shape == (3, 4, 4)\n"
    )
    options = ("--saliency-method=mine", "--saliency-method=made", "--saliency-model=alexnet")
    result = pytester.runpytest_inprocess("-v", "-k", "test_one", *options)
    assert result.parseoutcomes()["passed"] == 2


def test_the_list_shows_the_names_of_a_conftest(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    result = pytester.runpytest_inprocess("--saliency-list")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["  mine  *given by conftest.py", "  made  *given by conftest.py", "  few  *given by conftest.py"]
    )
    result.stdout.fnmatch_lines(["  gradcam  *reference", "  guided_backprop  *captum:GuidedBackprop"])


def test_a_name_of_one_run_is_unknown_in_the_next(pytester: pytest.Pytester, collect: Listed) -> None:
    conftest = pytester.makeconftest(CONFTEST)
    assert collect("mine").ret == pytest.ExitCode.OK
    conftest.unlink()
    assert collect("mine").ret == pytest.ExitCode.USAGE_ERROR
    assert "mine" not in known_methods()


def test_the_hook_sees_the_config(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.makeini("[pytest]\nsaliency_model = alexnet\n")
    pytester.makeconftest("def pytest_saliency_methods(config): return {config.getini('saliency_model')[0]: 'sobel'}")
    assert collect("alexnet").ret == pytest.ExitCode.OK


def test_a_hook_without_argument_or_answer_is_fine(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.makeconftest("def pytest_saliency_methods(): return None")
    assert collect("sobel").ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("['mine']", "pytest_saliency_methods in conftest.py returned list, not a mapping"),
        ("{'mine': 3}", "pytest_saliency_methods in conftest.py: 'mine' is 3, neither a callable nor a spec"),
        ("{'mine': None}", "'mine' is None, neither a callable nor a spec"),
        ("{3: print}", "3 is no name: letters, digits, '_', '-', '.'"),
        ("{'a/b': print}", "'a/b' is no name"),
        ("{'a:b': print}", "'a:b' is no name"),
        ("{'a b': print}", "'a b' is no name"),
        ("{'': print}", "'' is no name"),
        ("{'a?b=1': print}", "'a?b=1' is no name"),
        ("{'1st': print}", "'1st' is no name"),
    ],
)
def test_a_wrong_answer_of_a_hook_is_a_usage_error(
    answer: str, told: str, pytester: pytest.Pytester, collect: Listed
) -> None:
    pytester.makeconftest(f"def pytest_saliency_methods(): return {answer}")
    result = collect("sobel")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in result.stderr.str()


@pytest.mark.parametrize("name", ["ends.", "a..b", "a.-b", "a.1", "plain", "x-1", "é"])
def test_a_name_that_the_hook_may_give_can_be_asked_for(name: str) -> None:
    # Either the hook refuses it, or it is a spec; not a name that exists and that nobody can write.
    implementation = SimpleNamespace(function=lambda: {name: sobel}, argnames=(), plugin_name="conftest.py")
    calls = SimpleNamespace(pytest_saliency_methods=SimpleNamespace(get_hookimpls=lambda: [implementation]))
    try:
        given = methods_of(SimpleNamespace(hook=calls, rootpath=Path("/")))  # type: ignore[arg-type]
    except pytest.UsageError:
        return
    before = set_given(given)
    try:
        assert resolve_method(name) is sobel
    finally:
        set_given(before)


def assert_clash(result: pytest.RunResult, name: str, *sources: str) -> None:
    """Assert a usage error that names the method and both who give it."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if "is given twice" in line]
    assert f"the method {name!r} is given twice" in line
    assert all(source in line for source in sources)


def test_a_conftest_can_not_take_a_built_in_name(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.makeconftest("def pytest_saliency_methods(): return {'gradcam': 'sobel'}")
    assert_clash(collect("gradcam"), "gradcam", "conftest.py", "built in")
    assert_clash(collect("gradcam?layer=features.0"), "gradcam", "conftest.py", "built in")
    assert_clash(collect("all"), "gradcam", "conftest.py", "built in")
    assert collect("sobel").ret == pytest.ExitCode.OK, "another name is not concerned"


def test_two_conftests_can_not_give_one_name(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.makeconftest("def pytest_saliency_methods(): return {'mine': 'sobel'}")
    below = pytester.mkdir("below")
    (below / "conftest.py").write_text("def pytest_saliency_methods(): return {'mine': 'input', 'other': 'input'}")
    result = collect("mine", more=("below",))
    assert_clash(result, "mine", "by conftest.py", "below/conftest.py")
    assert collect("mine").ret == pytest.ExitCode.OK, "the folder below is not concerned"


def test_two_plugins_can_not_give_one_name(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.syspathinsert()
    for plugin in ("plugin_one", "plugin_two"):
        pytester.makepyfile(**{plugin: "def pytest_saliency_methods(): return {'mine': 'sobel'}"})
    assert_clash(collect("mine", more=("-p", "plugin_one", "-p", "plugin_two")), "mine", "plugin_one", "plugin_two")


def test_a_name_for_itself_in_a_conftest_is_a_usage_error(pytester: pytest.Pytester, collect: Listed) -> None:
    pytester.makeconftest("def pytest_saliency_methods(): return {'mine': 'mine'}")
    result = collect("mine")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "the method 'mine' of conftest.py stands for itself" in result.stderr.str()


@pytest.mark.parametrize(
    ("stands_for", "told"),
    [
        ("gradcan", "unknown method 'gradcan' (did you mean 'gradcam'"),
        ("nowhere:fn", "No module named 'nowhere'"),
        ("smoothgrad?n=3", "unknown keyword of smoothgrad 'n'"),
        ("captum:LayerGradCan", "(did you mean 'LayerGradCam'"),
    ],
)
def test_a_wrong_spec_of_a_conftest_is_a_usage_error(
    stands_for: str, told: str, pytester: pytest.Pytester, collect: Listed
) -> None:
    pytester.makeconftest(f"def pytest_saliency_methods(): return {{'mine': {stands_for!r}}}")
    result = collect("mine")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in result.stderr.str()


# Entry points, of a package that is really installed: a folder on the path with its metadata.


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install a package with entry points: ``install("their-package", mine="their_module:fn")``."""

    def put(package: str, **methods: str) -> Path:
        site = tmp_path_factory.mktemp("site")
        info = site / f"{package.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in methods.items()]
        (info / "entry_points.txt").write_text("\n".join(["[saliency_sanity.methods]", *lines, ""]))
        (site / "theirmethods.py").write_text(MODULE)
        monkeypatch.syspath_prepend(site)
        return site

    yield put
    sys.modules.pop("theirmethods", None)


def test_an_entry_point_is_a_name(install: Callable[..., Path]) -> None:
    install("their-package", theirs="theirmethods:scaled")
    assert known_methods()["theirs"][0].source == "the entry point of their-package"
    assert value_of("theirs") == 1
    assert value_of("theirs?scale=3") == 3


def test_an_entry_point_is_shown_and_collected(
    install: Callable[..., Path], pytester: pytest.Pytester, collect: Listed
) -> None:
    install("their-package", theirs="theirmethods:plain")
    pytester.runpytest_inprocess("--saliency-list").stdout.fnmatch_lines(
        ["  theirs  *given by the entry point of their-package"]
    )
    result = collect("theirs")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["saliency-sanity::theirs-alexnet::test_label_randomization"])


def test_an_entry_point_can_not_take_a_built_in_name(install: Callable[..., Path], collect: Listed) -> None:
    install("their-package", gradcam="theirmethods:plain")
    assert_clash(collect("gradcam"), "gradcam", "the entry point of their-package", "built in")


def test_an_entry_point_and_a_conftest_can_not_give_one_name(
    install: Callable[..., Path], pytester: pytest.Pytester, collect: Listed
) -> None:
    install("their-package", mine="theirmethods:plain")
    pytester.makeconftest("def pytest_saliency_methods(): return {'mine': 'sobel'}")
    assert_clash(collect("mine"), "mine", "conftest.py", "the entry point of their-package")


def test_two_packages_can_not_give_one_name(install: Callable[..., Path], collect: Listed) -> None:
    install("one-package", mine="theirmethods:plain")
    install("other-package", mine="theirmethods:scaled")
    assert_clash(collect("mine"), "mine", "one-package", "other-package")


def test_one_package_seen_twice_on_the_path_is_one(install: Callable[..., Path]) -> None:
    # An editable install and a build folder beside it, say.
    install("their-package", theirs="theirmethods:plain")
    install("their-package", theirs="theirmethods:plain")
    assert len(known_methods()["theirs"]) == 1


def test_an_entry_point_that_can_not_be_imported_is_a_usage_error(
    install: Callable[..., Path], collect: Listed
) -> None:
    install("their-package", theirs="nowhere:fn")
    result = collect("theirs")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "No module named 'nowhere'" in result.stderr.str()
    assert collect("sobel").ret == pytest.ExitCode.OK, "another name is not concerned"


# What is imported, in a process of its own.

HEAVY = {"torch", "numpy", "captum", "zennit", "torchcam", "pytorch_grad_cam", "torchvision"}


def imported_by(program: str) -> set[str]:
    """Return the packages that a program in a new process has imported at its end."""
    shown = "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program + shown], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


WRONG = ["gradcan", "a:", "gradcam?x=f()", "a:b:c", "gradcam?", "captum:X:y:z", "gradcam?x=1&x=2", "f()"]
RIGHT = ["gradcam", "guided_backprop", "captum:Nothing", "zennit:Nothing:layer", "nowhere:fn", "torch:nothing"]


def test_specs_are_checked_without_importing_anything() -> None:
    imported = imported_by(
        "from pytest_saliency_sanity.methods.resolve import require_method_spec\n"
        f"for spec in {RIGHT!r}: require_method_spec(spec)\n"
        f"for spec in {WRONG!r}:\n"
        "    try: require_method_spec(spec)\n"
        "    except ValueError: pass\n"
        "    else: raise SystemExit(spec)\n"
    )
    assert not HEAVY & imported


@pytest.mark.parametrize("spec", ["gradcan", "captum:LayerGradCam:a:b", "gradcam?x=f()", "mine"])
def test_a_wrong_spec_is_resolved_without_importing_anything(spec: str) -> None:
    imported = imported_by(
        "from pytest_saliency_sanity.methods.resolve import resolve_method\n"
        "from pytest_saliency_sanity.methods.registry import NamedMethod, set_given\n"
        "set_given([NamedMethod('mine', 'mine', 'here')])\n"
        f"try: resolve_method({spec!r})\n"
        "except ValueError: pass\n"
        "else: raise SystemExit(1)\n"
    )
    assert not HEAVY & imported


def test_a_right_spec_imports_what_it_needs() -> None:
    # Shows that the tests above can fail.
    program = "from pytest_saliency_sanity.methods.resolve import resolve_method; resolve_method('sobel')"
    assert "torch" in imported_by(program)
