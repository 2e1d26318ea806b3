"""Which files are mutated, and which tests may notice it."""

from __future__ import annotations

from pathlib import Path

from .workshop import PACKAGE

# What turns maps into numbers and numbers into verdicts, what is asked, and what notices a question without an answer.
MUTATED = ("measuring/*.py", "checks/judging/*.py", "checks/plan.py", "plugin/ledger.py")
# Their tests: those that run pytest do so in their own process, and so in that of a mutant.
TESTS = (
    *("tests/measuring/test_*.py", "tests/checks/judging/test_*.py", "tests/plugin/test_*.py"),
    *(f"tests/checks/test_{name}.py" for name in ("plan", "answering", "bad_input")),
    *(f"tests/end_to_end/test_{name}.py" for name in ("no_silent_green", "only_shown", "own_file")),
)
# Of what is only shown, numbers and arguments are left alone.
ONLY_SHOWN = ("message", "mass_message", "showing", "tables", "pictures")
NOT_OF_WHAT_IS_SHOWN = ("OneMore", "DropArgument", "SwapReading", "DropStatement")


def mutated_files(root: Path) -> list[str]:
    """Return the files that are mutated, from the root of the project."""
    found = [path for pattern in MUTATED for path in sorted((root / PACKAGE).glob(pattern))]
    return [path.relative_to(root).as_posix() for path in found if path.name != "__init__.py"]


def test_files(root: Path) -> list[str]:
    """Return the files with tests that may notice a mutant."""
    return sorted({path.relative_to(root).as_posix() for pattern in TESTS for path in root.glob(pattern)})


def mirrored(file: str) -> str:
    """Return the test file that is about a file."""
    path = Path(file.removeprefix(f"{PACKAGE}/"))
    return (Path("tests") / path.with_name(f"test_{path.name}")).as_posix()


def matters(file: str, operator: str) -> bool:
    """Return whether a file is mutated by an operator."""
    return Path(file).stem not in ONLY_SHOWN or operator not in NOT_OF_WHAT_IS_SHOWN
