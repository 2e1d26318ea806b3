"""``results.csv``: a row for each question and stage, which spreadsheets and data frames read as it was meant."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.cascades import CHECK, HOSTILE, NAN, NOTHING, STAGES, cascade
from support.records import contract, record, run, unanswered

from pytest_saliency_sanity.checks.judging.result import StageVerdict
from pytest_saliency_sanity.reports.csv_report import COLUMNS, harmless, write
from pytest_saliency_sanity.reports.record import Record

# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection"), also after its own clean-up.
FORMULAS = (
    "=1+1",
    "+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff20A",
)


def rows_of(folder: Path, *records: Record) -> list[dict[str, str]]:
    path = folder / "results.csv"
    write(run(*records), path)
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        assert tuple(reader.fieldnames or ()) == COLUMNS
        return list(reader)


def changed(found: Record, **parts: Any) -> Record:
    assert found.result is not None
    return replace(found, result=replace(found.result, **parts))


def test_there_is_a_row_for_each_question_and_stage_and_way_of_reading(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, cascade(), unanswered(), contract(), record())
    shown = [(row["method"], row["check"], row["variant"], row["stage"], row["sign"]) for row in rows]
    name = CHECK.partition("[")[0]
    assert shown == [
        *(("gradcam", name, "top_down", stage, sign) for sign in ("signed", "absolute") for stage in STAGES),
        ("gradcam", "label_randomization", "", "", ""),
        ("gradcam", "contract", "", "", ""),
        ("gradcam", "label_randomization", "", "stage", "signed"),
    ]


def test_the_numbers_of_a_real_run_are_those_of_the_records(reported: Path, results: dict[str, Any]) -> None:
    with (reported / "results.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    seen = 0
    for each in results["results"]:
        result = each["result"]
        sign = result["curve"][0]["sign"]
        judged = {(stage["stage"], sign): stage for stage in result["stages"]}
        judged |= {(stage["stage"], "absolute"): stage for stage in result["magnitudes"]}
        points = {(point["stage"], point["sign"]): point for point in result["curve"]}
        own = [row for row in rows if all(row[key] == each[key] for key in ("method", "model", "check", "variant"))]
        assert {(row["stage"], row["sign"]) for row in own} == judged.keys() | points.keys()
        assert len(own) == len(judged.keys() | points.keys())
        seen += len(own)
        for row in own:
            key = row["stage"], row["sign"]
            for found in filter(None, (points.get(key), judged.get(key))):
                for name in ("mean", "low", "high", "undefined"):
                    assert float(row[name]) == found[name]
            assert float(row["chance"]) == result["measured"]["chance"]
            assert (row["outcome"], row["verdict"]) == (each["outcome"], result["verdict"])
            if key in judged:
                assert row["stage_verdict"] == judged[key]["verdict"]
                assert float(row["threshold"]) == judged[key]["threshold"]
                assert row["side"] == ("above" if judged[key]["above"] else "below")
            else:
                assert row["stage_verdict"] == row["threshold"] == row["side"] == row["margin"] == ""
            if key in points:
                assert (row["images"], row["draws"]) == (str(points[key]["images"]), str(points[key]["draws"]))
    assert seen == len(rows)


def test_what_is_undefined_is_empty(tmp_path: Path) -> None:
    nothing = StageVerdict(STAGES[-1], 0.5, "undefined", NOTHING, 20, 20)
    found = changed(cascade(means=(NAN, NAN, NAN)), stages=(nothing,), magnitudes=())
    for row in rows_of(tmp_path, found):
        assert row["mean"] == row["low"] == row["high"] == row["margin"] == ""
        assert "nan" not in "".join(row.values()).lower()


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_spreadsheet_executes_nothing(formula: str, tmp_path: Path) -> None:
    found = cascade(formula, formula, stages=(formula, "b", "c"), reason=formula, judged=formula, quantity=formula)
    cells = [cell for row in rows_of(tmp_path, found) for cell in row.values()]
    assert not [
        cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20"))
    ]
    assert cells.count(f"'{formula}".replace("\r", "\n")) >= 4


def test_a_line_break_does_not_begin_a_row(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, unanswered(reason="one\r=two\r\nthree\nfour"))
    assert row["reason"] == "one\n=two\nthree\nfour"


@pytest.mark.parametrize("number", [-0.5, -3, 0.5, True])
def test_a_number_is_no_formula(number: object) -> None:
    assert harmless(number) is number


@pytest.mark.parametrize("name", [name for name in HOSTILE if not name.startswith("=")])
def test_other_names_are_read_back_as_they_were(name: str, tmp_path: Path) -> None:
    rows = rows_of(tmp_path, cascade(name, name, stages=(name, "b", "c"), reason=name))
    assert len(rows) == 6
    assert {(row["method"], row["model"], row["reason"]) for row in rows} == {(name, name, name)}
    assert rows[0]["stage"] == name


def test_pandas_reads_numbers_as_numbers(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    rows_of(tmp_path, cascade(means=(NAN, 0.25, 0.125)), unanswered())
    frame = pandas.read_csv(tmp_path / "results.csv")
    assert list(frame.columns) == list(COLUMNS)
    for name in ("mean", "low", "high", "threshold", "margin", "chance", "seconds", "images", "draws"):
        assert frame[name].dtype.kind in "fi", name
    assert frame["mean"].isna().tolist() == [True, False, False, True, False, False, True]
    assert frame["mean"].dropna().tolist() == [0.25, 0.125] * 2
