"""The public functions that take names of methods, models, presets and checks: src_profile and check_method."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from logging import getLogger

import torch
from torch import nn

from .checks.answering import answer, gather_needs
from .checks.answering import suited_to as suited_to_subject
from .checks.costs import announcement
from .checks.expectations import ExpectedFailure, expected_reason, named_expected_failure, require_meaningful
from .checks.judging.result import CheckResult, not_asked
from .checks.judging.results import Results
from .checks.judging.subject import MethodSubject, Subject, require_fits
from .checks.plan import Plan, Question
from .checks.registry import CHECKS, IMAGES, MOST_IMAGES
from .data.batch import Batch
from .foundation.backends import Backend, parse_backend
from .foundation.devices import resolve_device
from .foundation.errors import SaliencyMethodError, UnsuppliedNeedError, unknown_name
from .foundation.limits import LEAST_IMAGES, require_threshold
from .foundation.mapping import spread_over
from .foundation.memory import give_back
from .foundation.reading import Reading
from .foundation.workload import suited_to
from .interventions.cascade import CascadingRandomizer
from .interventions.labels import LabelRandomizer
from .interventions.stage import Randomization
from .measuring.profile import SrcProfile
from .measuring.similarities import SRC
from .measuring.src import At, SrcMeasurement
from .methods.protocol import SaliencyMethod, method_name
from .methods.resolve import resolve_method
from .networks.presets.protocol import PresetNetworks
from .networks.presets.registry import MEMORIZED_MODEL, PRESETS, open_preset
from .networks.resolve import require_network_spec, resolve_network

LOG = getLogger("pytest_saliency_sanity")
RANDOMIZATIONS = ("cascading", "labels")


def src_profile(
    method: SaliencyMethod | str,
    model: nn.Module | str,
    batch: Batch | None = None,
    *,
    randomization: Randomization | str = "cascading",
    at: At = "every",
    sign: str = "signed",
    similarity: str = SRC,
    seeds: int = 3,
    seed: int = 0,
    parallel: str | None = None,
) -> SrcProfile:
    """Measure how similar a method's maps are before and after a randomisation, without judging them.

    ``method``, ``model``: an object or a name. ``batch``: by default the images of the randomizer, or 100 held-out
    ones that a shipped network learned to tell, digits for your own. ``randomization``: ``"cascading"``, ``"labels"``
    (of a named model), or a randomizer, which brings its own model. ``at``: which stages to measure: ``"every"``,
    ``"last"``, ``"classifier"``, a stage's name, or several of these. ``sign``: ``"signed"`` compares the channels'
    sums, ``"absolute"`` their summed magnitudes. ``similarity``: ``"src"``, or for research ``"pearson"``, ``"ssim"``
    or ``"top_k"`` (``measuring.similarities``) in its place.
    ``seeds``: how many times weights are drawn; a ``LabelRandomizer`` has only one version. At every stage, the class
    explained is the batch's target, by default the class that the original model predicts. ``parallel``: spread the
    work over processes or machines, ``"loky:N"``, ``"dask:ADDRESS"`` or ``"ray"`` (docs/scale.md).

    Raises ValueError or TypeError if arguments do not fit, ImportError if ``similarity`` needs a package that is not
    installed, SaliencyMethodError if the method raises or does not return maps, CheckpointError if a checkpoint is
    damaged.
    """
    backend = parse_backend(parallel) if parallel else None
    named = isinstance(randomization, str)  # a randomizer brings its own model
    randomizer = as_randomization(randomization, model)
    measurement = SrcMeasurement(
        method=resolve_method(method) if isinstance(method, str) else method,
        method_name=method if isinstance(method, str) else method_name(method),
        model_name=model if isinstance(model, str) and named else type(randomizer.model).__name__,
        randomizer=randomizer,
        batch=batch or default_batch(randomizer, model),
        signs=(sign,),
        seeds=seeds,
        seed=seed,
        compared_by=similarity,
    )
    with spread_over(backend), suited_to(randomizer.model, measurement.images):
        return measurement.profile(at)


def as_randomization(randomization: Randomization | str, model: nn.Module | str) -> Randomization:
    """Return the randomizer of a name and a model. Raises ValueError if they do not fit together."""
    if not isinstance(randomization, str):
        if isinstance(model, nn.Module) and model is not randomization.model:
            raise ValueError("randomization is a randomizer of another model than the given one: leave out model")
        return randomization
    if randomization not in RANDOMIZATIONS:
        raise unknown_name("randomization", randomization, RANDOMIZATIONS)
    trained = as_model(model)
    if randomization == "cascading":
        return CascadingRandomizer(trained)
    preset = open_preset("embedded")
    memorized = preset.supply(MEMORIZED_MODEL, model, IMAGES) if isinstance(model, str) else None
    if not isinstance(memorized, nn.Module):
        raise ValueError("for random labels of your own model, pass randomization=LabelRandomizer(model, memorized)")
    return LabelRandomizer(trained, memorized)


def as_model(model: nn.Module | str) -> nn.Module:
    """Return a model, or the one that a spec means: the name of a shipped network, or ``package.module:factory``."""
    preset = open_preset("embedded")
    return resolve_network(model, preset, PRESETS.named(preset.name).networks) if isinstance(model, str) else model


def default_batch(randomization: Randomization | str, model: nn.Module | str) -> Batch:
    """Return the images that a randomizer was made for, else 100 that the model learned to tell; without targets."""
    images = None if isinstance(randomization, str) else randomization.given_images
    if images is not None:
        return Batch(images)
    return open_preset("embedded").batch(100, model if isinstance(model, str) else None)


def check_method(
    method: SaliencyMethod | str,
    *,
    models: Iterable[str] | None = None,
    preset: PresetNetworks | str = "embedded",
    checks: Iterable[str] | None = None,
    images: int | None = None,
    batch: Batch | None = None,
    seed: int = 0,
    device: str = "auto",
    memory: int | None = None,
    parallel: str | None = None,
    needs: Mapping[str, object] | None = None,
    thresholds: Mapping[str, float] | None = None,
    sign: str = "signed",
    law: str = "normal",
    confidence: float = 0.95,
    expected_failures: Mapping[str, str] | None = None,
    explain: bool = True,
    illustrate: bool = False,
) -> Results:
    """Run the checks of the packaged suite on a method, without pytest; return their results, in the same order.

    They are a list, which a notebook shows as a table; ``to_dataframe()`` gives it to pandas.

    ``method``: an object or a spec. ``models``: names of the preset's networks, or ``package.module:factory``; by
    default all of the preset. ``preset``: a name, or a preset opened with options
    (``networks.presets.registry.open_preset``). ``checks``: names, or single variants, ``"symmetry[rescaling]"``; by
    default all registered ones. ``images``: explain so many images of the preset, 10 to 1000; by default as many as
    each answer takes until it is sure. ``batch``: other images instead, up to 1000.
    ``device``: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``. ``memory``: how many bytes may be taken,
    by default a quarter of what is free. ``parallel``: as in ``src_profile``. ``needs``: by name, what checks need for
    these models that the preset does not supply, such as ``memorized_model``. ``thresholds``: by check, other
    thresholds than the calibrated ones. ``sign``: ``"signed"`` reads maps as they are given, ``"absolute"`` by
    magnitude. ``law``: what new weights are drawn from, ``"normal"``, ``"reinit"``, ``"permute"`` or ``"match"``; the
    thresholds are calibrated for the first. ``confidence``: that of the intervals. ``expected_failures``: reasons by
    ``method/model/check``, which the results repeat in ``expected``. ``explain``: whether more stages are measured if a
    check does not pass, to explain its verdict; ``illustrate``: whether they are if it passes, too, though on few
    images, to show the whole cascade in ``curve`` and ``evidence``.

    If a question can't be put to a model because something that it needs is missing, its result says why in
    ``not_asked``; if its check was named in ``checks``, it is an error.

    Raises ValueError if a name is unknown, a model does not take the images, or a need of a named check is missing;
    SaliencyMethodError if the method raises or does not return maps.
    """
    reading = Reading(sign, law, confidence)
    opened = open_preset(preset)
    name = method if isinstance(method, str) else method_name(method)
    known = PRESETS.named(opened.name)
    networks = known.networks
    lacking = {name: known.lacking(name) for name in networks} if models is None else {}
    plan = Plan.of([name], networks if models is None else models, () if checks is None else checks, lacking)
    for model in plan.models:
        require_network_spec(model, networks)
    for check, threshold in (thresholds or {}).items():
        require_threshold(threshold, f"the threshold of {CHECKS.named(check).name}")
    count = len(batch) if batch is not None else LEAST_IMAGES if images is None else images
    if not LEAST_IMAGES <= count <= MOST_IMAGES:
        raise ValueError(f"images must be {LEAST_IMAGES} to {MOST_IMAGES}, not {count!r}")
    expected = [
        named_expected_failure(pattern, reason, "expected_failures")
        for pattern, reason in (expected_failures or {}).items()
    ]
    require_meaningful(expected, plan.methods, plan.models)
    run = Run(
        method=resolve_method(method) if isinstance(method, str) else method,
        plan=plan,
        preset=opened,
        networks=networks,
        device=resolve_device(device),
        memory=memory,
        parallel=parse_backend(parallel) if parallel else None,
        images=images,
        batch=batch,
        seed=seed,
        reading=reading,
        explain=explain,
        illustrate=illustrate,
        needs=needs or {},
        thresholds=thresholds or {},
        expected=expected,
    )
    return Results(run.put(question) for question in plan)


@dataclass
class Run:
    """What all questions of a plan share. A model is loaded when the first question about it is put."""

    method: SaliencyMethod
    plan: Plan
    preset: PresetNetworks
    networks: Collection[str]
    device: torch.device
    memory: int | None = None
    parallel: Backend | None = None
    images: int | None = None
    batch: Batch | None = None
    seed: int = 0
    reading: Reading = field(default_factory=Reading)
    explain: bool = False
    illustrate: bool = False
    needs: Mapping[str, object] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    expected: Sequence[ExpectedFailure] = ()
    _subject: tuple[str, MethodSubject] | None = field(default=None, init=False)

    def put(self, question: Question) -> CheckResult:
        """Put a question and return the result."""
        check = CHECKS.named(question.check)
        try:
            needs = gather_needs(check, question.model, partial(self.supply, question.model))
        except UnsuppliedNeedError as error:
            if self.plan.by_name:
                raise
            return not_asked(question.id, question.method, question.model, self.seed, str(error))
        threshold = self.thresholds.get(check.name)
        result = answer(question, self.subject_of(question), needs, threshold)
        return replace(result, expected=expected_reason(question, self.expected))

    def supply(self, model: str, need: str) -> object | None:
        """Return what a check needs of a model; None if nobody gives it."""
        if need in self.needs:
            return self.needs[need]
        return self.preset.supply(need, model, self._most, self.device) if model in self.networks else None

    @property
    def _most(self) -> int:
        """How many images may be looked at."""
        return len(self.batch) if self.batch is not None else self.images or self._most_of_preset

    @property
    def _most_of_preset(self) -> int:
        return PRESETS.named(self.preset.name).most_images

    def _batch(self, model: str) -> Batch:
        if self.batch is not None:
            return self.batch.to(self.device)
        images = self.images or IMAGES
        return self.preset.batch(images, model, at_most=self.images is None).to(self.device)

    def _more(self, model: str) -> Batch | None:
        if self.batch is not None or self.images is not None:
            return None
        return self.preset.batch(self._most_of_preset, model, at_most=True).to(self.device)

    def subject_of(self, question: Question) -> MethodSubject:
        """Return the subject of a question. The last one is kept, since questions come model by model."""
        if self._subject is None or self._subject[0] != question.model:
            self._subject = None
            give_back()
            self._subject = question.model, self._make_subject(question)
        return self._subject[1]

    def _make_subject(self, question: Question) -> MethodSubject:
        method, name, model = self.method, question.method, question.model
        if not model:
            return MethodSubject(method, name, seed=self.seed, form=self._batch(model).form)
        network = resolve_network(model, self.preset, self.networks, self.device)
        subject = Subject(
            method,
            name,
            network,
            model,
            self._batch(model),
            seed=self.seed,
            reading=self.reading,
            more=self._more(model),
            all_images=self.images is not None,
            memory=self.memory,
            parallel=self.parallel,
            explain=self.explain,
            illustrate=self.illustrate,
        )
        require_fits(subject)
        self._announce(subject)
        return subject

    def _announce(self, subject: Subject) -> None:
        """Log how long the questions about a model will take, if it is long."""
        try:
            with suited_to_subject(subject):
                seconds, cost = subject.seconds, subject.cost
        except SaliencyMethodError:
            return  # the questions report it
        count = len([each for each in self.plan if each.model == subject.model_name])
        if text := announcement(subject.method_name, subject.model_name, seconds, cost, count):
            LOG.warning(text)
