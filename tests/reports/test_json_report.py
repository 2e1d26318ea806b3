"""``results.json``: what is written, its JSON Schema, and what becomes of files that are none."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from support.cascades import HOSTILE, NAN, cascade, evidence
from support.records import contract, run, unanswered

from pytest_saliency_sanity.checks.judging.evidence import Point
from pytest_saliency_sanity.checks.judging.result import CheckResult, Figure, Finding, Measured, StageVerdict
from pytest_saliency_sanity.checks.plan import Plan
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.reports import json_report
from pytest_saliency_sanity.reports.json_report import RecordsError, as_json, from_json, json_schema, read, write
from pytest_saliency_sanity.reports.record import Record
from pytest_saliency_sanity.reports.run import Run

from .conftest import results_in

SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
# What differs between two runs of the same questions.
CIRCUMSTANCES = {"seconds", "command", "started"}


def everything() -> Run:
    return run(
        cascade(),
        cascade("sobel", verdict="failed", means=(NAN, NAN, NAN)),
        cascade("noise", verdict="failed", outcome="xfailed", expected="it is noise"),
        contract(),
        unanswered(),
        unanswered(check="localization", outcome="skipped", reason="no scenes"),
        problems=("one test was lost",),
        notes=("a note",),
        outcomes={"passed": 2, "failed": 2},
        planned=6,
        ran=5,
        own=1,
        seconds=1.25,
        command="pytest --saliency-method=gradcam",
    )


def written(content: Any, folder: Path) -> Path:
    path = folder / "results.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def without(circumstances: set[str], value: Any) -> Any:
    """Return JSON without some keys, at any depth."""
    if isinstance(value, dict):
        return {name: without(circumstances, each) for name, each in value.items() if name not in circumstances}
    return [without(circumstances, each) for each in value] if isinstance(value, list) else value


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema"]["const"] == json_report.SCHEMA


# What a record has besides the fields of its class, and what it has not.
BOUNDS = set(Interval._fields)


@pytest.mark.parametrize(
    ("definition", "kind", "more", "less"),
    [
        ("record", Record, set(), set()),
        ("result", CheckResult, {"statistic", "interval", "threshold", "margin"}, {"evidence"}),
        ("measured", Measured, set(), set()),
        ("stage", StageVerdict, BOUNDS, {"interval"}),
        ("point", Point, BOUNDS, {"interval"}),
    ],
)
def test_the_schema_has_the_fields_of_the_classes(definition: str, kind: Any, more: set[str], less: set[str]) -> None:
    found = SCHEMA["$defs"][definition]
    assert set(found["properties"]) == {each.name for each in fields(kind)} - less | more
    assert sorted(found["required"]) == sorted(found["properties"])
    assert found["additionalProperties"] is False


def test_the_schema_has_the_fields_of_a_run_a_plan_and_a_finding() -> None:
    # ``written`` would name the file itself; a plan is the same whether its checks were named or not.
    own = {each.name for each in fields(Run) if each.init} - {"records", "written"}
    assert set(SCHEMA["properties"]) == set(SCHEMA["required"]) == own | {"schema", "results"}
    plan = SCHEMA["properties"]["plan"]
    assert set(plan["properties"]) == set(plan["required"]) == {each.name for each in fields(Plan)} - {"by_name"}
    finding = SCHEMA["$defs"]["result"]["properties"]["findings"]["items"]
    assert set(finding["properties"]) == set(finding["required"]) == set(Finding._fields)
    assert len(SCHEMA["$defs"]["figure"]["prefixItems"]) == len(Figure._fields)


def test_the_results_of_real_runs_are_valid(reported: Path, reported_without_answers: Path) -> None:
    for folder in (reported, reported_without_answers):
        VALIDATOR.validate(results_in(folder))


def without_circumstances(kept: dict[str, Any]) -> dict[str, Any]:
    """Return what a run kept without what differs from one run to the next: durations, the start, the command."""
    records = [record | {"seconds": 0, "command": ""} for record in kept["results"]]
    return kept | {"seconds": 0, "command": "", "started": "", "results": records}


def test_workers_give_the_same_results(reported: Path, reported_by_workers: Path) -> None:
    alone, shared = (without_circumstances(results_in(folder)) for folder in (reported, reported_by_workers))
    assert alone == shared


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.pop("seed"),
        lambda content: content.update(more=1),
        lambda content: content["results"][0].update(outcome="great"),
        lambda content: content["results"][0]["result"].update(verdict="great"),
        lambda content: content["results"][0]["result"]["curve"][0].update(mean="0.5"),
        lambda content: content["results"][0]["result"]["measured"]["figures"].append(["name"]),
    ],
)
def test_the_schema_can_refuse(spoil: Callable[[dict[str, Any]], object]) -> None:
    content = as_json(everything())
    VALIDATOR.validate(content)
    spoil(content)
    with pytest.raises(ValidationError):
        VALIDATOR.validate(content)


def test_a_run_comes_back_as_it_was_and_is_valid() -> None:
    before = everything()
    content = json.loads(json.dumps(as_json(before), allow_nan=False))
    VALIDATOR.validate(content)
    after = from_json(content)
    assert as_json(after) == content
    assert after.records[0] == before.records[0]
    assert replace(after, records=(), plan=before.plan) == replace(before, records=())
    assert list(after.plan) == list(before.plan)


def test_a_real_run_is_written_again_byte_for_byte(reported: Path, tmp_path: Path) -> None:
    again = tmp_path / "results.json"
    write(read(reported / "results.json"), again)
    assert again.read_bytes() == (reported / "results.json").read_bytes()


def test_what_a_model_lacks_comes_back() -> None:
    plan = Plan(("it",), ("net",), ("localization", "contract"), lacking={"net": frozenset({"scenes"})})
    back = from_json(json.loads(json.dumps(as_json(run(plan=plan))))).plan
    assert [question.id for question in back] == [question.id for question in plan] == ["contract"]


@pytest.mark.slow
def test_workers_give_the_same_records(reported: Path, reported_by_workers: Path) -> None:
    alone, shared = (without(CIRCUMSTANCES, results_in(folder)) for folder in (reported, reported_by_workers))
    assert alone == shared
    assert len(alone["results"]) == 6


def test_a_record_says_under_which_circumstances_it_was_answered(results: dict[str, Any]) -> None:
    for each in results["results"]:
        assert each["seconds"] > 0
        assert each["device"] == "cpu"
        assert {"python", "torch", "numpy", "pytest-saliency-sanity"} <= set(each["versions"])
        assert shlex.split(each["command"])[:2] == ["pytest", each["id"]]
        assert f"--saliency-method={each['method']} " in each["command"]


def test_a_question_without_an_answer_has_a_record_with_the_reason(reported_without_answers: Path) -> None:
    found = {each["check"]: each for each in results_in(reported_without_answers)["results"]}
    assert {name: each["outcome"] for name, each in found.items()} == {
        "repeatability": "failed",
        "bias_detection": "skipped",
        "contract": "skipped",
    }
    assert found["repeatability"]["result"] is None
    assert "raised ValueError: boom <b>|" in found["repeatability"]["reason"]
    assert (found["bias_detection"]["result"], found["bias_detection"]["reason"]) == (None, "no scenario here")
    assert found["contract"]["result"]["not_asked"] == found["contract"]["reason"]
    assert "ValueError: boom" in found["contract"]["reason"]
    assert found["contract"]["model"] == ""
    assert all(each["command"].startswith("pytest ") for each in found.values())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_written_and_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    before = run(cascade(name, name), notes=(name,), problems=(name,), command=name)
    write(before, path)
    after = read(path)
    VALIDATOR.validate(json.loads(path.read_text(encoding="utf-8")))
    assert (after.records, after.notes, after.problems, after.command) == (before.records, (name,), (name,), name)


def test_nothing_of_the_evidence_is_written() -> None:
    assert "evidence" not in json.dumps(as_json(run(cascade(evidence=evidence()))))


def test_keys_that_a_newer_version_added_are_ignored(tmp_path: Path) -> None:
    # docs/records.md promises that keys may be added within a schema.
    def extended(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: extended(each) for name, each in value.items()} | {"added": 1}
        return [extended(each) for each in value] if isinstance(value, list) else value

    content = as_json(everything())
    # Names by a user are no keys of ours.
    named = {"outcomes": content["outcomes"], "plan": content["plan"] | {"added": 1}}
    later = extended(content) | named
    for each, before in zip(later["results"], content["results"], strict=True):
        each |= {"parameters": before["parameters"], "versions": before["versions"]}
    assert as_json(read(written(later, tmp_path))) == content


def good() -> dict[str, Any]:
    return as_json(run(cascade()))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (good() | {"schema": json_report.SCHEMA - 1}, "run pytest with --saliency-report again"),
        (good() | {"schema": json_report.SCHEMA + 1}, "install a newer pytest-saliency-sanity"),
        (good() | {"schema": "4"}, "it has no schema and results"),
        ([1, 2], "it has no schema and results"),
        ({"packages": {}}, "it has no schema and results"),
        (None, "it has no schema and results"),
        ({"schema": json_report.SCHEMA, "results": []}, r"is damaged: \$: '\w+' is a required property"),
        (good() | {"results": 3}, r"is damaged: \$.results: 3 is not of type 'array'"),
        (good() | {"results": [3]}, r"is damaged: \$.results\[0\]: 3 is not of type 'object'"),
        (good() | {"seconds": "long"}, r"is damaged: \$.seconds: 'long' is not of type 'number'"),
        (good() | {"plan": []}, r"is damaged: \$.plan: \[\] is not of type 'object'"),
        (
            good() | {"results": [good()["results"][0] | {"outcome": "great"}]},
            r"is damaged: \$.results\[0\].outcome: 'great'",
        ),
        (
            good()
            | {"results": [good()["results"][0] | {"result": good()["results"][0]["result"] | {"verdict": "?"}}]},
            "is damaged: .*'\\?'",
        ),
        (
            good() | {"results": [{**good()["results"][0], "result": {}}]},
            r"is damaged: \$.results\[0\].result: {} is not valid",
        ),
        ("", "is not JSON"),
        (json.dumps(good())[:-40], "is not JSON"),
        (json.dumps(good()).replace('"seed": 0', '"seed": NaN', 1), "is not JSON: NaN is no finite number"),
        (json.dumps(good()).replace('"seed": 0', '"seed": 1e999', 1), "is not JSON: 1e999 is no finite number"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_file_that_is_none_is_told_with_its_name(content: Any, why: str, tmp_path: Path) -> None:
    path = written(content, tmp_path)
    with pytest.raises(RecordsError, match=why) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_folder_and_a_missing_file_are_told_with_their_names(tmp_path: Path) -> None:
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "nowhere.json", "No such file")):
        with pytest.raises(RecordsError, match=f"{path} can't be read: {why}"):
            read(path)


def test_a_picture_is_no_results(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(RecordsError, match=f"{path} is not JSON"):
        read(path)
