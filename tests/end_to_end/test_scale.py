"""``--saliency-shard`` and ``--saliency-parallel``: the same answers, from several machines or processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.runs import Records, flat

from pytest_saliency_sanity.__main__ import main
from pytest_saliency_sanity.foundation import backends, clusters
from pytest_saliency_sanity.foundation.backends import Backend

pytest.importorskip("joblib.externals.loky")  # before a run in this process, which forgets what it imported
pytest.importorskip("cloudpickle")

CHECKS = ("--saliency-check=repeatability", "--saliency-check=class_sensitivity")
CHOSEN = ("saliency-sanity", "--saliency-method=gradient", "--saliency-images=10", *CHECKS)
TWO = ("--saliency-model=alexnet", "--saliency-model=vgg11")
OWN = """
def test_of_a_method(saliency_method, saliency_model_name):
    assert saliency_method and saliency_model_name

def test_of_something_else():
    pass
"""


def test_shards_together_give_the_answers_of_the_whole(records: Records) -> None:
    whole = records(*CHOSEN, *TWO)
    shards = [records(*CHOSEN, *TWO, f"--saliency-shard={number}/2") for number in (1, 2)]
    assert [len(shard) for shard in shards] == [2, 2]
    assert {node_id: record for shard in shards for node_id, record in shard.items()} == whole


@pytest.mark.slow
def test_the_reports_of_shards_are_joined(pytester: pytest.Pytester, tmp_path: Path) -> None:
    files = []
    for number in (1, 2):
        report = tmp_path / str(number)
        result = pytester.runpytest_inprocess(
            *CHOSEN, *TWO, f"--saliency-shard={number}/2", f"--saliency-report={report}"
        )
        assert result.ret == pytest.ExitCode.OK
        files.append(str(report / "results.json"))
    assert main(["merge", *files, f"--output={tmp_path / 'joined'}"]) == 0
    with pytest.raises(SystemExit, match="2"):
        main(["merge", files[0], f"--output={tmp_path / 'half'}"])


def test_a_shard_counts_and_deselects(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*CHOSEN, *TWO, "--saliency-shard=2/2")
    result.assert_outcomes(passed=2, deselected=2)
    assert "shard 2/2" in flat(result)
    assert "packaged tests: 2 planned, 2 ran" in flat(result)


def test_more_shards_than_parts_are_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*CHOSEN, *TWO, "--saliency-shard=1/3")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--saliency-shard=1/3: there are 2 parts to split*into at most 2 shards*"])


def test_own_tests_of_a_method_are_split_and_others_run_in_each_shard(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(OWN)
    ran = []
    for number in (1, 2):
        result = pytester.runpytest_inprocess(
            "test_own_tests_of_a_method_are_split_and_others_run_in_each_shard.py",
            "-v",
            "--saliency-method=gradient",
            *TWO,
            f"--saliency-shard={number}/2",
        )
        result.assert_outcomes(passed=2, deselected=1)
        ran.append({line.partition(" PASSED")[0].rpartition("::")[2] for line in result.outlines if " PASSED" in line})
    assert ran[0] & ran[1] == {"test_of_something_else"}
    assert len(ran[0] | ran[1]) == 3


@pytest.mark.slow
def test_the_answers_of_two_processes_are_the_same_to_the_last_bit(records: Records) -> None:
    chosen = (*CHOSEN[:3], "--saliency-model=alexnet", "--saliency-check=cascading_randomization")
    here = records(*chosen)
    assert records(*chosen, "--saliency-parallel=loky:2") == here
    assert len(here) == 3


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("loki:2", "unknown way to run in parallel 'loki'"),
        ("loky:0", "1 to 1024"),
        ("dask:tcp://nowhere:1", "no answer"),
    ],
)
def test_a_wrong_place_to_spread_to_is_a_usage_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, value: str, told: str
) -> None:
    def refuse(backend: Backend) -> None:
        raise ValueError(f"{backend}: no answer")

    monkeypatch.setattr(backends, "find_spec", lambda name: name)
    monkeypatch.setattr(clusters, "opened", refuse)
    result = pytester.runpytest_inprocess(*CHOSEN, f"--saliency-parallel={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--saliency-parallel: *{told}*"])
