"""The package's exceptions, and the error for an unknown name. Standard library only."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from traceback import extract_tb, format_list

LONGEST_WORD, LONGEST_TEXT = 200, 4000  # characters of a message


class SaliencyCheckFailed(AssertionError):  # noqa: N818  (the name is the public contract)
    """A saliency method did not pass a check. The message says what was asked and measured, and how to run it again."""


SaliencyCheckFailed.__module__ = "pytest_saliency_sanity"  # the name that users import and see


class SaliencyAnswerChanged(AssertionError):  # noqa: N818  (beside SaliencyCheckFailed)
    """An answer is another than in the baseline. It is never expected, whatever the verdict.

    ``msg``: both answers, in a line.
    """

    def __init__(self, text: str, msg: str) -> None:
        super().__init__(text)
        self.msg = msg


class SaliencyMethodError(RuntimeError):
    """A saliency method raised, or returned something that is not a batch of maps."""


class CheckpointError(RuntimeError):
    """A checkpoint is missing, damaged, or does not fit its network."""


class UnsuppliedNeedError(ValueError):
    """A check needs something that is not available for a model. The message says what to do."""


def described(error: BaseException) -> str:
    """Return the type and the text of an error, whatever its ``__str__`` does."""
    try:
        return f"{type(error).__name__}: {error}".removesuffix(": ")
    except KeyboardInterrupt:
        raise
    except BaseException:
        return type(error).__name__


def is_excuse(error: BaseException) -> bool:
    """Return whether an exception would skip or excuse a test, or end the run, in place of failing the test.

    All that do are no Exceptions, except for two.
    """
    # If nobody has imported a package, nobody raises what it has.
    pytest, unittest = sys.modules.get("pytest"), sys.modules.get("unittest")
    excuses = (*([pytest.exit.Exception] if pytest else []), *([unittest.SkipTest] if unittest else []))
    return isinstance(error, excuses) or not isinstance(error, Exception)


def excused(error: BaseException) -> str:
    """Return what a method raised; if it would excuse a test, that it is no way out."""
    no_way_out = "; a method can't end, skip or excuse the test it is put to" if is_excuse(error) else ""
    return f"{described(error)}{no_way_out}"


def reason_in(error: BaseException) -> str:
    """Return the type and the text of an error that another message gives as the reason: a quarter of it at most."""
    return shortened(described(error), LONGEST_TEXT // 4)


def brief(text: str) -> str:
    """Return a message without the middle of values that are too long to be read, and of itself if it is."""
    text = re.sub(rf"\S{{{LONGEST_WORD + 1},}}", lambda found: shortened(found[0], LONGEST_WORD), text)
    return shortened(text, LONGEST_TEXT)


def shortened(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters, of which a quarter are its end, and how many are left out."""
    if len(text) <= most:
        return text
    note = f" [{len(text)} characters] "
    end = most // 4
    return f"{text[: most - end - len(note)]}{note}{text[-end:]}"


def quoted(value: object) -> str:
    """Return a value as Python writes it, for a message: without its middle if it is long."""
    try:
        return shortened(repr(value), LONGEST_WORD)
    except (ValueError, RecursionError):  # a number of thousands of digits, or lists in lists in lists
        return f"a {type(value).__name__} too large to show"


def traceback_of(error: BaseException) -> str:
    """Return where an error was raised, and its text.

    Lines are only looked up, never parsed: a destructor that raises while Python parses source ends the parser.
    """
    frames = [(each.filename, each.lineno or 0, each.name, each.line) for each in extract_tb(error.__traceback__)]
    return "".join(["Traceback (most recent call last):\n", *format_list(frames), described(error)])


def unknown_name(kind: str, name: object, allowed: Iterable[str]) -> ValueError:
    """Return the error for a name that does not exist: the value, near matches, and every allowed name."""
    names = list(allowed)
    near = get_close_matches(shortened(str(name), LONGEST_WORD), names, n=3, cutoff=0.5)
    hint = f" (did you mean {' or '.join(repr(match) for match in near)}?)" if near else ""
    return ValueError(f"unknown {kind} {quoted(name)}{hint}; allowed: {', '.join(names) or 'none'}")
