"""Says in seconds what will be asked of a method on a network, what will not and why, and what it will take."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import torch
from torch import nn

from .api import Run
from .checks.answering import gather_needs, suited_to
from .checks.judging.subject import MethodSubject, Subject
from .checks.plan import Plan, Question
from .checks.registry import CHECKS, IMAGES
from .data.batch import Batch
from .data.named import images_named
from .foundation.devices import resolve_device
from .foundation.errors import SaliencyMethodError, UnsuppliedNeedError, described
from .foundation.inference import evaluation_mode, how_to_wrap, images_for, logits_of
from .foundation.limits import LEAST_IMAGES
from .foundation.places import calling
from .foundation.workload import workload_of
from .interventions.cascade import CascadingRandomizer, noise_for
from .methods.activations import last_convolution
from .methods.gradcam import gradcam
from .methods.resolve import require_method_spec, resolve_method
from .networks.presets.registry import PRESETS, open_preset
from .networks.resolve import require_network_spec, resolve_network
from .reports.glance import layer_of

LONG_TO_MAKE = 10.0  # seconds
SLOW = 0.5  # seconds; beside it, what the first call of a process sets up does not count
SAVE = "save its weights once, and let the factory load them"
OVERRIDE = "override the fixture saliency_batch (docs/howto/own-network.md)"
# Over ten images, a logit of the shipped networks varies by 0.8 of the spread of all, or more. In a network whose
# signal died out, as in deep ones of random weights, it varies by rounding: 5e-8 in a detector.
HARDLY = 1e-5
ALL_ALIKE = "its logits hardly differ from image to image, so there is nothing to explain: were its weights loaded?"
BEFORE_ATTENTION = (
    "that is before all attention, so hardly a part of what the network sees: name a layer of its last block, as in "
    "grad_cam:GradCAM:encoder.layers.encoder_layer_11.ln_1"
)
ALL_OF_ONE_CLASS = "it predicts one class for all of them, so maps tell little: are the images normalised for it?"


def examine(options: argparse.Namespace) -> int:
    """Print the diagnosis; return 0, or 1 if the network or the method can't be asked anything.

    Raises ValueError if the network, the method or the images can't be had.
    """
    line = ""
    try:
        for line in diagnosis(options.method, options.model, options.data, options.device, options.preset):
            print(line, flush=True)
    except (ImportError, TypeError) as error:
        raise ValueError(str(error)) from error
    return 1 if line == NOTHING else 0


NOTHING = "Nothing can be asked."


def diagnosis(method: str, model: str, data: str | None, device: str, preset_name: str) -> Iterator[str]:
    """Yield the lines of the diagnosis of a method's spec and a network's; the last is ``NOTHING`` if it is hopeless.

    ``data``: the import path of a ``Batch`` or of a function that returns one, or a folder of photographs; None for
    the preset's images.
    """
    preset = open_preset(preset_name)
    networks = PRESETS.named(preset_name).networks
    require_network_spec(model, networks)
    require_method(method)
    on = resolve_device(device)
    begin = perf_counter()
    with calling(f"--saliency-model={model}: making it"):
        network = resolve_network(model, preset, networks, on)
    seconds = perf_counter() - begin
    with calling(f"--saliency-data={data}"):
        own = images_named(data, IMAGES) if data else None
    given = own or preset.batch(IMAGES, model if model in networks else None, at_most=True)
    yield from about_network(model, network)
    if seconds > LONG_TO_MAKE:
        yield f"  warning: making it took {seconds:.0f} s, in every run and every worker: {SAVE}"
    try:
        logits = logits_of(network, images_for(network, given.images[:10]))
    except Exception as error:  # a network can raise anything for images that do not fit it
        yield from about_misfit(network, given, error)
        yield NOTHING
        return
    if lacking := too_few(given, logits):
        yield f"  {lacking}"
        yield NOTHING
        return
    yield from about_images(given, logits, model in networks or data is not None)
    yield from about_cascade(network, given)
    plan = Plan.of([method], [model], (), {})
    shown = None if model in networks and data is None else given
    yield from about_questions(Run(resolve_method(method), plan, preset, networks, on, batch=shown))


def require_method(spec: str) -> None:
    """Raise ValueError for a spec that means no method, also for a name of a conftest, which only pytest reads."""
    try:
        require_method_spec(spec)
    except ValueError as error:
        instead = "; instead of a name that a conftest gives, give the import path here" if spec.isidentifier() else ""
        raise ValueError(f"{error}{instead}") from error


def too_few(batch: Batch, logits: torch.Tensor) -> str:
    """Return that there are too few classes or images to ask anything; empty if there are enough."""
    if logits.shape[1] == 1:
        return f"it has one class only{how_to_wrap(logits, len(logits))}"
    return f"there are {len(batch)} images: give at least {LEAST_IMAGES}" if len(batch) < LEAST_IMAGES else ""


def about_network(name: str, network: nn.Module) -> Iterator[str]:
    """Yield what the network is."""
    first = next(network.parameters(), None)
    weights = sum(each.numel() for each in network.parameters())
    kind = "no parameters" if first is None else f"{weights:,} parameters, {str(first.dtype)[6:]}, on {first.device}"
    yield f"{name}: {type(network).__name__}, {kind}"


def about_misfit(network: nn.Module, batch: Batch, error: Exception) -> Iterator[str]:
    """Yield that a network does not take the images, and which it does."""
    yield f"  it can't be run on images {' x '.join(map(str, batch.form))}: {described(error)}"
    try:
        form = " x ".join(map(str, noise_for(network).shape[1:]))
        yield f"  it takes images {form}: to give such, {OVERRIDE}"
    except Exception:  # it has another input than images, or another output than logits
        yield "  it takes no images of a usual size, or returns no logits: wrap it so that it does"


def about_images(batch: Batch, logits: torch.Tensor, are_its_own: bool) -> Iterator[str]:
    """Yield what it is shown, and what it makes of it."""
    own = "" if are_its_own else f", packaged digits: to show it images of its own, {OVERRIDE}"
    yield f"  images: {' x '.join(map(str, batch.form))}{own}"
    predicted = len(logits.argmax(1).unique())
    yield f"  logits of {logits.shape[1]} classes; {predicted} of them predicted for the first {len(logits)} images"
    if not logits.isfinite().all():
        yield "  warning: some logits are not finite"
    elif len(logits) > 1 and (logits.amax(0) - logits.amin(0)).amax() <= HARDLY * (logits.amax() - logits.amin()):
        yield f"  warning: {ALL_ALIKE}"
    elif predicted == 1:
        yield f"  warning: {ALL_OF_ONE_CLASS}"


def about_cascade(network: nn.Module, batch: Batch) -> Iterator[str]:
    """Yield whether the network can be randomised, and where that begins and ends."""
    try:
        cascade = CascadingRandomizer(network, images=images_for(network, batch.images[:4]))
        stages = cascade.names()
    except Exception as error:  # whatever a network does when it is run layer by layer
        yield f"  it can't be randomised: {described(error)}"
        return
    classifier = ", ".join(cascade.classifier)
    yield f"  randomised in {len(stages)} stages, from {stages[0]} to {stages[-1]}; its classifier is {classifier}"


def about_questions(run: Run) -> Iterator[str]:
    """Yield how the method sees the network, what is asked, what is not and why, and how long it takes."""
    asked, skipped, subject = [], {}, None
    for question in run.plan:
        reason, about = reason_against(run, question)
        subject = about if isinstance(about, Subject) else subject
        if reason:
            skipped[question.id] = reason
        else:
            asked.append(question.id)
    assert subject is not None
    yield f"{subject.method_name}:"
    if layer := layer_of(subject, subject.sample[:1]) or layer_of_gradcam(subject):
        yield f"  looks at the layer {layer}"
        if comes_before_attention(subject.model, layer):
            yield f"  warning: {BEFORE_ATTENTION}"
    try:
        with suited_to(subject):
            subject = measured_anew(subject)
            maps, seconds, cost = subject.first_view.maps, subject.seconds, subject.cost
    except SaliencyMethodError as error:
        yield f"  {error}"
        yield NOTHING
        return
    yield f"  maps {' x '.join(map(str, maps.shape[1:]))}, {seconds:.2g} s an explanation"
    small = workload_of(subject.model, subject.sample).is_small
    yield f"  asked: {len(asked)} questions, some {cost * len(asked):.0f} s{'' if small else ' or more'}"
    yield f"    {', '.join(asked)}"
    for name, reason in skipped.items():
        yield f"  skipped: {name}: {reason}"


def measured_anew(subject: Subject) -> Subject:
    """Return a subject that times its explanations again, since the first call in a process sets things up."""
    return subject if subject.seconds > SLOW else replace(subject)


def comes_before_attention(network: nn.Module, layer: str) -> bool:
    """Return whether all attention comes after a layer, by the order in which the network was put together.

    A single attention module does not count: convolutional networks may end in one.
    """
    kinds = {name: "attention" in type(module).__name__.lower() for name, module in network.named_modules() if name}
    if layer not in kinds:
        return False
    before = list(kinds)[: list(kinds).index(layer)]
    return sum(kinds.values()) > 1 and not any(kinds[name] for name in before)


def layer_of_gradcam(subject: Subject) -> str:
    """Return the name of the layer that our own Grad-CAM explains; empty for any other method, or if there is none."""
    method: Any = subject.method
    if isinstance(method, partial):
        if layer := method.keywords.get("layer"):
            return str(layer)
        method = method.func
    if method is not gradcam:
        return ""
    try:
        with evaluation_mode(subject.model):
            last = last_convolution(subject.model, subject.sample[:1])
    except ValueError:  # no convolutions: the method says so
        return ""
    return next(str(name) for name, module in subject.model.named_modules() if module is last)


def reason_against(run: Run, question: Question) -> tuple[str, MethodSubject | None]:
    """Return why a question can't be put, empty if it can, and its subject if it was made."""
    check = CHECKS.named(question.check)
    try:
        gather_needs(check, question.model, lambda need: run.supply(question.model, need))
    except UnsuppliedNeedError as error:
        return str(error), None
    subject = run.subject_of(question)
    return (check.why_unfit(subject, question.variant) if check.by_model else ""), subject
