"""Fixtures that a project may use in its own tests, or override in its conftest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from ..checks.catalogue import is_finding
from ..foundation.errors import CheckpointError
from .collection import METHOD, MODEL, Cell
from .settings import Settings

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ..checks.judging.result import CheckResult
    from ..checks.judging.subject import Subject
    from ..data.batch import Batch
    from ..data.bias_scenario import BiasScenario
    from ..interventions.cascade import CascadingRandomizer
    from ..methods.protocol import SaliencyMethod

Judge = Callable[["CheckResult"], None]
SETTINGS = pytest.StashKey[Settings]()
GLANCES = pytest.StashKey[dict[tuple[str, str], dict[str, Any]]]()


@pytest.fixture(scope="session")
def saliency_settings(pytestconfig: pytest.Config) -> Settings:
    """The options of this run."""
    return pytestconfig.stash[SETTINGS]


@pytest.fixture(scope="session")
def saliency_device(saliency_settings: Settings) -> torch.device:
    """The device of ``--saliency-device``; ``auto`` is CUDA where there is one, else the CPU."""
    from ..foundation.devices import resolve_device

    return resolve_device(saliency_settings.device)


@pytest.fixture(scope="module")
def saliency_method_name(request: pytest.FixtureRequest) -> str:
    """The name of the method that is checked: one test for each ``--saliency-method``."""
    cell = request.node.getparent(Cell)
    return cell.method if cell else given(request, METHOD, "--saliency-method=gradcam")


@pytest.fixture(scope="module")
def saliency_model_name(request: pytest.FixtureRequest) -> str:
    """The name of the network that is looked at: one test for each ``--saliency-model``."""
    cell = request.node.getparent(Cell)
    return str(cell.model) if cell else given(request, MODEL, "--saliency-model=alexnet")


@pytest.fixture(scope="module")
def saliency_method(saliency_method_name: str) -> SaliencyMethod:
    """The method that is checked. Override it to check your own without naming it on the command line."""
    from ..methods.resolve import resolve_method

    return resolve_method(saliency_method_name)


@pytest.fixture(scope="module")
def saliency_model(
    saliency_model_name: str,
    saliency_device: torch.device,
    saliency_settings: Settings,
    pytestconfig: pytest.Config,
) -> nn.Module:
    """The trained network whose maps are looked at. Override it to check on your own, in evaluation mode."""
    with loading(pytestconfig):
        return saliency_settings.preset.model(saliency_model_name, saliency_device)


@pytest.fixture
def saliency_memorized_model(
    request: pytest.FixtureRequest,
    saliency_model: nn.Module,
    saliency_device: torch.device,
    saliency_settings: Settings,
) -> nn.Module:
    """The same network, which memorised random labels. Override it together with ``saliency_model``."""
    name = built_in_network(
        request,
        saliency_settings.preset.has_twin,
        "no network like {name} that memorised random labels: override the fixture saliency_memorized_model to be "
        "asked this",
    )
    with loading(request.config):
        return saliency_settings.preset.memorized_model(name, saliency_device)


@pytest.fixture
def saliency_bias_scenario(
    request: pytest.FixtureRequest,
    saliency_model: nn.Module,
    saliency_device: torch.device,
    saliency_settings: Settings,
) -> BiasScenario:
    """A biased and a balanced model, images against the stereotype, masks of the nuisance. Override it with your own.

    Of a built-in network those that the package ships, with up to 400 of its images.
    """
    name = built_in_network(
        request,
        saliency_settings.preset.has_biased_twin,
        "no biased and balanced networks like {name}: override the fixture saliency_bias_scenario to be asked this",
    )
    from ..data.bias_scenario import shipped_scenario

    return shipped_scenario(name, saliency_settings.images, saliency_device)


@pytest.fixture
def saliency_batch(saliency_settings: Settings, saliency_device: torch.device) -> Batch:
    """The images to explain: held-out digits, or the photographs of ``--saliency-data``."""
    settings = saliency_settings
    try:
        return settings.preset.batch(settings.images, at_most=settings.takes_fewer_images).to(saliency_device)
    except ValueError as error:
        pytest.fail(f"{error}, or override the fixture saliency_batch", pytrace=False)


@pytest.fixture
def saliency_cascade(
    saliency_model: nn.Module, saliency_batch: Batch, saliency_settings: Settings
) -> CascadingRandomizer:
    """A top-down cascade over ``saliency_model``: give it to ``assert_src_below`` as ``randomization``."""
    from ..interventions.cascade import CascadingRandomizer

    return CascadingRandomizer(saliency_model, seed=saliency_settings.seed, images=saliency_batch.images)


@pytest.fixture
def saliency_subject(
    request: pytest.FixtureRequest,
    saliency_method: SaliencyMethod,
    saliency_method_label: str,
    saliency_model: nn.Module,
    saliency_batch: Batch,
    saliency_settings: Settings,
) -> Subject:
    """The method and the model under their names, as every ``check_*`` takes them."""
    from ..checks.judging.subject import Subject, require_fits

    subject = Subject(
        saliency_method,
        saliency_method_label,
        saliency_model,
        given_name(request, MODEL) or type(saliency_model).__name__,
        saliency_batch,
        saliency_settings.seed,
    )
    try:
        require_fits(subject)
    except ValueError as error:
        pytest.fail(str(error), pytrace=False)
    request.node.user_properties.append(("saliency_maps", _glance(request, subject)))
    return subject


def _glance(request: pytest.FixtureRequest, subject: Subject) -> dict[str, Any]:
    """Return what the report compares methods by; looked at once for each method and model of a module."""
    from ..reports.glance import glance_at

    seen = request.node.getparent(pytest.Module).stash.setdefault(GLANCES, {})
    key = (subject.method_name, subject.model_name)
    if key not in seen:
        seen[key] = glance_at(subject)
    glance: dict[str, Any] = seen[key]
    return glance


@pytest.fixture
def saliency_method_label(request: pytest.FixtureRequest, saliency_method: SaliencyMethod) -> str:
    """The name that the method has in reports: that of the command line, or its own."""
    from ..measuring.src import name_of

    return given_name(request, METHOD) or name_of(saliency_method)


@pytest.fixture
def saliency_judge(request: pytest.FixtureRequest, saliency_settings: Settings) -> Judge:
    """Return a function that keeps a result for the report and fails the test unless it passed.

    Where the question can't be put to the model, the test is skipped. A finding, which decides in the tier ``full``
    only, is an expected failure in the tier ``gate``.
    """
    from ..assertions import assert_passed

    def judge(result: CheckResult) -> None:
        __tracebackhide__ = True
        request.node.user_properties.append(("saliency", result.as_record()))
        if why := result.measured.get("not_applicable"):
            pytest.skip(why)
        if result.verdict != "passed" and is_finding(result.check) and saliency_settings.tier == "gate":
            pytest.xfail(f"a finding, no gate (--saliency-tier=full makes it one): {result.verdict}")
        assert_passed(result)

    return judge


@contextmanager
def loading(config: pytest.Config) -> Iterator[None]:
    """Show the progress of a training, though pytest captures; say in a sentence why a network can't be had."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        try:
            yield
        except CheckpointError as error:
            pytest.fail(str(error), pytrace=False)


def given_name(request: pytest.FixtureRequest, fixture: str) -> str | None:
    """Return the name that a fixture's value has on the command line; None where the fixture is overridden."""
    if f"{fixture}_name" not in request.fixturenames:
        return None
    name: str = request.getfixturevalue(f"{fixture}_name")
    return name


def built_in_network(request: pytest.FixtureRequest, has_twin: Callable[[str], bool], missing: str) -> str:
    """Return the name of a network that comes with twins; else skip with ``missing``, or fail if it was asked for."""
    name = given_name(request, MODEL)
    if name is not None and has_twin(name):
        return name
    why = missing.format(name=name or MODEL)
    if request.config.stash[SETTINGS].asked_for("check"):  # by its name, then: what was asked for is not left out
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


def given(request: pytest.FixtureRequest, fixture: str, option: str) -> str:
    """Return the name that this test was parametrised with; fail where nothing was given."""
    name: str | None = getattr(request, "param", None)
    if name is None:
        pytest.fail(f"nothing to check: give {option}, or override the fixture {fixture}", pytrace=False)
    return name


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses ``saliency_method`` or ``saliency_model`` once for each that is given.

    A cell of the packaged suite has one of each. A fixture that is overridden without asking for the original does not
    depend on the name, so its tests are not multiplied.
    """
    if metafunc.definition.getparent(Cell):
        return
    settings = metafunc.config.stash[SETTINGS]
    for fixture, names in ((METHOD, settings.methods), (MODEL, settings.models)):
        if names and f"{fixture}_name" in metafunc.fixturenames:
            metafunc.parametrize(f"{fixture}_name", names, indirect=True, ids=names, scope="module")
