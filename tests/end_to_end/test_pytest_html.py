"""The report of pytest-html has the maps of each question. It is another plugin, which need not be there."""

from __future__ import annotations

import io
import json
import re
import sys
from base64 import b64decode
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

CHOSEN = ("--saliency-model=alexnet", "--saliency-check=repeatability", "--saliency-images=10")
GRADIENT, SOBEL = "--saliency-method=gradient", "--saliency-method=sobel"


def rows(report: Path) -> dict[str, list[dict[str, Any]]]:
    """Return what is attached to each test of a report."""
    (data,) = re.findall(r'data-jsonblob="([^"]*)"', report.read_text(encoding="utf-8"))
    return {name: tests[-1]["extras"] for name, tests in json.loads(unescape(data))["tests"].items()}


@pytest.mark.parametrize("workers", [(), pytest.param(("-n", "1"), marks=pytest.mark.slow)])
def test_the_maps_are_beside_the_row_of_each_question(workers: tuple[str, ...], pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="def test_other(): pass")
    html = ("--html=report.html", "--self-contained-html")
    result = pytester.runpytest_inprocess(GRADIENT, SOBEL, *CHOSEN, *html, *workers)
    result.assert_outcomes(passed=3)
    found = rows(pytester.path / "report.html")
    assert found.pop("test_other.py::test_other") == []
    assert len(found) == 2
    for attached in found.values():
        message, picture, scaling = attached
        assert re.match(r"<pre>repeatability: \w+ on alexnet PASSED\n", message["content"])
        assert picture["name"] == "Maps: the image, the trained model, again"
        assert "Each map is scaled by itself" in scaling["content"]
        kind, _, content = picture["content"].partition(",")
        assert kind == "data:image/png;base64"
        with Image.open(io.BytesIO(b64decode(content))) as drawn:
            assert (drawn.format, *drawn.size) == ("PNG", round((3 * 96 + 4) * 1.6), 3 * 96 + 4)


def test_a_report_of_several_files_has_them_too(pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess(GRADIENT, *CHOSEN, "--html=report.html")
    ((_, picture, _),) = rows(pytester.path / "report.html").values()
    assert (pytester.path / picture["content"]).read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_it_says_what_is_missing(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = pytester.runpytest_inprocess(GRADIENT, *CHOSEN, "--html=report.html")
    assert result.ret == pytest.ExitCode.OK
    ((_, attached),) = rows(pytester.path / "report.html").values()
    assert "The maps were not drawn: ImportError: matplotlib" in attached["content"]


def test_a_failure_is_told_once_and_a_finding_without_a_traceback(pytester: pytest.Pytester) -> None:
    chosen = ("--saliency-method=gradcam", SOBEL, *CHOSEN[:1], "--saliency-check=null_region", CHOSEN[-1])
    pytester.runpytest_inprocess(*chosen, "--html=report.html")
    found = rows(pytester.path / "report.html")
    failed, finding = (next(each for name, each in found.items() if method in name) for method in ("sobel", "gradcam"))
    assert [each["format_type"] for each in failed] == ["image", "html"]
    assert [each["format_type"] for each in finding] == ["html", "image", "html"]
    assert "Traceback" not in (pytester.path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("without", [(), ("-p", "no:html")])
def test_it_need_not_be_there(without: tuple[str, ...], pytester: pytest.Pytester) -> None:
    assert pytester.runpytest_inprocess(GRADIENT, *CHOSEN, *without).ret == pytest.ExitCode.OK
