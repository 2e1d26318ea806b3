"""The mutation testing of ``benchmarks/mutants.py``: what it changes, what it notices, and its list of survivors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mutation.survivors import LISTED, listed

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "pytest_saliency_sanity"
# A function whose limit no test asks for, one without any test, and a constant, which is no part of a function.
CODE = """
LIMIT = 3


def is_over(value: int) -> bool:
    return value > LIMIT


def is_under(value: int) -> bool:
    return value < LIMIT


def turns(numbers: list[int]) -> int:
    while len(numbers) > 1:
        numbers = numbers[1:]
    return len(numbers)
"""
TESTS = """
from toy import is_over, turns


def test_far_above_and_far_below() -> None:
    assert is_over(9)
    assert not is_over(0)


def test_it_ends() -> None:
    assert turns([5, 6]) == 1
"""
TO_RUN = """
import sys
from pathlib import Path
from mutation.run import Run
from mutation.workshop import use

root, folder = Path.cwd(), Path.cwd() / "results"
folder.mkdir(exist_ok=True)
use(root)
run = Run(root, folder, ["tests/src/test_toy.py"], most=10)
run.trace_tests(["src/toy.py"])
for result in run.over(["src/toy.py"]):
    print(f"{result.line} -> {result.becomes}: {result.by.rpartition('::')[2] or 'survives'}")
"""


def tried(project: Path) -> list[str]:
    """Mutate a project in a process of its own, and return what it prints."""
    environment = {"PYTHONPATH": str(ROOT / "benchmarks"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(
        [sys.executable, "-c", TO_RUN], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_mutants_are_killed_or_survive_and_are_not_tried_again(tmp_path: Path) -> None:
    pytest.importorskip("cosmic_ray")
    for name, code in {"src/toy.py": CODE, "tests/src/test_toy.py": TESTS, "pytest.ini": "[pytest]"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code)
    first = tried(tmp_path)
    assert "return value > LIMIT -> return value >= LIMIT: survives" in first
    assert "return value > LIMIT -> return value <= LIMIT: test_far_above_and_far_below" in first
    assert "return value < LIMIT -> return value >= LIMIT: survives" in first
    assert "LIMIT = 3 -> LIMIT = 4: survives" in first  # in a process that imports it anew
    assert any("numbers = numbers[2:]" in each and each.endswith("test_it_ends") for each in first)
    assert (tmp_path / "src" / "toy.py").read_text() == CODE
    # A test that asks for the limit: the survivors are tried again, the killed are not.
    with (tmp_path / "tests" / "src" / "test_toy.py").open("a") as file:
        file.write("\n\ndef test_the_limit() -> None:\n    assert not is_over(3)\n    assert is_over(4)\n")
    second = tried(tmp_path)
    assert "return value > LIMIT -> return value >= LIMIT: test_the_limit" in second
    assert "LIMIT = 3 -> LIMIT = 4: test_the_limit" in second
    assert [each for each in second if each.endswith(": survives")] == [
        each for each in first if each.startswith("return value < LIMIT")
    ]


@pytest.mark.parametrize(
    ("operator", "before", "after"),
    [
        ("NegateMembership", "a in b", ["a not in b"]),
        ("NegateMembership", "a not in b", ["a in b"]),
        ("NegateCondition", "if a and b: c", ["if not (a and b): c"]),
        ("NegateCondition", "x = a if f(b) else c", ["x = a if not (f(b)) else c"]),
        ("NegateCondition", "[a for a in b if a.c]", ["[a for a in b if not (a.c)]"]),
        ("DropNanGuard", "x = ~np.isnan(a).any(1)", ["x = ~(np.isnan(a) & False).any(1)"]),
        ("DropNanGuard", "x = a.b(1).isfinite().all()", ["x = (a.b(1).isfinite() | True).all()"]),
        ("DropNanGuard", "x = np.nanmean(a)", ["x = np.mean(a)"]),
        ("DropNanGuard", "x = a == a", ["x = ((a == a) | True)"]),
        ("NanIsZero", "x = np.full(3, np.nan)", ["x = np.full(3, 0.0)"]),
        ("SwapReading", 'f("signed", a.low)', ['f("absolute", a.low)', 'f("signed", a.high)']),
        ("SwapReading", 'x = "undefined"', ['x = "passed"']),
        ("OneMore", "x = a[1]", ["x = a[2]"]),
        ("SkipFirst", "for a in b: c", ["for a in list(b)[1:]: c"]),
        ("SkipFirst", "x = {a for a in f(b)}", ["x = {a for a in list(f(b))[1:]}"]),
        ("ReuseSeed", "x = derived_seed(a, b)", ["x = derived_seed(a)"]),
        ("ReuseSeed", "x = f(seed + 1)", ["x = f(seed)"]),
        ("DropStatement", "def f():\n    yield a\n", ["def f():\n    pass\n"]),
        ("DropStatement", "a.append(b)\n", ["pass\n"]),
        ("DropStatement", "a[b] = c\n", ["pass\n"]),
        ("DropStatement", "a = f(c)\n", []),
        ("DropArgument", "f(a, b=c, d=e)", ["f(a, d=e)", "f(a, b=c)"]),
    ],
)
def test_what_an_operator_makes_of_code(operator: str, before: str, after: list[str]) -> None:
    pytest.importorskip("cosmic_ray")
    from mutation.mutants import mutants_of

    assert [each.code for each in mutants_of("file.py", before) if each.operator == operator] == after


def test_each_survivor_that_is_listed_is_still_there() -> None:
    for each in listed():
        source = (PACKAGE / each.file).read_text()
        assert each.line in " ".join(line.strip() for line in source.splitlines()), f"{LISTED.name}: {each.line}"


def test_no_survivor_is_listed_twice() -> None:
    every = [(each.file, each.line, becomes) for each in listed() for becomes in each.becomes]
    assert len(every) == len(set(every))


def test_a_survivor_needs_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "survivors.toml"
    path.write_text('[["measuring/ranks.py"]]\nline = "a"\nbecomes = ["b"]\nkind = "equivalent"\nreason = ""\n')
    with pytest.raises(ValueError, match="give a reason"):
        listed(path)
