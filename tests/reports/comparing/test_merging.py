"""Joining the runs of several machines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.records import contract, record, run, unanswered, with_evidence

from pytest_saliency_sanity.checks.plan import Plan
from pytest_saliency_sanity.reports import arrays, json_report
from pytest_saliency_sanity.reports.comparing.merging import MergeError, gaps, merge
from pytest_saliency_sanity.reports.json_report import RecordsError
from pytest_saliency_sanity.reports.loading import load
from pytest_saliency_sanity.reports.record import Record
from pytest_saliency_sanity.reports.run import Run

CHECKS = ["label_randomization", "contract"]
PLAN = Plan.of(["gradcam", "sobel"], ["alexnet", "vgg11"], CHECKS)
RECORDS = [
    each for method in PLAN.methods for each in (*(record(method, model) for model in PLAN.models), contract(method))
]


def shard(*places: int, plan: Plan = PLAN, **parts: Any) -> Run:
    return run(*(RECORDS[place] for place in places), plan=plan, **parts)


def merged(*runs: Run) -> Run:
    return merge({f"{letter}.json": each for letter, each in zip("ABC", runs, strict=False)})


def test_shards_make_the_run_that_they_are_parts_of() -> None:
    parts: dict[str, Any] = {"planned": 6, "ran": 2, "seconds": 1.5, "command": "pytest -k one", "notes": ("a note",)}
    one = shard(4, 0, **parts, outcomes={"passed": 2}, started="2026-01-02T03:00:00Z", problems=("lost",))
    two = shard(5, 1, **parts, outcomes={"passed": 1, "failed": 1}, own=3)
    three = shard(2, 3, **{**parts, "command": "pytest -k three"}, outcomes={"failed": 2})
    whole = merged(one, two, three)
    assert list(whole.records) == RECORDS
    assert whole.plan == PLAN
    assert (whole.planned, whole.ran, whole.own, whole.seconds) == (6, 6, 3, 4.5)
    assert dict(whole.outcomes) == {"passed": 3, "failed": 3}
    assert (whole.problems, whole.notes) == (("lost",), ("a note",))
    assert (whole.started, whole.command) == ("2026-01-02T03:00:00Z", "pytest -k one; pytest -k three")


def test_runs_of_different_methods_make_one_run() -> None:
    gradcam, sobel = (Plan.of([method], PLAN.models, CHECKS) for method in PLAN.methods)
    whole = merged(shard(3, 4, 5, plan=sobel), shard(0, 1, 2, plan=gradcam))
    assert whole.plan.methods == ("sobel", "gradcam")
    assert list(whole.records) == [*RECORDS[3:], *RECORDS[:3]]


def test_a_question_that_nobody_put_is_named() -> None:
    with pytest.raises(MergeError) as error:
        merged(shard(0, 1, 2), shard(3))
    assert str(error.value) == (
        "2 of the planned questions were not put in any of these runs: sobel on vgg11: label_randomization; "
        "sobel: contract. A shard is missing, or it was interrupted"
    )


def test_what_was_skipped_or_broke_was_put() -> None:
    outcomes = ["skipped", "failed"] * 3
    broken = [unanswered(*each.key, outcome=outcome) for each, outcome in zip(RECORDS, outcomes, strict=True)]
    assert len(merged(run(*broken[:3], plan=PLAN), run(*broken[3:], plan=PLAN)).records) == 6


def test_what_a_model_lacks_is_no_gap() -> None:
    plan = replace(PLAN, lacking={"vgg11": ["memorized_model"]})
    assert len(merged(shard(0, 2, plan=plan), shard(3, 5, plan=plan)).records) == 4


def test_a_question_that_was_put_twice_is_named() -> None:
    with pytest.raises(MergeError) as error:
        merged(shard(0, 1, 2), shard(2, 3, 4, 5))
    assert str(error.value) == "1 questions were put more than once, in A.json and B.json: gradcam: contract"


@pytest.mark.parametrize(
    ("setting", "value"), [("seed", 1), ("sign", "absolute"), ("preset", "paper"), ("images", None)]
)
def test_runs_with_other_settings_do_not_fit(setting: str, value: object) -> None:
    with pytest.raises(MergeError, match=rf"A.json has {setting} \S+, and B.json has {setting} {value}"):
        merged(shard(0, 1, 2), replace(shard(3, 4, 5), **{setting: value}))  # type: ignore[arg-type]


def test_runs_under_other_versions_do_not_fit() -> None:
    other = run(*(replace(each, versions={"torch": "2.8.0"}) for each in RECORDS[3:]), plan=PLAN)
    with pytest.raises(MergeError, match=r"A.json has torch 2\.9\.0, and B.json has torch 2\.8\.0"):
        merged(shard(0, 1, 2), other)


def test_runs_with_other_checks_do_not_fit() -> None:
    plan = Plan.of(PLAN.methods, PLAN.models, [*CHECKS, "repeatability"])
    with pytest.raises(MergeError, match=r"A.json and B.json were to ask different checks, repeatability"):
        merged(shard(0, 1, 2), shard(3, 4, 5, plan=plan))


def test_runs_that_ask_a_model_different_things_do_not_fit() -> None:
    plan = replace(PLAN, lacking={"vgg11": ["memorized_model"]})
    with pytest.raises(MergeError, match="do not ask the same of vgg11: name it in both runs, or in none"):
        merged(shard(0, 1, 2), shard(3, 4, 5, plan=plan))


def test_one_run_alone_is_not_joined() -> None:
    with pytest.raises(MergeError, match="two runs at least are needed"):
        merged(shard(0, 1, 2, 3, 4, 5))


def test_methods_and_models_that_fixtures_give_are_known_by_their_records() -> None:
    plan = Plan.of([], ["alexnet"], CHECKS)
    assert gaps(plan, [record("mine", "net"), contract("mine")]) == []
    assert gaps(plan, [record("mine", "net")]) == [("mine", "", "contract")]


def test_a_check_that_only_the_project_knows_is_missed_where_it_was_put_elsewhere() -> None:
    plan = replace(PLAN, methods=("gradcam",), checks=("own", "alone"))
    own = Record("x", "gradcam", "alexnet", "own", "", "passed")
    assert gaps(plan, [own, Record("y", "gradcam", "", "alone", "", "passed")]) == [("gradcam", "vgg11", "own")]


# With the arrays


def put(folder: Path, found: Run) -> Path:
    folder.mkdir()
    json_report.write(found, folder / "results.json")
    arrays.write(found, folder / "maps.npz")
    return folder / "results.json"


def values_of(found: Run) -> list[float | None]:
    evidence = [each.result.evidence if each.result else None for each in found.records]
    return [float(each.values["signed"]["stage"][0, 0]) if each else None for each in evidence]


def test_every_question_keeps_its_own_maps(tmp_path: Path) -> None:
    seen = [with_evidence(each, place / 10) for place, each in enumerate(RECORDS)]
    one = put(tmp_path / "one", run(*seen[3:], plan=PLAN))
    two = put(tmp_path / "two", run(seen[0], RECORDS[1], seen[2], plan=PLAN))
    whole = merge({str(file): load(file) for file in (one, two)})
    assert values_of(whole) == [0.0, None, 0.2, 0.3, 0.4, 0.5]
    assert values_of(load(put(tmp_path / "whole", whole))) == values_of(whole)


def test_a_run_without_arrays_is_read_too(tmp_path: Path) -> None:
    file = put(tmp_path / "run", run(with_evidence(RECORDS[0], 1)))
    (tmp_path / "run" / "maps.npz").unlink()
    assert values_of(load(file)) == [None]


def test_arrays_of_another_run_are_refused(tmp_path: Path) -> None:
    file = put(tmp_path / "run", run(*(with_evidence(each, 1) for each in RECORDS)))
    json_report.write(run(RECORDS[0], unanswered()), file)
    with pytest.raises(RecordsError, match=r"maps.npz does not belong to .*results.json, .* no result has the place 1"):
        load(file)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then nothing", b"\x80\x04K\x01."])
def test_damaged_arrays_are_refused(content: bytes, tmp_path: Path) -> None:
    file = put(tmp_path / "run", run(RECORDS[0]))
    (tmp_path / "run" / "maps.npz").write_bytes(content)
    with pytest.raises(RecordsError, match=r"maps.npz is not a maps.npz of this package"):
        load(file)
