"""Assertions for anybody's tests: measure, judge, explain."""

from __future__ import annotations

from functools import partial

from torch import nn

from . import rerun
from .checks.catalogue import LEAST_IMAGES, check_threshold
from .checks.judgement import judge_src
from .checks.measurement import At, default_batch, name_of, src_profile
from .checks.profile import SrcProfile
from .checks.result import CheckResult
from .data.batch import Batch
from .errors import SaliencyCheckFailed
from .methods.protocol import SaliencyMethod
from .randomization.stage import Randomization


def assert_src_below(
    method: SaliencyMethod | str,
    threshold: float,
    *,
    model: nn.Module | str = "alexnet",
    batch: Batch | None = None,
    randomization: Randomization | str = "cascading",
    at: At = "last",
    sign: str = "absolute",
    seeds: int = 3,
    confidence: float = 0.95,
    seed: int = 0,
) -> SrcProfile:
    """Assert that a method's maps change when what the model learned is destroyed; return the profile judged.

    Passes when the upper confidence bound of |mean SRC| is below ``threshold`` (0 to 1) at every stage that ``at``
    means: ``"last"``, ``"classifier"``, ``"every"``, a stage's name, or several of these. ``method`` and ``model`` may
    be names; ``batch`` is by default the randomizer's images, or 100 held-out digits. ``randomization``:
    ``"cascading"`` (top-down, the paper's N(0, 0.01^2)), ``"labels"``, or a randomizer, whose model is then the model.
    ``sign``: ``"absolute"`` compares the channels' summed magnitudes, ``"signed"`` their sums. ``seeds``: how many
    times the weights are drawn; images and draws are the sample that the interval speaks of, pixels are not.

    Raises SaliencyCheckFailed where it does not pass; ValueError or TypeError for arguments that do not fit;
    SaliencyMethodError where the method raises or returns no maps.
    """
    __tracebackhide__ = True
    check_threshold(threshold)
    batch = batch or default_batch(randomization)
    if len(batch) < LEAST_IMAGES:
        raise ValueError(f"an interval needs at least {LEAST_IMAGES} images; the batch has {len(batch)}")
    measure = partial(_measure, method, model, batch, randomization, sign, seeds, seed)
    judgement = judge_src("assert_src_below", measure, at=at, threshold=threshold, confidence=confidence)
    if judgement.deciding.verdict != "passed":
        again = rerun.command() or _call(method, threshold, model, randomization, at, sign, seeds, seed)
        raise SaliencyCheckFailed(with_rerun(judgement.message, again))
    return judgement.profile


def assert_passed(result: CheckResult) -> None:
    """Raise SaliencyCheckFailed with the whole message unless a check's verdict is ``"passed"``."""
    __tracebackhide__ = True
    if result.verdict != "passed":
        raise SaliencyCheckFailed(with_rerun(result.message, rerun.command()))


def with_rerun(message: str, again: str | None) -> str:
    """Return the message with the command that runs just this again."""
    return f"{message}\n\nRun this again:\n  {again}" if again else message


def _measure(
    method: SaliencyMethod | str,
    model: nn.Module | str,
    batch: Batch,
    randomization: Randomization | str,
    sign: str,
    seeds: int,
    seed: int,
    at: At,
) -> SrcProfile:
    return src_profile(method, model, batch, randomization=randomization, at=at, sign=sign, seeds=seeds, seed=seed)


def _call(
    method: SaliencyMethod | str,
    threshold: float,
    model: nn.Module | str,
    randomization: Randomization | str,
    at: At,
    sign: str,
    seeds: int,
    seed: int,
) -> str:
    """Return the call of the assertion, for a reader who runs it outside of pytest."""
    shown = [
        repr(method) if isinstance(method, str) else name_of(method),
        f"{threshold:g}",
        f"model={model!r}" if isinstance(model, str) else f"model={type(model).__name__}",
        f"randomization={randomization!r}"
        if isinstance(randomization, str)
        else f"randomization={type(randomization).__name__}",
        f"at={at!r}, sign={sign!r}, seeds={seeds}, seed={seed}",
    ]
    return f"assert_src_below({', '.join(shown)})"
