"""Put methods of four libraries to every check on both networks, and write the tables of docs/known-answers.md.

    python benchmarks/known_answers.py [--records FILE] [--processes N] [--check NAME ...]

Results are kept in FILE, one line of JSON each, so that an interrupted run goes on where it stopped; the checks named
are measured anew. What stands in the document above the mark is written by hand and stays.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import groupby
from pathlib import Path
from typing import Any

from pytest_saliency_sanity.checks.catalogue import CHECKS, question_ids  # imports no torch

os.environ.setdefault("OMP_NUM_THREADS", "1")

DOCUMENT = Path(__file__).parents[1] / "docs" / "known-answers.md"
MARK = "<!-- measured: written by benchmarks/known_answers.py -->"
NETWORKS = ("alexnet", "vgg11")
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


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=Path, default=Path("known-answers.jsonl"))
    options.add_argument("--processes", type=int, default=os.cpu_count())
    options.add_argument("--check", nargs="*", default=[])
    given = options.parse_args()
    records = [record for record in read(given.records) if record["check"].partition("[")[0] not in given.check]
    done = {(record["spec"], record["network"], record["check"].partition("[")[0]) for record in records}
    work = []
    for spec in METHODS:
        for network in NETWORKS:
            asked = [check for check in CHECKS if CHECKS[check].by_model or network == NETWORKS[0]]
            left = [check for check in asked if (spec, network, check) not in done]
            work += [(spec, network, left)] if left else []
    with ProcessPoolExecutor(given.processes) as pool, given.records.open("w") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
        for future in as_completed([pool.submit(answers, *each) for each in work]):
            for record in future.result():
                records.append(record)
                file.write(json.dumps(record) + "\n")
            file.flush()
            print(f"{record['spec']} on {record['network']}", flush=True)
    prose = DOCUMENT.read_text().partition(MARK)[0] if DOCUMENT.exists() else "# Known answers\n\n"
    DOCUMENT.write_text(prose + MARK + "\n" + "\n".join(tables(records)) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def answers(spec: str, network: str, checks: list[str]) -> list[dict[str, Any]]:
    """Return the records of one method on one network."""
    import torch

    from pytest_saliency_sanity import check_method
    from pytest_saliency_sanity.checks.judging import subject

    torch.set_num_threads(1)
    subject.judge_src = judged_stages_only
    records = []
    for check in checks:
        for result in check_method(spec, models=[network], checks=[check]):
            records.append({"spec": spec, "network": network, **result.as_record(), "message": ""})
    return records


def judged_stages_only(title: str, measure: Any, *, at: Any, **how: Any) -> Any:
    """Judge without measuring the stages that only a message shows: no message is kept here."""
    from pytest_saliency_sanity.checks.judging.judgement import judge_src

    return judge_src(title, lambda _: measure(at), at=at, **how)


def tables(records: list[dict[str, Any]]) -> Iterator[str]:
    order = list(METHODS)
    for question in question_ids(CHECKS):
        asked = sorted(
            (record for record in records if record["check"] == question and record["spec"] in METHODS),
            key=lambda record: order.index(record["spec"]),
        )
        yield f"\n## `{question}`\n"
        if question == "contract":
            yield "| method | verdict | broken promise | smallest example |\n|---|---|---|---|"
            for record in asked:
                shown = [str(record["measured"].get(key, "")) for key in ("broken", "example")]
                yield f"| `{record['spec']}` | {record['verdict']} | {' | '.join(shown)} |"
            continue
        yield f"{bounds(question)}\n\n| method | AlexNet | VGG11 | literature |\n|---|---|---|---|"
        for spec, of_method in groupby(asked, key=lambda record: record["spec"]):
            cells = {record["network"]: cell(record) for record in of_method}
            said = METHODS[spec].get(question, "")
            yield f"| `{spec}` | {' | '.join(cells.get(network, '') for network in NETWORKS)} | {said} |"


def bounds(question: str) -> str:
    check = CHECKS[question.partition("[")[0]]
    return f"Mean SRC of absolute maps must stay {'above' if check.above else 'below'} its threshold, 95 % interval."


def cell(record: dict[str, Any]) -> str:
    """Return the verdict and what it rests on, at every stage that was judged."""
    seen = []
    for judged in record["measured"]["judged"]:
        if judged["mean"] is None:
            seen.append(f"{judged['stage']}: none defined")
        else:
            seen.append(f"{judged['mean']:.3f} [{judged['low']:.3f}, {judged['high']:.3f}]")
    verdict = record["verdict"] if record["verdict"] == "passed" else f"**{record['verdict']}**"
    return f"{verdict} {'; '.join(seen)}"


if __name__ == "__main__":
    main()
