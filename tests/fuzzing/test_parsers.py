"""Every parser of outside input, with what it was not made for.

The parsers, and what each is given, stand in ``tests/support/fuzzed/``. An input is drawn by hypothesis, from a grammar
or at random, or it is a mutant of one. The slow test tries at least ``INPUTS`` inputs of each parser, the same in every
run. docs/reliability.md tells what was found.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from support.fuzzed import networks, options, photographs, runs, specs
from support.fuzzing import FORBIDDEN, Hangs, Parser, Sentry, fuzz, limited, try_input

PARSERS = (*specs.PARSERS, *options.PARSERS, *photographs.PARSERS, *networks.PARSERS, *runs.PARSERS)
INPUTS = 100_000
MEMORY = Path("/dev/shm")
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"

every_parser = pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name.replace(" ", "_"))
fast = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def sentry() -> Sentry:
    return Sentry()


@pytest.fixture
def folder(parser: Parser, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for the files of a parser, which has taken its samples, so that its imports are made.

    In memory where that is possible: a disk takes a millisecond or two to write a file again.
    """
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        monkeypatch.chdir(folder)
        for sample in parser.samples:
            parser.parse(parser.put(Path(folder), sample))
        yield Path(folder)


def tried(parser: Parser, sentry: Sentry, folder: Path, how: settings, slice_: int, mutants: int) -> int:
    """Return how many inputs were tried, of one slice of all that hypothesis can draw."""
    count = 0

    @seed(slice_)
    @settings(how)
    @given(parser.inputs, st.integers(0, 2**64 - 1))
    def hold(drawn: object, seed_of_mutants: int) -> None:
        nonlocal count
        count += fuzz(parser, sentry, folder, drawn, seed_of_mutants, mutants)

    hold()
    return count


@every_parser
def test_what_is_right_is_taken(parser: Parser, folder: Path, sentry: Sentry) -> None:
    # Shows that the tests below get beyond the first lines of a parser.
    for sample in parser.samples:
        assert try_input(parser, sentry, folder, sample) is None


@every_parser
def test_a_parser_takes_an_input_or_says_what_is_wrong(parser: Parser, folder: Path, sentry: Sentry) -> None:
    assert tried(parser, sentry, folder, fast, slice_=0, mutants=1) >= 50


@pytest.mark.slow
@every_parser
def test_a_parser_takes_a_hundred_thousand_inputs(parser: Parser, folder: Path, sentry: Sentry) -> None:
    # In slices, since hypothesis remembers every example of one.
    count, slice_ = 0, 0
    while count < INPUTS:
        count += tried(parser, sentry, folder, settings(fast, max_examples=1_000), slice_, mutants=9)
        slice_ += 1


# The tests above can fail


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return eval, ("1 + 1",)


@pytest.mark.parametrize(
    ("parse", "told"),
    [
        (eval, "exec"),
        (lambda text: __import__("this_is_no_module"), "import"),
        (lambda text: pickle.loads(pickle.dumps(Trap())), "pickle.find_class"),
        (lambda text: Path("written").write_text(text), "open"),
    ],
)
def test_what_no_parser_does_is_noticed(
    parse: Callable[[str], object], told: str, sentry: Sentry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parser = Parser("bad", (), st.just("1 + 1"), lambda random, text: text, parse, (ImportError,))
    with pytest.raises(AssertionError, match=f"bad did what no parser does.*{told}"):
        try_input(parser, sentry, tmp_path, "1 + 1")
    assert FORBIDDEN


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("x" * 4_001), "a message of 4001 characters"),
        (ValueError(), "ValueError without a message"),
    ],
)
def test_a_message_that_is_none_is_noticed(error: ValueError, told: str, sentry: Sentry, tmp_path: Path) -> None:
    def parse(_: str) -> None:
        raise error

    parser = Parser("bad", (), st.just(""), lambda random, text: text, parse, (ValueError,))
    with pytest.raises(AssertionError, match=told):
        try_input(parser, sentry, tmp_path, "")


def test_another_error_is_noticed(sentry: Sentry, tmp_path: Path) -> None:
    parser = Parser("bad", (), st.just(""), lambda random, text: text, lambda text: text[3], (ValueError,))
    with pytest.raises(IndexError):
        tried(parser, sentry, tmp_path, fast, slice_=0, mutants=1)


def test_what_does_not_end_is_noticed() -> None:
    with pytest.raises(Hangs), limited(0.1):
        re.fullmatch(".*" * 30 + "b", "a" * 30)


# The documentation


def test_each_parser_has_a_row_in_the_documentation() -> None:
    section = PAGE.read_text().partition("\n## Fuzzing\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| ")]
    named = ["--saliency-…" if parser in options.PARSERS else parser.name for parser in PARSERS]
    assert [row[0].split("`")[1] for row in rows[1:]] == list(dict.fromkeys(named))
    for parser, inputs, found in rows[1:]:
        assert int(inputs.removesuffix(" each").replace(",", "")) >= INPUTS, parser
        assert found
