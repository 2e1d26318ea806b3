"""Mix into honest maps what ignores the network, more and more of it, and see at which share the verdicts flip.

    python benchmarks/mixtures.py [--records FILE] [--processes N]

Writes the table and the figure of docs/validity.md. FILE keeps the answers, so that an interrupted run goes on where it
stopped.
"""

from __future__ import annotations

import argparse
import copy
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from answers import NETWORKS, RECORDS, Answer, answered, tasks_of
from documents import DOCS, rewrite
from plots import curves
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity.checks.judging.result import StageVerdict, decisive
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.measuring.maps import reduced
from pytest_saliency_sanity.methods.controls import sobel
from pytest_saliency_sanity.methods.resolve import resolve_method

SHARES = (0.0, 0.4, 0.6, 0.8, 0.9, 0.98, 1.0)
BASES = ("gradcam", "gradient")
OTHERS = ("edges", "noise", "untrained")
QUESTIONS = (
    "label_randomization",
    "cascading_randomization[top_down]",
    "cascading_randomization[bottom_up]",
    "bias_detection",
    "class_sensitivity",
    "repeatability",
    "null_region",
    "localization",
)
DRAWN = "label_randomization"


def mixed(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, base: str, other: str, share: float
) -> torch.Tensor:
    """Return (1 - share) x the base's map + share x the other's, ``(N, H, W)``.

    Each is scaled to a largest magnitude of 1, image by image, and a layer's map enlarged to the image's size.
    """
    of_base = scaled(explained(base, model, images, targets), images)
    of_other = scaled(OTHER[other](base, model, images, targets), images)
    return (1 - share) * of_base + share * of_other


def explained(method: str, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return a method's maps, the sum of their channels."""
    found = resolve_method(method)(model, images, targets)
    assert isinstance(found, torch.Tensor)
    return reduced(found, "signed")


def scaled(maps: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return maps of the images' size whose largest magnitude is 1; blank ones stay blank."""
    enlarged = F.interpolate(maps[:, None].float(), images.shape[2:], mode="bilinear")[:, 0]
    return enlarged / enlarged.abs().flatten(1).amax(1).clamp(min=1e-12)[:, None, None]


def edges(base: str, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the edges of the images."""
    return sobel(model, images, targets)


def noise(base: str, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return noise, other noise in every call; around 0 if the base's maps have signs."""
    drawn = torch.rand(len(images), *images.shape[2:], device=images.device)
    return drawn if base == "gradcam" else drawn - 0.5


def untrained(base: str, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the base's maps of a network of the same architecture that has always the same untrained weights."""
    other = copy.deepcopy(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for module in other.modules():
            if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
                module.reset_parameters()
    return explained(base, other, images, targets)


OTHER = dict(zip(OTHERS, (edges, noise, untrained), strict=True))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=Path, default=RECORDS / "mixtures.jsonl.gz")
    options.add_argument("--processes", type=int, default=os.cpu_count())
    given = options.parse_args()
    specs = [spec_of(base, other, share) for base in BASES for other in OTHERS for share in SHARES]
    answers = answered(tasks_of(specs, checks=QUESTIONS), given.records, given.processes)
    rewrite(DOCS / "validity.md", "mixtures", table(answers))
    print(drawn(answers, DOCS / "figures" / "mixtures.png"))


def spec_of(base: str, other: str, share: float) -> str:
    """Return the spec of a mixture."""
    return f"mixtures:mixed?base={base}&other={other}&share={share}"


def table(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield for each mixture and question the least share that does not pass, as given and by magnitude."""
    yield f"| {' | '.join(['base', 'mixed in', 'network', *(f'`{each}`' for each in QUESTIONS)])} |"
    yield "|" + "---|" * (len(QUESTIONS) + 3)
    for base in BASES:
        for other in OTHERS:
            for network in NETWORKS:
                of_mixture = [curve_of(answers, base, other, network, question) for question in QUESTIONS]
                yield f"| {base} | {other} | {network} | {' | '.join(map(flips, of_mixture))} |"


def curve_of(answers: Sequence[Answer], base: str, other: str, network: str, question: str) -> list[Answer]:
    """Return the answers to a question by share."""
    specs = [spec_of(base, other, share) for share in SHARES]
    wanted = [each for each in answers if each.task.network == network and each.task.question == question]
    return sorted((each for each in wanted if each.task.spec in specs), key=lambda each: specs.index(each.task.spec))


def flips(of_mixture: Sequence[Answer]) -> str:
    """Return the least share that does not pass; two if the maps have signs: as given, and by magnitude."""
    if not of_mixture:
        return "not asked"
    as_given = [each.result.verdict for each in of_mixture]
    magnitudes = [decisive(each.result.magnitudes or each.result.stages).verdict for each in of_mixture]
    found = [least(as_given)]
    if any(each.result.magnitudes for each in of_mixture):
        found.append(least(magnitudes))
    return " / ".join(found)


def least(verdicts: Sequence[str]) -> str:
    """Return the least share from which on nothing passes."""
    passing = [index for index, verdict in enumerate(verdicts) if verdict == "passed"]
    first = passing[-1] + 1 if passing else 0
    return f"{SHARES[first]:g}" if first < len(SHARES) else "passes"


def drawn(answers: Sequence[Answer], file: Path) -> Path:
    """Draw the similarity under random labels by share, of what is mixed into the gradient of VGG11."""
    lines = {}
    for other in OTHERS:
        of_mixture = curve_of(answers, "gradient", other, "vgg11", DRAWN)
        lines[f"{other}, as given"] = along([each.result.stages for each in of_mixture])
        lines[f"{other}, by magnitude"] = along([each.result.magnitudes or each.result.stages for each in of_mixture])
    return curves(lines, file, title=f"gradient of vgg11 and something mixed in: {DRAWN}", ylabel="similarity")


def along(stages: Sequence[Sequence[StageVerdict]]) -> dict[str, Interval]:
    """Return the interval at the last stage for each share."""
    return {f"{share:g}": each[-1].interval for share, each in zip(SHARES, stages, strict=True)}


if __name__ == "__main__":
    main()
