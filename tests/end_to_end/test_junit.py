"""What JUnit XML has of each question, for CI servers: simple properties."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from pytest_saliency_sanity import CheckResult, check_method

CHOSEN = ("--saliency-method=gradcam", "--saliency-model=alexnet", "--saliency-images=10", "--tb=no")
CHECKS = ("repeatability", "null_region")
TWICE = """
import pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    item.user_properties.append(("owner", "me"))
    item._initrequest()
    runtestprotocol(item, log=False)
    item._initrequest()
"""


def properties(pytester: pytest.Pytester, *how: str) -> dict[str, list[tuple[str, str]]]:
    """Return the properties of each test case by its name."""
    pytester.runpytest_inprocess(*CHOSEN, *(f"--saliency-check={check}" for check in CHECKS), *how, "--junitxml=j.xml")
    return {
        str(case.get("name")): [(str(each.get("name")), str(each.get("value"))) for each in case.iter("property")]
        for case in ElementTree.parse(pytester.path / "j.xml").iter("testcase")
    }


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_every_question_has_its_numbers(workers: tuple[str, ...], pytester: pytest.Pytester) -> None:
    found = properties(pytester, *workers)
    results = {each.check: each for each in check_method("gradcam", models=["alexnet"], checks=CHECKS, images=10)}
    assert {name: dict(each) for name, each in found.items()} == {
        f"test_{check}": expected(results[check]) for check in CHECKS
    }


def expected(result: CheckResult) -> dict[str, str]:
    judged = result.deciding
    assert judged is not None
    own = {"method": "gradcam", "model": "alexnet", "check": result.check, "verdict": result.verdict}
    own |= {"quantity": result.quantity, "stage": judged.stage, "images": "10", "threshold": str(judged.threshold)}
    own |= {name: str(value) for name, value in zip(("statistic", "low", "high"), judged.interval, strict=True)}
    own |= {"side": "above" if judged.above else "below"}
    own |= {"margin": str(judged.margin)} if judged.margin is not None else {}
    own |= {"undefined": str(judged.undefined)} if judged.undefined else {}
    return {f"saliency_{name}": value for name, value in own.items()}


def test_a_test_that_runs_again_has_them_once_beside_those_of_the_project(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(TWICE)
    for found in properties(pytester).values():
        names = [name for name, _ in found]
        assert sorted(set(names)) == sorted(names)
        assert {"owner", "saliency_verdict"} <= set(names)
