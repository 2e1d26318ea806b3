"""Turns what is wrong with what a user gave into a usage error that names its source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from ..foundation.errors import brief, described
from ..foundation.places import raised_in


def usage_error(text: str) -> pytest.UsageError:
    """Return a usage error, with long values shortened."""
    return pytest.UsageError(brief(text))


def fail(text: str) -> NoReturn:
    """Fail a test with a text alone: no traceback, and not once more for each error that led to it."""
    raise pytest.fail.Exception(text, pytrace=False) from None


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
