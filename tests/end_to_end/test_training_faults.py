"""Disks, homes and users that don't let files be written, as a user of the command line meets them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from support.faults import FullDisk
from support.runs import flat
from support.users import as_another_user

from pytest_saliency_sanity.networks.storage.entry import VARIABLE
from pytest_saliency_sanity.reports.registry import REPORTS

QUICK = ("--saliency-model=alexnet", "--saliency-check=label_randomization", "--saliency-images=10")
GRADIENT = ("saliency-sanity", "--saliency-method=gradient", *QUICK)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nobody but the superuser may write."""
    (folder := tmp_path / "locked").mkdir()
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def by_another_user(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python as a user who has no home and can't write to the folder that he is in."""
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME", VARIABLE)}
    return subprocess.run(
        [*as_another_user(), sys.executable, "-m", *command],
        cwd=folder,
        env=kept | {"PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True,
        text=True,
    )


# Users and homes


@pytest.mark.slow
@pytest.mark.parametrize("home", [None, "read-only"])
def test_the_built_in_networks_need_no_folder_that_can_be_written_to(locked: Path, home: str | None) -> None:
    environment = {"HOME": str(locked)} if home else {}
    ended = by_another_user(locked, "pytest", *GRADIENT, **environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1 passed" in ended.stdout
    assert list(locked.iterdir()) == []


@pytest.mark.slow
def test_the_networks_of_the_paper_say_how_to_name_a_folder(locked: Path) -> None:
    ended = by_another_user(locked, "pytest", *GRADIENT, "--saliency-preset=paper", HOME=str(locked))
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert f"can't be written to (Permission denied): free space or name another with {VARIABLE}" in " ".join(
        ended.stdout.split()
    )
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.slow
def test_clear_in_a_folder_of_somebody_else_says_what_stays(locked: Path) -> None:
    locked.chmod(0o755)
    (file := locked / "alexnet-true-0123456789.safetensors").touch()
    locked.chmod(0o555)
    ended = by_another_user(locked, "pytest_saliency_sanity", "checkpoints", "clear", "--cache-dir", str(locked))
    assert ended.returncode == 1
    assert ended.stdout == f"kept {file}: it can't be deleted (Permission denied)\n"
    assert ended.stderr == ""


# Reports on a full disk


def reports_on_a_full_disk(pytester: pytest.Pytester, at: int, for_good: bool) -> tuple[FullDisk, pytest.RunResult]:
    """Run with reports in the folder ``out``, whose disk is full from a request on."""
    with pytest.MonkeyPatch.context() as patch:
        disk = FullDisk(patch, at, for_good, pytester.path / str(at))
        result = pytester.runpytest_inprocess(*GRADIENT, f"--saliency-report={at}", "-p", "no:cacheprovider")
    return disk, result


def assert_told(result: pytest.RunResult, least: int) -> None:
    """The run is red, though its question was passed, and each report that is missing is named."""
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    assert flat(result).count("No space left on device") >= least
    assert "INTERNALERROR" not in flat(result)


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_write_of_a_report_costs_that_report(pytester: pytest.Pytester) -> None:
    for at in count(2):  # the first is the folder: without it the run does not begin
        disk, result = reports_on_a_full_disk(pytester, at, for_good=False)
        if not disk.was_full:
            break
        assert_told(result, 1)
        assert flat(result).count("was not written") == 1
        assert not list((pytester.path / str(at)).glob("**/.*"))
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.OK
    assert at > len(REPORTS.all())


def test_a_disk_that_is_full_for_good_costs_the_reports_that_are_left(pytester: pytest.Pytester) -> None:
    disk, result = reports_on_a_full_disk(pytester, 7, for_good=True)  # after the first report, which is results.json
    assert disk.was_full
    assert_told(result, len(REPORTS.all()) - 1)
    assert {file.name for file in (pytester.path / "7").iterdir()} == {"results.json"}
