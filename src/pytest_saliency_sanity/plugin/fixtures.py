"""Fixtures that a project can use in its own tests, or override in its conftest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from ..checks.plan import Question
from ..checks.registry import CHECKS
from .account import tell, tell_result
from .baselines import require_unchanged
from .blame import fail
from .collection import Cell
from .html_report import keep_for_html
from .names import METHOD, MODEL
from .properties import add_properties
from .settings import SETTINGS, Settings
from .supply import given_name, loading, more_images, of_the_preset, of_usual_size, supply
from .workers import turn_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ..checks.judging.result import CheckResult
    from ..checks.judging.subject import MethodSubject, Subject
    from ..data.batch import Batch
    from ..data.bias_scenario import BiasScenario
    from ..interventions.cascade import CascadingRandomizer
    from ..methods.protocol import SaliencyMethod
    from ..reports.glances import Glance

Judge = Callable[["CheckResult"], None]
Look = Callable[["Subject"], None]
GLANCES = pytest.StashKey[dict[tuple[str, str], "Glance"]]()


@pytest.fixture(scope="session")
def saliency_settings(pytestconfig: pytest.Config) -> Settings:
    """The options of this run."""
    return pytestconfig.stash[SETTINGS]


@pytest.fixture(scope="session")
def saliency_device(saliency_settings: Settings, pytestconfig: pytest.Config) -> torch.device:
    """The device of ``--saliency-device``; ``auto`` is CUDA if there is one, else the CPU.

    Each worker of pytest-xdist gets another GPU in turn, unless the option says which one.
    """
    from ..foundation.devices import resolve_device

    return resolve_device(saliency_settings.device, turn_of(pytestconfig))


@pytest.fixture(scope="module")
def saliency_method_name(request: pytest.FixtureRequest) -> str:
    """The name of the method that is checked: one test for each ``--saliency-method``."""
    cell = request.node.getparent(Cell)
    return cell.method if cell else given(request, METHOD, "--saliency-method=gradcam")


@pytest.fixture(scope="module")
def saliency_model_name(request: pytest.FixtureRequest) -> str:
    """The name of the network to explain: one test for each ``--saliency-model``."""
    cell = request.node.getparent(Cell)
    return cell.model if cell else given(request, MODEL, "--saliency-model=alexnet")


@pytest.fixture(scope="module")
def saliency_method(saliency_method_name: str) -> SaliencyMethod:
    """The method that is checked. Override it to check your own without naming it on the command line."""
    from ..foundation.errors import SaliencyMethodError, described, is_excuse
    from ..methods.resolve import resolve_method

    try:
        return resolve_method(saliency_method_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if not is_excuse(error):
            raise
        raise SaliencyMethodError(f"{saliency_method_name}: making it raised {described(error)}") from error


@pytest.fixture(scope="module")
def saliency_model(
    saliency_model_name: str,
    saliency_device: torch.device,
    saliency_settings: Settings,
    pytestconfig: pytest.Config,
) -> nn.Module:
    """The trained network to explain, in evaluation mode. Override it to check on your own network."""
    from ..foundation.errors import described, is_excuse, traceback_of
    from ..networks.resolve import resolve_network

    settings, name = saliency_settings, saliency_model_name
    with loading(pytestconfig):
        try:
            return resolve_network(name, settings.networks, settings.preset.networks, saliency_device)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if name in settings.preset.networks and not is_excuse(error):
                raise
            source = settings.sources["model"]
            fail(f"{source}={name}: making it raised {described(error)}\n\n{traceback_of(error)}")


@pytest.fixture
def saliency_memorized_model(request: pytest.FixtureRequest, saliency_model: nn.Module) -> nn.Module:
    """The same network, trained to memorise random labels. Override it together with ``saliency_model``."""
    return cast("nn.Module", of_the_preset(request, "memorized_model"))


@pytest.fixture
def saliency_bias_scenario(request: pytest.FixtureRequest, saliency_model: nn.Module) -> BiasScenario:
    """A biased and a balanced model, images against the stereotype, and masks of the nuisance. Override it with yours.

    For a built-in network, the models that the package ships, with up to 400 images.
    """
    return cast("BiasScenario", of_the_preset(request, "bias_scenario"))


@pytest.fixture
def saliency_batch(saliency_preset_batch: Batch) -> Batch:
    """The images to explain. Override it with yours."""
    return saliency_preset_batch


@pytest.fixture
def saliency_preset_batch(request: pytest.FixtureRequest, saliency_device: torch.device) -> Batch:
    """The preset's images: those that the network learned to tell, or the photographs of ``--saliency-data``."""
    try:
        return of_usual_size(request, saliency_device)
    except ValueError as error:
        fail(f"{error}, or override the fixture saliency_batch")


@pytest.fixture
def saliency_cascade(
    saliency_model: nn.Module, saliency_batch: Batch, saliency_settings: Settings
) -> CascadingRandomizer:
    """A top-down cascade over ``saliency_model``: give it to ``assert_src_below`` as ``randomization``."""
    from ..interventions.cascade import CascadingRandomizer

    law, seed = saliency_settings.law, saliency_settings.seed
    return CascadingRandomizer(saliency_model, law=law, seed=seed, images=saliency_batch.images)


@pytest.fixture
def saliency_question(request: pytest.FixtureRequest) -> Question:
    """The question of a packaged test."""
    from .items import question_of

    question = question_of(request.node)
    if question is None:
        pytest.fail("saliency_question can only be used in the packaged tests", pytrace=False)
    return question


@pytest.fixture
def saliency_needs(request: pytest.FixtureRequest, saliency_question: Question) -> dict[str, object]:
    """What the check of a packaged test needs besides a method and a model, by name.

    A need comes from the fixture ``saliency_<need>`` if there is one, else from the preset.
    """
    from ..checks.answering import gather_needs

    check = CHECKS.named(saliency_question.check)
    model = given_name(request, MODEL) if check.by_model else None
    return gather_needs(check, model or MODEL, lambda need: supply(request, need))


@pytest.fixture(scope="module")
def saliency_known_subjects() -> list[Subject]:
    """The subject of the test before, whose maps are kept for the next one, if it is about the same."""
    return []


@pytest.fixture
def saliency_subject(
    request: pytest.FixtureRequest,
    saliency_method: SaliencyMethod,
    saliency_method_label: str,
    saliency_model: nn.Module,
    saliency_batch: Batch,
    saliency_settings: Settings,
    saliency_known_subjects: list[Subject],
) -> Subject:
    """The method and the model with their names, as a check takes them: the same for all tests, if it can be."""
    from ..checks.judging.subject import Subject, require_fits
    from ..foundation.memory import give_back

    subject = Subject(
        saliency_method,
        saliency_method_label,
        saliency_model,
        given_name(request, MODEL) or type(saliency_model).__name__,
        saliency_batch,
        seed=saliency_settings.seed,
        reading=saliency_settings.reading,
        more=more_images(request.config, saliency_batch),
        all_images=saliency_settings.images is not None,
        memory=saliency_settings.memory,
        parallel=saliency_settings.parallel,
        settles_findings=saliency_settings.tier == "full",
        illustrate=saliency_settings.report is not None,
    )
    tell(request.node, **circumstances(subject), device=str(next(saliency_model.parameters()).device))
    for known in saliency_known_subjects:
        if known.is_still(subject):
            return known
    try:
        require_fits(subject)
    except ValueError as error:
        fail(str(error))
    saliency_known_subjects.clear()
    give_back()
    saliency_known_subjects.append(subject)
    return subject


@pytest.fixture
def saliency_method_subject(
    request: pytest.FixtureRequest,
    saliency_method: SaliencyMethod,
    saliency_method_label: str,
    saliency_settings: Settings,
) -> MethodSubject:
    """The method with its name, for a check that needs no model, and the size of the images of the run."""
    from ..checks.judging.subject import MethodSubject

    seed = saliency_settings.seed
    subject = MethodSubject(saliency_method, saliency_method_label, seed=seed, form=form_of_images(request))
    tell(request.node, **circumstances(subject))
    return subject


@pytest.fixture
def saliency_method_label(request: pytest.FixtureRequest, saliency_method: SaliencyMethod) -> str:
    """The name of the method in reports: the one on the command line, or its own."""
    from ..methods.protocol import method_name

    return given_name(request, METHOD) or method_name(saliency_method)


@pytest.fixture
def saliency_judge(request: pytest.FixtureRequest, saliency_settings: Settings) -> Judge:
    """Return a function that keeps a result for the reports and fails the test unless it passed.

    If the question can't be put to the model, the test is skipped. If the answer is another than in the baseline of
    ``--saliency-baseline``, the test fails. In the tier ``gate``, a variant that is a finding and did not pass is an
    expected failure. In the tier ``full``, every finding decides.
    """
    from ..assertions import assert_passed

    def judge(result: CheckResult) -> None:
        __tracebackhide__ = True
        marker = request.node.get_closest_marker("xfail")
        expected = str(marker.kwargs.get("reason", "")) if marker else ""
        result = replace(result, expected=expected)
        tell_result(request.node, result, evidence=saliency_settings.report is not None)
        add_properties(request.node, result)
        keep_for_html(request.node, result)
        if result.not_asked:
            pytest.skip(result.not_asked)
        require_unchanged(request.config, result)
        if result.verdict != "passed" and result.passed_in(saliency_settings.tier):
            pytest.xfail(f"a finding, not decisive (unless --saliency-tier=full): {result.verdict}")
        assert_passed(result, saliency_settings.tier)

    return judge


@pytest.fixture
def saliency_look(request: pytest.FixtureRequest) -> Look:
    """Return a function that keeps a glance at the maps of a subject, for the notes of the summary.

    The glance is taken once for each method and model of a module. The method runs in the test, not in a fixture, so
    that whatever it raises concerns no other test.
    """
    from ..reports.glance import glance_at
    from .summary import announce

    taken: dict[tuple[str, str], Glance] = request.node.getparent(pytest.Module).stash.setdefault(GLANCES, {})

    def look(subject: Subject) -> None:
        key = (subject.method_name, subject.model_name)
        if key not in taken:
            taken[key] = glance_at(subject)
            announce(request.config, taken[key])
        tell(request.node, glance=taken[key].as_record())

    return look


def circumstances(subject: MethodSubject) -> dict[str, object]:
    """Return what the record of a question says about its method."""
    from ..methods.parameters import parameters_of
    from ..reports.versions import versions_of

    return {"parameters": parameters_of(subject.method), "versions": versions_of(subject.method_name)}


def form_of_images(request: pytest.FixtureRequest) -> tuple[int, int, int] | None:
    """Return the size ``(C, H, W)`` of the images of the run; None if a project's fixture needs a model for them."""
    try:
        batch: Batch = request.getfixturevalue("saliency_batch")
        return batch.form
    except (Exception, pytest.fail.Exception, pytest.skip.Exception):
        return None


def given(request: pytest.FixtureRequest, fixture: str, option: str) -> str:
    """Return the name that this test was parametrised with. Fails the test if there is none."""
    name: str | None = getattr(request, "param", None)
    if name is None:
        pytest.fail(f"nothing to check: give {option}, or override the fixture {fixture}", pytrace=False)
    return name


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses ``saliency_method`` or ``saliency_model`` once for each given method or model.

    A cell of the packaged suite has only one of each. An overridden fixture that does not use the original does not
    depend on the name, so its tests are not repeated.
    """
    if metafunc.definition.getparent(Cell):
        return
    settings = metafunc.config.stash[SETTINGS]
    for fixture in (METHOD, MODEL):
        if f"{fixture}_name" in metafunc.fixturenames:
            names = settings.methods if fixture == METHOD else settings.models
            if names:
                metafunc.parametrize(f"{fixture}_name", names, indirect=True, ids=names, scope="module")
