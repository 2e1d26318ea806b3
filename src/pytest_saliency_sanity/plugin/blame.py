"""Turns what is wrong with what a user gave into a usage error that names its source."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ..foundation.errors import brief, described
from ..foundation.places import raised_in


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
    """Return whether an exception would skip or excuse a test, or end the run, in place of failing the test.

    All that do are no Exceptions, except for two.
    """
    unittest = sys.modules.get("unittest")  # if nobody has imported it, nobody raises what it has
    excuses = (pytest.exit.Exception, *([unittest.SkipTest] if unittest else []))
    return isinstance(error, excuses) or not isinstance(error, Exception)
