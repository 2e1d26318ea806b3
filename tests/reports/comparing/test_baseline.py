"""The file of a baseline, and a run beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.records import contract, record, run, unanswered

from pytest_saliency_sanity.checks.plan import Plan
from pytest_saliency_sanity.reports import json_report
from pytest_saliency_sanity.reports.comparing.baseline import (
    Baseline,
    BaselineError,
    Comparison,
    compare,
    read,
    require_same,
    updated,
    version_changes,
    write,
)
from pytest_saliency_sanity.reports.record import Primitive, Record

SETTINGS: dict[str, Primitive] = {
    "preset": "embedded",
    "seed": 0,
    "sign": "signed",
    "law": "normal",
    "confidence": 0.95,
}
PLAN = Plan.of(["gradcam"], ["alexnet"])
LABELS = ("gradcam", "alexnet", "label_randomization")


def baseline_of(*records: Record) -> Baseline:
    return updated(None, SETTINGS, records, PLAN)


def written(folder: Path, *records: Record) -> Path:
    write(baseline_of(*records), folder / "baseline.json")
    return folder / "baseline.json"


def changed(file: Path, **keys: Any) -> Path:
    file.write_text(json.dumps(json.loads(file.read_text()) | keys))
    return file


# The file


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    kept = baseline_of(
        record(mean=0.25),
        record(check="symmetry[rescaling]", verdict="undefined", mean=float("nan")),
        contract(verdict="failed"),
    )
    write(kept, tmp_path / "baseline.json")
    found = read(tmp_path / "baseline.json")
    assert found.settings == SETTINGS
    assert found.written_with == {"python": "3.12.0", "torch": "2.9.0"}
    assert {key: (each.verdict, each.interval.defined) for key, each in found.answers.items()} == {
        LABELS: ("passed", True),
        ("gradcam", "alexnet", "symmetry[rescaling]"): ("undefined", False),
        ("gradcam", "", "contract"): ("failed", False),
    }
    assert found.answers[LABELS] == kept.answers[LABELS]


def test_an_answer_is_a_line_and_the_order_is_always_the_same(tmp_path: Path) -> None:
    records = [record("b"), record("a", mean=1 / 3), contract("a")]
    lines = written(tmp_path, *records).read_text().splitlines()
    assert lines == written(tmp_path, *records[::-1]).read_text().splitlines()
    assert lines[5:-2] == [
        '  {"method": "a", "model": "", "check": "contract", "verdict": "passed"},',
        '  {"method": "a", "model": "alexnet", "check": "label_randomization", "verdict": "passed", "mean": 0.3333, '
        '"low": 0.2333, "high": 0.4333, "below": 0.5, "stage": "stage"},',
        '  {"method": "b", "model": "alexnet", "check": "label_randomization", "verdict": "passed", "mean": 0.3, '
        '"low": 0.2, "high": 0.4, "below": 0.5, "stage": "stage"}',
    ]


@pytest.mark.parametrize("name", ['my.module:method?x="a | b"', "<script>", "схема", "=1+1", "\ud800", "two\nlines"])
def test_a_name_may_hold_anything(name: str, tmp_path: Path) -> None:
    assert list(read(written(tmp_path, record(name))).answers) == [(name, *LABELS[1:])]


def test_an_empty_baseline_is_one(tmp_path: Path) -> None:
    assert read(written(tmp_path)).answers == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is not JSON"),
        ('{"schema": 1, "ans', "is not JSON"),
        ('{"schema": 1, "answers": [NaN]}', "is not JSON: NaN is no finite number"),
        ('{"schema": 1, "answers": [1e999]}', "is not JSON: 1e999 is no finite number"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not a baseline of pytest-saliency-sanity: it has no schema and answers"),
        ('{"name": "another"}', "is not a baseline of pytest-saliency-sanity: it has no schema and answers"),
        ('{"schema": 0, "answers": []}', "has schema 0, and this version reads schema 1: delete it"),
        ('{"schema": 2, "answers": []}', "has schema 2, and this version reads schema 1: install a newer"),
        ('{"schema": 1, "answers": []}', "is damaged (KeyError: 'written_with'): take it from version control again"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(text)
    with pytest.raises(BaselineError) as error:
        read(file)
    assert str(error.value).startswith(f"{file} {complaint}")


def test_a_file_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="can't be read: No such file"):
        read(tmp_path / "baseline.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BaselineError, match="is not JSON"):
        read(tmp_path / "binary.json")


def test_a_results_json_is_refused_as_what_it_is(tmp_path: Path) -> None:
    json_report.write(run(record()), tmp_path / "results.json")
    with pytest.raises(BaselineError, match=r"is a results\.json: name another file"):
        read(tmp_path / "results.json")


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("method", None, "None is not a text"),
        ("stage", 3, "3 is not a text"),
        ("verdict", "fine", "gradcam on alexnet: label_randomization has the verdict 'fine'"),
        ("mean", None, "gradcam on alexnet: label_randomization has a value that is not a number"),
        ("mean", "0.3", "has a value that is not a number"),
        ("below", "0.5", "has a value that is not a number"),
        ("mean", 0.9, "has a mean that is not between low and high"),
    ],
)
def test_a_damaged_answer_is_named(key: str, value: object, complaint: str, tmp_path: Path) -> None:
    file = written(tmp_path, record())
    (kept,) = json.loads(file.read_text())["answers"]
    with pytest.raises(BaselineError, match="is damaged") as error:
        read(changed(file, answers=[{**kept, key: value}]))
    assert complaint in str(error.value)


def test_a_question_that_is_answered_twice_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, record())
    with pytest.raises(BaselineError, match="has two answers to a question: gradcam on alexnet: label_randomization"):
        read(changed(file, answers=json.loads(file.read_text())["answers"] * 2))


@pytest.mark.parametrize(
    ("name", "value"), [("seed", 1), ("sign", "absolute"), ("law", "uniform"), ("preset", "paper")]
)
def test_a_baseline_of_other_settings_is_refused(name: str, value: Primitive) -> None:
    require_same(Baseline(SETTINGS), SETTINGS, Path("b.json"))
    with pytest.raises(BaselineError) as error:
        require_same(Baseline(SETTINGS), {**SETTINGS, name: value}, Path("b.json"))
    assert str(error.value).startswith(
        f"b.json was written with {name} {SETTINGS[name]}, and this run has {name} {value}: "
        f"give --saliency-{name}={SETTINGS[name]}"
    )


def test_versions_that_are_others_are_told() -> None:
    before, after = {"torch": "2.9", "captum": "0.8"}, {"torch": "2.9", "captum": "0.9", "zennit": "0.5"}
    assert version_changes(before, after) == ["captum 0.8 -> 0.9"]


# A run beside it


def test_each_question_is_as_before_or_changed_or_new() -> None:
    known = baseline_of(
        record(), record(check="symmetry[rescaling]"), contract(), record(check="repeatability"), record("sobel")
    )
    records = [
        record(),
        record(check="symmetry[rescaling]", mean=0.9, verdict="failed"),
        record(check="symmetry[permutation]"),
        contract(verdict="failed"),
        record("sobel", mean=0.31),
        unanswered(check="repeatability"),  # it broke, which is told elsewhere
    ]
    assert compare(known, records, PLAN) == Comparison(
        same=(LABELS, ("sobel", *LABELS[1:])),
        moved=(("sobel", *LABELS[1:]),),
        changed=(("gradcam", "alexnet", "symmetry[rescaling]"), ("gradcam", "", "contract")),
        new=(("gradcam", "alexnet", "symmetry[permutation]"),),
    )


GONE = record(check="symmetry[mirror]"), record(check="handedness")


def stale_under(plan: Plan, *records: Record) -> list[str]:
    known = baseline_of(record(), *GONE, record("sobel"), record(model="vgg11"), contract())
    return [f"{method} {model} {check}" for method, model, check in compare(known, records, plan).stale]


def test_what_is_not_asked_any_more_is_stale() -> None:
    assert stale_under(PLAN) == ["gradcam alexnet symmetry[mirror]", "gradcam alexnet handedness"]


def test_what_is_not_selected_is_not_stale() -> None:
    assert stale_under(Plan.of(["smoothgrad"], ["alexnet"])) == []
    assert stale_under(Plan.of(["gradcam"], ["resnet"])) == []
    assert stale_under(Plan.of(["gradcam"], ["alexnet"], ["contract"])) == []
    assert stale_under(Plan.of(["gradcam"], ["alexnet"], ["symmetry[rescaling]"])) == []
    assert stale_under(Plan.of(["gradcam"], ["alexnet"], ["symmetry"])) == ["gradcam alexnet symmetry[mirror]"]


def test_what_a_model_lacks_is_stale() -> None:
    plan = Plan.of(["gradcam"], ["alexnet"], ["label_randomization"], {"alexnet": {"memorized_model"}})
    assert stale_under(plan) == ["gradcam alexnet label_randomization"]


def test_what_is_skipped_is_stale() -> None:
    skipped = unanswered(outcome="skipped", reason="no memorised twin")
    assert "gradcam alexnet label_randomization" in stale_under(PLAN, skipped)


def test_a_method_that_a_fixture_gives_is_known_by_its_record() -> None:
    assert stale_under(Plan.of([], ["vgg11"]), record()) == [
        "gradcam alexnet symmetry[mirror]",
        "gradcam alexnet handedness",
    ]


# Writing it anew


def test_an_update_changes_what_ran_and_removes_what_is_stale() -> None:
    known = baseline_of(record(), *GONE, record("sobel", mean=0.9, verdict="failed"), contract())
    after = updated(known, SETTINGS, [record(mean=0.1), unanswered(model="", check="contract")], PLAN)
    assert {key: each.interval.mean for key, each in after.answers.items() if each.interval.defined} == {
        LABELS: pytest.approx(0.1),
        ("sobel", *LABELS[1:]): pytest.approx(0.9),
    }
    assert ("gradcam", "", "contract") in after.answers  # it broke: nothing is known that is newer


def test_an_update_tells_the_versions_of_the_last_run_and_keeps_those_of_other_libraries() -> None:
    known = baseline_of(record("captum:X", versions={"torch": "2.9.0", "captum": "0.8"}))
    after = updated(known, SETTINGS, [record(versions={"torch": "2.10.0"})], PLAN)
    assert after.written_with == {"torch": "2.10.0", "captum": "0.8"}


def test_two_tests_that_answer_the_same_question_can_not_be_kept() -> None:
    with pytest.raises(BaselineError, match="two tests answer the same question, gradcam on alexnet"):
        updated(None, SETTINGS, [record(), record(mean=0.1)], PLAN)
