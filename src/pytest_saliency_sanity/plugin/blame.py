"""Turns what is wrong with what a user gave into a usage error that names its source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import SkipTest

import pytest

from ..foundation.errors import brief, described
from ..foundation.places import raised_in

# Exceptions by which code ends a run or skips a test; others that do so are no Exceptions.
EXCUSES = (pytest.exit.Exception, SkipTest)


def usage_error(text: str) -> pytest.UsageError:
    """Return a usage error, with long values shortened."""
    return pytest.UsageError(brief(text))


@contextmanager
def blaming(source: str) -> Iterator[None]:
    """Make whatever a user's code raises within the context a usage error, also if it skips or exits. Not Ctrl-C.

    The error says where in the user's own code it was raised.
    """
    try:
        yield
    except (KeyboardInterrupt, pytest.UsageError):
        raise
    except BaseException as error:
        place = raised_in(error)
        raise usage_error(f"{source}: {described(error)}{f' (raised in {place})' if place else ''}") from error


def is_excuse(error: BaseException) -> bool:
    """Return whether an exception would skip or excuse a test, or end the run, in place of failing the test."""
    return isinstance(error, EXCUSES) or not isinstance(error, Exception)
