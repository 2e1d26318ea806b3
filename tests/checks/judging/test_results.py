"""Results: a list that is shown as a table, and becomes a DataFrame."""

from __future__ import annotations

import copy
import pickle
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.cascades import HOSTILE, NOTHING, cascade
from support.records import contract

from pytest_saliency_sanity import CheckResult, check_method
from pytest_saliency_sanity.checks.judging.result import Finding, StageVerdict, not_asked
from pytest_saliency_sanity.checks.judging.results import COLUMNS, Results
from pytest_saliency_sanity.checks.judging.showing import MOST_ILLUSTRATED


def result(**parts: Any) -> CheckResult:
    found = cascade(**parts).result
    assert found is not None
    return found


PROMISED = contract().result
assert PROMISED is not None
NOT_ASKED = not_asked("localization", "gradcam", "alexnet", 0, "no scenes")
UNDEFINED = replace(
    result(method="empty", verdict="undefined"), stages=(StageVerdict("fc", 0.5, "undefined", NOTHING, 20, 20),)
)
SEVERAL = Results([result(), UNDEFINED, PROMISED, NOT_ASKED])


def test_results_are_a_list() -> None:
    assert list(SEVERAL) == SEVERAL
    assert isinstance(SEVERAL, list)
    for copied in (pickle.loads(pickle.dumps(SEVERAL[2:])), copy.copy(SEVERAL[2:])):
        assert copied == [PROMISED, NOT_ASKED]
        assert type(copied) is Results
    assert SEVERAL[1] is UNDEFINED


def test_slices_and_sums_are_results_too() -> None:
    plain, grown = [NOT_ASKED], Results(SEVERAL[:1])
    grown += SEVERAL[1:]
    together = (SEVERAL[:2], SEVERAL + plain, plain + SEVERAL, grown)
    assert {type(found) for found in together} == {Results}
    assert SEVERAL[:1] + SEVERAL[1:] == grown == SEVERAL
    assert list(plain + SEVERAL) == [NOT_ASKED, *SEVERAL]
    assert list(SEVERAL + plain) == [*SEVERAL, NOT_ASKED]
    with pytest.raises(TypeError):
        SEVERAL + 1  # type: ignore[operator]


def test_print_shows_a_line_for_each() -> None:
    heading, *lines = str(SEVERAL).splitlines()
    assert heading.split()[:4] == ["verdict", "method", "model", "check"]
    assert [line.split("  ")[0] for line in lines] == ["passed", "undefined", "passed", "not asked"]
    assert "similarity 0.100 [0.080, 0.120]  below 0.5  conv1" in lines[0]
    assert "similarity none defined" in lines[1]
    assert lines[3].endswith("no scenes")


def test_ipython_shows_the_same_on_a_terminal() -> None:
    pretty = pytest.importorskip("IPython.lib.pretty")
    assert pretty.pretty(SEVERAL) == str(SEVERAL)
    assert pretty.pretty(SEVERAL[0]) == SEVERAL[0].message


def test_a_notebook_shows_a_row_for_each() -> None:
    html = SEVERAL._repr_html_()
    assert html.count("<tr>") == 1 + len(SEVERAL)
    assert "<td>similarity 0.100 [0.080, 0.120]</td><td>below 0.5</td><td>conv1</td>" in html
    assert Results()._repr_html_().count("<tr>") == 1


def test_a_notebook_shows_of_a_result_its_stages_findings_and_message() -> None:
    found = result(verdict="failed", findings=(Finding("the outline stays", "0.99 by magnitude"),))
    html = found._repr_html_()
    assert "<strong>failed</strong>: cascading_randomization[top_down], gradcam on alexnet" in html
    assert "<td>conv1</td><td>0.100 [0.080, 0.120]</td><td>below 0.5</td><td>0 of 20</td><td>failed</td>" in html
    assert "similarity, by magnitude" in html
    assert "a finding: the outline stays (0.99 by magnitude)" in html
    assert f"<pre>{found.message}</pre>" in html
    assert "<table>" not in NOT_ASKED._repr_html_()


def test_a_finding_is_told_from_what_decides() -> None:
    assert "failed (a finding)" in str(Results([result(verdict="failed", finding=True)]))
    assert "(a finding)" not in str(Results([result(finding=True)]))


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_in_a_notebook(name: str) -> None:
    hostile = result(method=name, model=name, stages=(name, "b", "c"), judged=name, message=name, quantity=name)
    hostile = replace(hostile, check=name, findings=(Finding(name, name),))
    for html in (hostile._repr_html_(), Results([hostile, replace(NOT_ASKED, not_asked=name)])._repr_html_()):
        assert "<script" not in html
        assert "<img" not in html
        assert "&lt; " not in html.replace("&amp; &lt;", ""), "escaped once"


def test_a_frame_has_a_row_for_each() -> None:
    frame = SEVERAL.to_dataframe()
    assert len(frame) == len(SEVERAL)
    row = frame.iloc[0]
    assert row[["method", "model", "check", "variant", "verdict"]].tolist() == [
        *("gradcam", "alexnet", "cascading_randomization", "top_down", "passed")
    ]
    numbers = row[["statistic", "low", "high", "threshold", "margin", "chance"]]
    assert numbers.tolist() == pytest.approx([0.1, 0.08, 0.12, 0.5, 20, 0.05])
    assert row[["stage", "must_be", "quantity"]].tolist() == ["conv1", "below", "similarity"]
    assert row[["undefined", "total", "images", "draws", "looks", "seed"]].tolist() == [0, 20, 10, 2, 2, 0]
    assert row["findings"] == "the outline stays"
    assert frame["verdict"].tolist() == ["passed", "undefined", "passed", "not asked"]
    assert frame["statistic"].isna().tolist() == [False, True, True, True]
    assert frame["threshold"].isna().tolist() == [False, False, True, True]
    assert frame["not_asked"].tolist() == ["", "", "", "no scenes"]


def test_what_is_not_defined_is_nan_and_not_0() -> None:
    undefined = [COLUMNS[name](SEVERAL[1]) for name in ("statistic", "low", "high", "margin")]
    none = [COLUMNS[name](NOT_ASKED) for name in ("statistic", "low", "high", "threshold", "margin", "chance")]
    assert np.isnan(np.array([*undefined, *none], dtype=float)).all()
    assert [COLUMNS[name](NOT_ASKED) for name in ("stage", "must_be", "quantity")] == ["", "", ""]
    assert [COLUMNS[name](NOT_ASKED) for name in ("undefined", "total")] == [0, 0]
    assert [COLUMNS[name](SEVERAL[0]) for name in ("stage", "statistic", "must_be")] == ["conv1", 0.1, "below"]


def test_of_nothing_the_frame_has_the_same_columns() -> None:
    empty = Results().to_dataframe()
    assert len(empty) == 0
    assert empty.columns.tolist() == SEVERAL.to_dataframe().columns.tolist()


def test_without_pandas_there_is_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        SEVERAL.to_dataframe()


def test_check_method_returns_results() -> None:
    found = check_method("sobel", models=["alexnet"], checks=["class_sensitivity"], images=10)
    assert type(found) is Results
    (row,) = found.to_dataframe().to_dict("records")
    assert row["verdict"] == found[0].verdict == "failed"
    assert row["statistic"] == found[0].statistic


def test_the_whole_cascade_is_shown_of_a_method_that_passes_if_it_is_asked_for() -> None:
    asked = {"models": ["alexnet"], "checks": ["cascading_randomization[bottom_up]"], "images": 10}
    (plain,) = check_method("gradient", **asked)  # type: ignore[arg-type]
    (illustrated,) = check_method("gradient", illustrate=True, **asked)  # type: ignore[arg-type]
    assert plain.verdict == illustrated.verdict == "passed"
    assert plain.stages == illustrated.stages, "what is only shown decides nothing"
    assert len({point.stage for point in plain.curve}) == 1
    assert 1 < len({point.stage for point in illustrated.curve}) <= 1 + MOST_ILLUSTRATED
