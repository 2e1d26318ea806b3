"""Put methods of four libraries to every check on all networks, and write the tables of docs/known-answers.md.

    python benchmarks/known_answers.py [--records FILE] [--processes N]

FILE keeps the results, so that an interrupted run goes on where it stopped. What stands in the document above the mark
is written by hand and stays.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from answers import NETWORKS, Answer, answered, tasks_of

from pytest_saliency_sanity.checks.judging.result import CheckResult, StageVerdict, decisive
from pytest_saliency_sanity.checks.registry import CHECKS, check_of, question_ids

DOCUMENT = Path(__file__).parents[1] / "docs" / "known-answers.md"
MARK = "<!-- measured: written by benchmarks/known_answers.py -->"
BLACK = -0.4242  # a black pixel, normalised as the digits are

ADEBAYO, SIXT, NIE = "Adebayo et al. 2018", "Sixt et al. 2020", "Nie et al. 2018"
HEDSTROM, KINDERMANS, EIGEN = "Hedström et al. 2024", "Kindermans et al. 2017", "Muhammad and Yeasin 2020"
TOP_DOWN, LABELS, CLASS, SHIFT = (
    "cascading_randomization[top_down]",
    "label_randomization",
    "class_sensitivity",
    "symmetry[input_shift]",
)

# Each method, and by check what the literature says of it.
METHODS: dict[str, dict[str, str]] = {
    "gradient": {TOP_DOWN: f"passes ({ADEBAYO})", LABELS: f"passes ({ADEBAYO})", SHIFT: f"passes ({KINDERMANS})"},
    "smoothgrad": {TOP_DOWN: f"passes ({ADEBAYO})", LABELS: "SRC about 0.8 (the paper, figure 4)"},
    "gradcam": {TOP_DOWN: f"passes ({ADEBAYO})", LABELS: "SRC about 0 (the paper, figure 3)"},
    "sobel": {TOP_DOWN: f"fails ({ADEBAYO})", LABELS: "fails by construction"},
    "input": {TOP_DOWN: "fails by construction"},
    "uniform_noise": {"repeatability": "fails by construction"},
    "borrowed_signs": {"bias_detection": "fails by construction"},
    "captum:Saliency": {TOP_DOWN: f"passes ({ADEBAYO})", LABELS: f"passes ({ADEBAYO})"},
    "captum:InputXGradient": {
        TOP_DOWN: f"absolute SRC 0.99 on MNIST ({ADEBAYO}); 0.17 to 0.75 ({HEDSTROM})",
        SHIFT: f"fails ({KINDERMANS})",
    },
    f"captum:IntegratedGradients?n_steps=20&baselines={BLACK}": {
        TOP_DOWN: f"absolute SRC 0.99 on MNIST ({ADEBAYO})",
        LABELS: f"absolute SRC stays high ({ADEBAYO})",
        SHIFT: f"fails for a fixed baseline ({KINDERMANS})",
    },
    "captum:GradientShap": {},
    "captum:GuidedBackprop": {
        TOP_DOWN: f"fails ({ADEBAYO})",
        LABELS: f"changes, not as much as it should ({ADEBAYO})",
        CLASS: f"blind ({NIE}; {SIXT})",
    },
    "captum:Deconvolution": {TOP_DOWN: f"fails ({SIXT})", CLASS: f"blind ({NIE}; {SIXT})"},
    "captum:GuidedGradCam": {TOP_DOWN: f"fails ({ADEBAYO})"},
    "captum:DeepLift": {TOP_DOWN: f"passes ({SIXT})", CLASS: f"sensitive ({SIXT})"},
    "captum:LRP": {TOP_DOWN: f"0.17 to 0.75 ({HEDSTROM})"},
    "captum:Occlusion?sliding_window_shapes=(3,16,16)&strides=(3,8,8)": {},
    "captum:LayerGradCam": {TOP_DOWN: f"passes ({ADEBAYO})"},
    "captum:LayerGradCam?relu_attributions=True": {TOP_DOWN: f"passes ({ADEBAYO})"},
    "captum:LayerGradientXActivation": {},
    "captum:LayerDeepLift": {},
    "captum:LayerActivation": {CLASS: "blind by construction"},
    "grad_cam:GradCAM": {TOP_DOWN: f"passes ({ADEBAYO})"},
    "grad_cam:GradCAMPlusPlus": {},
    "grad_cam:HiResCAM": {},
    "grad_cam:XGradCAM": {},
    "grad_cam:LayerCAM": {},
    "grad_cam:EigenCAM": {CLASS: f"blind: it uses no class ({EIGEN})"},
    "grad_cam:EigenGradCAM": {},
    "grad_cam:RandomCAM": {"repeatability": "fails by construction"},
    "grad_cam:FullGrad": {},
    "grad_cam:ScoreCAM": {},
    "torchcam:GradCAM": {TOP_DOWN: f"passes ({ADEBAYO})"},
    "torchcam:GradCAMpp": {},
    "torchcam:LayerCAM": {},
    "torchcam:SmoothGradCAMpp": {},
    "zennit:Gradient": {TOP_DOWN: f"passes ({ADEBAYO})"},
    "zennit:SmoothGrad": {TOP_DOWN: f"passes ({ADEBAYO})"},
    "zennit:GuidedBackprop": {TOP_DOWN: f"fails ({ADEBAYO})", CLASS: f"blind ({NIE}; {SIXT})"},
    "zennit:EpsilonPlus": {TOP_DOWN: f"fails: LRP-z+ ignores later layers ({SIXT})", CLASS: f"blind ({SIXT})"},
    "zennit:EpsilonPlusFlat": {TOP_DOWN: f"fails: LRP-z+ ignores later layers ({SIXT})", CLASS: f"blind ({SIXT})"},
    "zennit:EpsilonAlpha2Beta1": {TOP_DOWN: f"fails ({SIXT})", CLASS: f"blind ({SIXT})"},
    "zennit:ExcitationBackprop": {TOP_DOWN: f"fails ({SIXT})", CLASS: f"blind ({SIXT})"},
    f"zennit:EpsilonGammaBox?low={BLACK}&high=2.8215": {},
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=Path, default=Path("answers.jsonl"))
    options.add_argument("--processes", type=int, default=os.cpu_count())
    given = options.parse_args()
    answers = answered(tasks_of(METHODS), given.records, given.processes)
    prose = DOCUMENT.read_text().partition(MARK)[0] if DOCUMENT.exists() else "# Known answers\n\n"
    DOCUMENT.write_text(prose + MARK + "\n" + "\n".join(tables(answers)) + "\n")


def tables(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield the lines of a table for each question."""
    order = list(METHODS)
    for question in question_ids(CHECKS.all()):
        asked = sorted(
            (answer for answer in answers if answer.task.question == question),
            key=lambda answer: order.index(answer.task.spec),
        )
        yield f"\n## `{question}`\n"
        if not check_of(question).by_model:
            yield from contract_table(asked)
            continue
        heading = " | ".join(["method", *NETWORKS, "literature"])
        yield f"{rule(question)}\n\n| {heading} |\n|{'---|' * (len(NETWORKS) + 2)}"
        for spec, of_method in groupby(asked, key=lambda answer: answer.task.spec):
            cells = {answer.task.network: cell(answer.result) for answer in of_method}
            said = METHODS[spec].get(question, "")
            yield f"| `{spec}` | {' | '.join(cells.get(network, '') for network in NETWORKS)} | {said} |"


def contract_table(asked: Sequence[Answer]) -> Iterator[str]:
    """Yield the table of what is asked of a method alone."""
    yield "| method | verdict | networks tried | broken promise, or what it refuses |\n|---|---|---|---|"
    for answer in asked:
        measured = answer.result.measured
        broken = [str(measured.figure(name) or "") for name in ("broken promise", "smallest example")]
        said = "; ".join(filter(None, broken)) or "; ".join(each.figure for each in answer.result.findings)
        verdict = "not asked" if answer.result.not_asked else answer.result.verdict
        yield f"| `{answer.task.spec}` | {verdict} | {measured.figure('networks tried')} | {said} |"


def rule(question: str) -> str:
    """Return the rule of a question in words."""
    check = check_of(question)
    side = "above" if check.above else "below"
    signs = "; without signs: U" if check.unsigned else ""
    limits = [
        f"{limit:g}" + (f" (U {check.unsigned[at]:g})" if at in check.unsigned else "") + f" at `{at}`"
        for at, limit in check.thresholds.items()
    ]
    return f"The {check.quantity} must stay {side} {', '.join(limits)}, with its whole 95 % interval{signs}."


def cell(result: CheckResult) -> str:
    """Return the verdict and what it rests on, at every stage that was judged."""
    verdict = result.verdict if result.verdict == "passed" else f"**{result.verdict}**"
    finding = " (a finding)" if result.finding and result.verdict != "passed" else ""
    unsigned = " U" if check_of(result.check).unsigned and not result.measured.has_signs else ""
    return f"{verdict}{finding}{unsigned} {'; '.join(map(figures, result.stages))}{magnitudes(result)}"


def magnitudes(result: CheckResult) -> str:
    """Return what was found by magnitude, if it does not pass although the signs do."""
    if result.verdict != "passed" or not result.magnitudes or decisive(result.magnitudes).verdict == "passed":
        return ""
    worst = decisive(result.magnitudes)
    return f"; by magnitude {worst.verdict} {worst.interval.mean:.3f}"


def figures(stage: StageVerdict) -> str:
    """Return the mean and its interval at a stage."""
    mean, low, high = stage.interval
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]" if stage.interval.defined else f"{stage.stage}: none defined"


if __name__ == "__main__":
    main()
