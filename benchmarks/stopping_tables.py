"""The SRCs of real methods on the shipped networks: more images and draws than a check takes, for ``stopping.py``.

Tables are kept in a file, since measuring them takes minutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from pytest_saliency_sanity import load_batch, load_checkpoint
from pytest_saliency_sanity.checks.cascading_randomization.ask import DRAWS, JUDGED_AT
from pytest_saliency_sanity.checks.class_sensitivity.ask import DRAWS as OF_CLASSES
from pytest_saliency_sanity.checks.judging.subject import Subject
from pytest_saliency_sanity.checks.null_region.ask import DRAWS as OF_MASKS
from pytest_saliency_sanity.checks.null_region.ask import STAGE, maps_behind
from pytest_saliency_sanity.checks.registry import CHECKS, SIMILARITY
from pytest_saliency_sanity.checks.repeatability.ask import DRAWS as OF_REPETITIONS
from pytest_saliency_sanity.checks.repeatability.ask import freshly_seeded
from pytest_saliency_sanity.data.batch import Batch
from pytest_saliency_sanity.foundation.ids import with_variant
from pytest_saliency_sanity.foundation.randomness import derived_seed
from pytest_saliency_sanity.foundation.threads import one_thread
from pytest_saliency_sanity.interventions.cascade import CascadingRandomizer
from pytest_saliency_sanity.interventions.labels import LabelRandomizer
from pytest_saliency_sanity.interventions.null_region import random_mask
from pytest_saliency_sanity.interventions.other_class import OtherClass
from pytest_saliency_sanity.interventions.repetition import Repetition
from pytest_saliency_sanity.interventions.stage import Randomization
from pytest_saliency_sanity.measuring.localization import mass_outside
from pytest_saliency_sanity.measuring.src import SrcMeasurement
from pytest_saliency_sanity.methods.resolve import resolve_method

METHODS = ("gradient", "smoothgrad", "gradcam", "gradcam?relu=False", "guided_backprop")
NETWORKS = ("alexnet", "vgg11")
IMAGES = 160
# SmoothGrad explains every image twenty times over, so it gets fewer images and half of the draws.
SLOW, IMAGES_OF_SLOW = "smoothgrad", 60


class Question(NamedTuple):
    """A check and variant, its usual number of draws, and how many are measured."""

    check: str
    variant: str
    usual: int
    measured: int


QUESTIONS = (
    Question("label_randomization", "", 1, 1),
    Question("class_sensitivity", "", OF_CLASSES, 16),
    Question("repeatability", "", OF_REPETITIONS, 12),
    Question("null_region", "", OF_MASKS, 16),
    *(
        Question("cascading_randomization", order, draws, 48 if order == "independent" else 32)
        for order, draws in DRAWS.items()
    ),
)


class Table(NamedTuple):
    """The judged numbers of a stage ``(draws, images)``, NaN if undefined, and the threshold of such maps.

    ``above``: the stage passes above the threshold instead of below it.
    """

    method: str
    network: str
    question: str
    stage: str
    values: np.ndarray
    usual: int
    threshold: float
    above: bool


def kept_tables(file: Path) -> list[Table]:
    """Return the tables of all methods; measure those that the file does not have."""
    tables: list[Table] = []
    kept = dict(np.load(file)) if file.exists() else {}
    for method in METHODS:
        for network in NETWORKS:
            for question in QUESTIONS:
                prefix = f"{method}|{network}|{with_variant(question.check, question.variant)}"
                if not any(key.startswith(f"{prefix}|") for key in kept):
                    start = time.perf_counter()
                    kept |= {f"{prefix}|{stage}": src for stage, src in measured(method, network, question)}
                    np.savez_compressed(file, **kept)
                    print(f"{prefix}: {time.perf_counter() - start:.0f} s", flush=True)
                tables += [table(key, src, question) for key, src in kept.items() if key.startswith(f"{prefix}|")]
    return tables


def table(key: str, src: np.ndarray, question: Question) -> Table:
    """Return what is judged of the SRCs that were kept under a key."""
    method, network, title, stage = key.split("|")
    at, signed = stage.split("/")
    check = CHECKS.named(question.check)
    values = np.abs(src) if check.quantity == SIMILARITY else src
    threshold = check.judged_by(signed=signed == "signed")[at.split(":")[0]]
    return Table(method, network, title, stage, values.astype(float), question.usual, threshold, check.above)


def measured(spec: str, network: str, question: Question) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the SRCs ``(draws, images)`` of each judged stage, named by its threshold, its name and its signs."""
    check, title = CHECKS.named(question.check), with_variant(question.check, question.variant)
    batch = Batch(load_batch("mnist", IMAGES_OF_SLOW if spec == SLOW else IMAGES).images)
    subject = Subject(resolve_method(spec), spec, load_checkpoint(network), network, batch)
    seeds = max(question.usual, question.measured // 2) if spec == SLOW else question.measured
    if question.check == "null_region":
        with one_thread():
            yield f"{STAGE}:{STAGE}/unsigned", outside(subject, seeds).astype(np.float32)
        return
    randomization = randomization_of(subject, question)
    measurement = SrcMeasurement(
        method=freshly_seeded(subject.method) if question.check == "repeatability" else subject.method,
        method_name=spec,
        model_name=network,
        randomizer=randomization,
        batch=batch,
        signs=("signed",),
        seeds=seeds,
        seed=derived_seed(0, title, network),
        seen=True,
    )
    bound = randomization.bind(measurement.images, 0)
    keys = JUDGED_AT.get(question.variant, tuple(check.thresholds))
    stages = {stage: key for key in keys for stage in bound.names(key)}
    with one_thread():
        profile = measurement.profile(tuple(stages))
    signs = "signed" if profile.has_signs else "unsigned"
    for stage, key in stages.items():
        yield f"{key}:{stage}/{signs}", profile.at(stage).astype(np.float32)


def randomization_of(subject: Subject, question: Question) -> Randomization:
    """Return what the question does to the model."""
    if question.check == "label_randomization":
        return LabelRandomizer(subject.model, load_checkpoint(subject.model_name, "random"))
    if question.check == "class_sensitivity":
        return OtherClass(subject.model)
    if question.check == "repeatability":
        return Repetition(subject.model)
    return CascadingRandomizer(subject.model, order=question.variant)


def outside(subject: Subject, draws: int) -> np.ndarray:
    """Return the share of mass that a network does not see ``(draws, images)``, as the check ``null_region`` does."""
    images = subject.batch.images
    height, width = images.shape[2:]
    shares, rows = np.zeros((draws, len(images))), slice(0, len(images))
    for draw in range(draws):
        seed = derived_seed(0, "null_region", subject.model_name, draw)
        mask = random_mask(height, width, torch.Generator("cpu").manual_seed(seed))
        for inside in (mask, ~mask):
            shares[draw] += mass_outside(maps_behind(inside, subject, images, rows, seed), inside).numpy() / 2
    return shares
