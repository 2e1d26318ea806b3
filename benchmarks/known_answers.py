"""Put methods of four libraries to every check on both networks, and write the tables of docs/known-answers.md.

    python benchmarks/known_answers.py [--records FILE] [--processes N] [--check NAME ...]

Results are kept in FILE, one line of JSON each, so that an interrupted run goes on where it stopped; the checks named
are measured anew. What stands in the document above the mark is written by hand and stays.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from pytest_saliency_sanity.checks.judging.result import CheckResult, StageVerdict  # none of these imports torch
from pytest_saliency_sanity.checks.registry import CHECKS, check_of, question_ids
from pytest_saliency_sanity.foundation.ids import split_variant
from pytest_saliency_sanity.networks.presets.registry import PRESETS

os.environ.setdefault("OMP_NUM_THREADS", "1")

DOCUMENT = Path(__file__).parents[1] / "docs" / "known-answers.md"
MARK = "<!-- measured: written by benchmarks/known_answers.py -->"
NETWORKS = PRESETS.named("embedded").networks
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


class Answer(NamedTuple):
    """The answer of a method, as it was asked for by its spec, on a network."""

    spec: str
    network: str
    result: CheckResult

    @property
    def check(self) -> str:
        """The name of the check, without its variant."""
        return split_variant(self.result.check)[0]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=Path, default=Path("known-answers.jsonl"))
    options.add_argument("--processes", type=int, default=os.cpu_count())
    options.add_argument("--check", nargs="*", default=[])
    given = options.parse_args()
    answers = [answer for answer in read(given.records) if answer.check not in given.check]
    done = {(answer.spec, answer.network, answer.check) for answer in answers}
    with ProcessPoolExecutor(given.processes) as pool, given.records.open("w") as file:
        file.writelines(map(line_of, answers))
        for future in as_completed([pool.submit(ask, *each) for each in work_left(done)]):
            found = future.result()
            answers += found
            file.writelines(map(line_of, found))
            file.flush()
            print(f"{found[0].spec} on {found[0].network}", flush=True)
    prose = DOCUMENT.read_text().partition(MARK)[0] if DOCUMENT.exists() else "# Known answers\n\n"
    DOCUMENT.write_text(prose + MARK + "\n" + "\n".join(tables(answers)) + "\n")


def work_left(done: Collection[tuple[str, str, str]]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield each method and network, and the checks that are left to ask of them."""
    checks = CHECKS.all()
    for spec in METHODS:
        for network in NETWORKS:
            asked = [name for name, check in checks.items() if check.by_model or network == NETWORKS[0]]
            if left := [name for name in asked if (spec, network, name) not in done]:
                yield spec, network, left


def read(path: Path) -> list[Answer]:
    """Return the answers that were kept."""
    records = map(json.loads, path.read_text().splitlines() if path.exists() else [])
    return [Answer(each["spec"], each["network"], CheckResult.from_record(each["result"])) for each in records]


def line_of(answer: Answer) -> str:
    """Return an answer as a line of the file; its message is not kept."""
    record = {"spec": answer.spec, "network": answer.network, "result": {**answer.result.as_record(), "message": ""}}
    return json.dumps(record, allow_nan=False) + "\n"


def ask(spec: str, network: str, checks: list[str]) -> list[Answer]:
    """Return the answers of one method on one network, without measuring what only a message would show."""
    from pytest_saliency_sanity import check_method

    return [
        Answer(spec, network, result)
        for check in checks
        for result in check_method(spec, models=[network], checks=[check], device="cpu", explain=False)
    ]


def tables(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield the lines of a table for each question."""
    order = list(METHODS)
    for question in question_ids(CHECKS.all()):
        asked = sorted(
            (answer for answer in answers if answer.result.check == question and answer.spec in METHODS),
            key=lambda answer: order.index(answer.spec),
        )
        yield f"\n## `{question}`\n"
        if not check_of(question).by_model:
            yield "| method | verdict | broken promise | smallest example |\n|---|---|---|---|"
            for answer in asked:
                measured = answer.result.measured
                shown = [str(measured.figure(name) or "") for name in ("broken promise", "smallest example")]
                yield f"| `{answer.spec}` | {answer.result.verdict} | {' | '.join(shown)} |"
            continue
        heading = " | ".join(["method", *NETWORKS, "literature"])
        yield f"{bounds(question)}\n\n| {heading} |\n|{'---|' * (len(NETWORKS) + 2)}"
        for spec, of_method in groupby(asked, key=lambda answer: answer.spec):
            cells = {answer.network: cell(answer.result) for answer in of_method}
            said = METHODS[spec].get(question, "")
            yield f"| `{spec}` | {' | '.join(cells.get(network, '') for network in NETWORKS)} | {said} |"


def bounds(question: str) -> str:
    """Return the rule of a question in words."""
    check = check_of(question)
    side = "above" if check.above else "below"
    return f"Mean {check.quantity} of absolute maps must stay {side} its threshold, 95 % interval."


def cell(result: CheckResult) -> str:
    """Return the verdict and what it rests on, at every stage that was judged."""
    verdict = result.verdict if result.verdict == "passed" else f"**{result.verdict}**"
    return f"{verdict} {'; '.join(map(figures, result.stages))}"


def figures(stage: StageVerdict) -> str:
    """Return the mean and its interval at a stage."""
    mean, low, high = stage.interval
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]" if stage.interval.defined else f"{stage.stage}: none defined"


if __name__ == "__main__":
    main()
