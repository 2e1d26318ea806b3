"""``python -m pytest_saliency_sanity compare | merge | report``: what becomes of runs after pytest."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.packages import Install
from support.processes import imported_by
from support.records import contract, record, run, with_evidence

from pytest_saliency_sanity.__main__ import main
from pytest_saliency_sanity.checks.plan import Plan
from pytest_saliency_sanity.reports import arrays, json_report
from pytest_saliency_sanity.reports.registry import REPORTS

CHOSEN = (
    "--saliency-model=alexnet",
    "--saliency-check=label_randomization",
    "--saliency-images=10",
    "-p",
    "no:randomly",
)
RECORDS = [
    with_evidence(record("gradcam"), 0.1),
    contract("gradcam"),
    with_evidence(record("sobel"), 0.2),
    contract("sobel"),
]
PLAN = Plan.of(["gradcam", "sobel"], ["alexnet"], ["label_randomization", "contract"])
BROKEN = """
from pytest_saliency_sanity.reports.registry import Report

def write(run, path):
    raise OSError("no ink")

REPORT = Report("broken", "a report that can't be written", "broken.txt", write)
"""
Told = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run([sys.executable, "-m", "pytest_saliency_sanity", *arguments], capture_output=True, text=True)


def put(folder: str, *places: int, **parts: Any) -> str:
    """Write some of the records, as a run of its own, and return the path of its file."""
    found = run(*(RECORDS[place] for place in places), plan=PLAN, **parts)
    Path(folder).mkdir()
    json_report.write(found, Path(folder, "results.json"))
    arrays.write(found, Path(folder, "maps.npz"))
    return f"{folder}/results.json"


def refused(capsys: Told, *arguments: str) -> str:
    """Return the complaint about a command that can't be followed."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.partition("error: ")[2].strip()


# Real runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of two methods and the two shards of it, as pytest reports them."""
    folder = tmp_path_factory.mktemp("runs")
    methods = {"whole": ("gradient", "sobel"), "one": ("gradient",), "two": ("sobel",)}
    arguments = [
        ["saliency-sanity", *(f"--saliency-method={each}" for each in chosen), *CHOSEN, f"--saliency-report={name}"]
        for name, chosen in methods.items()
    ]
    program = f"import pytest\nfor each in {arguments!r}: pytest.main(each)"
    subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, check=True)
    return folder


def test_two_runs_are_compared(runs: Path) -> None:
    done = command("compare", str(runs / "whole" / "results.json"), str(runs / "one" / "results.json"), "--output=out")
    assert (done.returncode, done.stderr) == (1, "")
    assert "sobel on alexnet: label_randomization: only in A" in done.stdout
    assert "2 questions: 1 only in A, 1 the same" in done.stdout
    assert "written: out/comparison.md" in done.stdout
    assert Path("out/comparison.svg").exists()
    assert max(map(len, done.stdout.splitlines()[2:])) <= 80


def test_shards_are_joined_to_the_run_that_they_are_parts_of(runs: Path, capsys: Told) -> None:
    shards = [str(runs / name / "results.json") for name in ("one", "two")]
    assert main(["merge", *shards, "--output=joined"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("2 runs, 2 questions: 1 failed, 1 passed\n")
    assert err == ""
    assert main(["compare", str(runs / "whole" / "results.json"), "joined/results.json"]) == 0
    assert "2 questions: 2 the same" in capsys.readouterr().out
    joined, whole = (arrays.read(folder / "maps.npz") for folder in (Path("joined"), runs / "whole"))
    assert joined.keys() == whole.keys() == {0, 1}
    for place, evidence in whole.items():
        assert arrays.packed(joined[place]) == arrays.packed(evidence)


def test_a_report_is_written_again_to_the_same_bytes(runs: Path, capsys: Told) -> None:
    shutil.copytree(runs / "whole", "copy")
    before = {path: path.read_bytes() for path in Path("copy").rglob("*") if path.is_file()}
    for path in before:
        if path.name not in ("results.json", "maps.npz"):
            path.unlink()
    assert main(["report", "copy/results.json"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "written: copy/results.json"
    assert err == ""
    after = {path: path.read_bytes() for path in Path("copy").rglob("*") if path.is_file()}
    assert after.keys() == before.keys()
    changed = [path.name for path in after if after[path] != before[path]]
    assert set(changed) <= {"maps.npz"}  # zip keeps the time of writing


# Made runs


def test_a_run_without_its_maps_is_rendered_and_that_is_said(capsys: Told) -> None:
    file = put("run", 0, 1)
    Path("run/maps.npz").unlink()
    assert main(["report", file, "--output=out"]) == 0
    assert f"run/maps.npz is missing, so there are no maps of {file} to show" in capsys.readouterr().err
    assert Path("out/results.json").read_bytes() == Path(file).read_bytes()


def test_a_report_that_breaks_is_told_and_the_others_are_written(capsys: Told, install: Install) -> None:
    install("theirs", REPORTS.group, {"theirs_report": BROKEN}, broken="theirs_report:REPORT")
    assert main(["report", put("run", 0, 1), "--output=out"]) == 1
    assert "error: the report broken was not written: OSError: no ink" in capsys.readouterr().err
    assert Path("out/index.html").exists()


def test_what_was_not_green_is_told_of_the_whole(capsys: Told) -> None:
    shards = put("one", 0, 1, problems=("a test was lost",)), put("two", 2, 3)
    assert main(["merge", *shards, "--output=out"]) == 0
    assert "not green: a test was lost" in capsys.readouterr().out
    assert json.loads(Path("out/results.json").read_text())["problems"] == ["a test was lost"]


@pytest.mark.parametrize(
    ("one", "two", "complaint"),
    [
        ((0, 1), (2,), "1 of the planned questions were not put in any of these runs: sobel: contract"),
        ((0, 1, 2), (2, 3), "1 questions were put more than once, in one/results.json and two/results.json: sobel on"),
    ],
)
def test_shards_that_overlap_or_leave_gaps_are_refused(
    one: tuple[int, ...], two: tuple[int, ...], complaint: str, capsys: Told
) -> None:
    assert refused(capsys, "merge", put("one", *one), put("two", *two), "--output=out").startswith(complaint)
    assert not Path("out").exists()


def test_a_run_is_not_joined_with_itself_or_written_over(capsys: Told) -> None:
    file = put("one", 0, 1)
    assert refused(capsys, "merge", file, "one/../one/results.json", "--output=out") == "a file is given twice"
    assert refused(capsys, "merge", file, "--output=out").startswith("two runs at least are needed")
    complaint = refused(capsys, "merge", file, put("two", 2, 3), "--output=two")
    assert complaint == "two has one of these runs in it, which would be overwritten: name another"


BAD = {
    "missing": (None, "it.json can't be read: No such file or directory"),
    "foreign": ('{"name": "theirs"}', "it.json is not a results.json of pytest-saliency-sanity"),
    "a list": ("[]", "it.json is not a results.json of pytest-saliency-sanity"),
    "older": ('{"schema": 3, "results": []}', "it.json has schema 3, and this version reads schema"),
    "newer": ('{"schema": 999, "results": []}', "it.json has schema 999, and this version reads schema"),
    "damaged": ('{"schema": SCHEMA, "results": [{}]}', "it.json is damaged: $: '"),
    "NaN": ('{"schema": SCHEMA, "results": [NaN]}', "it.json is not JSON: NaN is no finite number"),
    "cut off": ('{"schema": SCHEMA, "resu', "it.json is not JSON: "),
    "empty": ("", "it.json is not JSON: "),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("does", ["compare", "merge", "report"])
def test_a_file_that_is_no_run_is_refused(does: str, what: str, capsys: Told) -> None:
    content, complaint = BAD[what]
    if content is not None:
        Path("it.json").write_text(content.replace("SCHEMA", str(json_report.SCHEMA)))
    others = [put("run", 0, 1)] if does != "report" else []
    assert refused(capsys, does, *others, "it.json", "--output=out").startswith(complaint)


def test_a_file_in_place_of_the_folder_is_refused(capsys: Told) -> None:
    file = put("run", 0, 1)
    Path("out").touch()
    for arguments in (["compare", file, file], ["report", file], ["merge", file, put("two", 2, 3)]):
        assert refused(capsys, *arguments, "--output=out/deep") == "the folder out/deep can't be made: Not a directory"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that takes no file, whoever asks")
def test_a_folder_that_can_not_be_written_to_is_refused(capsys: Told) -> None:
    file = put("run", 0, 1)
    for arguments in (["compare", file, file], ["report", file], ["merge", file, put("two", 2, 3)]):
        complaint = refused(capsys, *arguments, "--output=/proc/self")
        assert complaint == "the folder /proc/self can't be written to: name another"


def test_without_matplotlib_the_rest_is_written_and_it_is_said_what_is_missing(tmp_path: Path) -> None:
    a, b = put("a", 0, 1), put("b", 2, 3)
    program = (
        "import sys; from importlib.machinery import PathFinder; find = PathFinder.find_spec\n"
        "PathFinder.find_spec = lambda name, *more: None if name == 'matplotlib' else find(name, *more)\n"
        f"from pytest_saliency_sanity.__main__ import main; sys.exit(main(['compare', {a!r}, {b!r}, '--output=out']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("matplotlib is not installed, so nothing is drawn: pip install")
    assert [path.name for path in Path("out").iterdir()] == ["comparison.md"]


def test_help_tells_what_there_is(capsys: Told) -> None:
    for arguments, words in (
        (["--help"], ["compare", "merge", "report", "checkpoints", "print what differs between two runs"]),
        (["compare", "--help"], ["A.json", "B.json", "--output DIR", "Exit status: 0 if no answer differs"]),
        (["merge", "--help"], ["RUN.json", "--output DIR", "where to write every report"]),
        (["report", "--help"], ["results.json", "default: beside it"]),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        told = " ".join(capsys.readouterr().out.split())
        assert all(word in told for word in words)


def test_the_commands_are_named_without_importing_torch() -> None:
    imported = imported_by("from pytest_saliency_sanity.__main__ import parser; parser()")
    assert not {"torch", "numpy", "matplotlib", "jinja2", "pytest"} & imported
