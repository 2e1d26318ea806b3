"""Workers of pytest-xdist share the machine: threads, GPUs, and the tests of a method on a model."""

from __future__ import annotations

import os
import re
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.runs import flat

from pytest_saliency_sanity.foundation.threads import threads
from pytest_saliency_sanity.plugin import workers
from pytest_saliency_sanity.plugin.workers import THREADS, cores, take_share, turn_of

CONFTEST = """
{first}
def pytest_runtest_teardown(item):
    import torch
    print("threads:", torch.get_num_threads())
"""


def config(**worker: Any) -> Any:
    return SimpleNamespace(workerinput=worker) if worker else SimpleNamespace()


@pytest.mark.parametrize(("name", "turn"), [("gw0", 0), ("gw11", 11), ("odd", 0)])
def test_the_turn_of_a_worker_is_its_number(name: str, turn: int) -> None:
    assert turn_of(config(workerid=name)) == turn


def test_a_process_of_its_own_is_the_first() -> None:
    assert turn_of(config()) == 0


@pytest.mark.parametrize(("count", "share"), [(1, 8), (2, 4), (3, 2), (8, 1), (50, 1)])
def test_a_worker_takes_its_share_of_the_cores(monkeypatch: pytest.MonkeyPatch, count: int, share: int) -> None:
    monkeypatch.setenv(THREADS, "")
    monkeypatch.setattr(workers, "cores", lambda: 8)
    with threads(8):
        take_share(config(workercount=count))
        assert torch.get_num_threads() == share
    assert os.environ[THREADS] == str(share)


def test_what_the_user_says_and_a_process_of_its_own_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, "3")
    take_share(config(workercount=2))
    assert os.environ[THREADS] == "3"
    monkeypatch.setenv(THREADS, "")
    take_share(config())
    assert os.environ[THREADS] == ""


def test_there_is_a_core() -> None:
    assert cores() >= 1


@pytest.mark.slow
@pytest.mark.parametrize("first", ["import torch", ""], ids=["torch is imported first", "and afterwards"])
def test_workers_use_their_share_without_a_word_of_the_user(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.delenv(THREADS, raising=False)
    pytester.makeconftest(CONFTEST.format(first=first))
    result = pytester.runpytest_subprocess(
        "saliency-sanity",
        "--saliency-method=gradient",
        "--saliency-model=alexnet",
        "--saliency-check=repeatability",
        "-n2",
        "-rP",
    )
    assert result.ret == pytest.ExitCode.OK
    assert set(re.findall(r"threads: (\d+)", flat(result))) == {str(max(1, cores() // 2))}


@pytest.mark.slow
def test_a_method_on_a_model_stays_in_one_worker(pytester: pytest.Pytester) -> None:
    chosen = [f"--saliency-method={name}" for name in ("gradient", "sobel", "input")]
    result = pytester.runpytest_subprocess(
        "saliency-sanity",
        *chosen,
        "--saliency-model=alexnet",
        "--saliency-check=repeatability",
        "--saliency-check=cascading_randomization",
        *("-n2", "--dist=loadscope", "-v"),
    )
    where: dict[str, set[str]] = {}
    for worker, method in re.findall(r"\[(gw\d)\].*::(\w+)-alexnet::", result.stdout.str()):
        where.setdefault(method, set()).add(worker)
    assert {method: len(found) for method, found in where.items()} == {"gradient": 1, "sobel": 1, "input": 1}
