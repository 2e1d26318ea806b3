"""Files that are written whole or not at all, and JSON without NaN. Standard library only."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import isfinite
from pathlib import Path
from typing import Any

from .errors import LONGEST_WORD, quoted, shortened

LONGEST_PATH = 1000  # characters of a message; systems take 4096 at most
MOST_DIGITS = 300  # of a whole number in JSON; the largest float has 309


@contextmanager
def writing_whole(file: Path) -> Iterator[Path]:
    """Give a temporary file beside ``file`` to write to, then rename it: nobody ever sees half of it.

    Raises OSError if the folder takes no file, as when it is read-only or the disk is full.
    """
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        # Made in here, so that no interruption finds a file that nobody is going to take away.
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, file)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def temporary_files(folder: Path, pattern: str) -> list[Path]:
    """Return what ``writing_whole`` writes to in a folder, for files whose names match: now, or until it was killed."""
    return sorted(folder.glob(f".{pattern}.*"))


def write_whole(file: Path, content: bytes | str) -> None:
    """Write a file, text in UTF-8, whole or not at all. Raises OSError if the folder takes no file.

    What UTF-8 can't hold, such as a byte of a file name that is no text, is written as an escape.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    with writing_whole(file) as temporary:
        temporary.write_bytes(data)


def takes_files(folder: Path) -> bool:
    """Return whether a file can be made in a folder. It is tried: permissions alone do not tell."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def read_json(file: Path) -> Any:
    """Return the content of a JSON file in UTF-8.

    Raises ValueError, in a sentence, if it can't be read, is not JSON, or has NaN or an infinite number in it.
    """
    try:
        return parse_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{_named(file)} can't be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ValueError(f"{_named(file)} is not JSON: {error}") from error


def parse_json(text: str, *, finite: bool = True) -> Any:
    """Return the content of JSON. ``finite``: whether NaN and infinite numbers are errors.

    Raises ValueError if it is no JSON, is nested too deeply, or has a whole number that no float can hold.
    """
    number = _finite if finite else float
    try:
        return json.loads(text, parse_constant=number, parse_float=number, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _finite(text: str) -> float:
    if not isfinite(number := float(text)):
        raise ValueError(f"{shortened(text, LONGEST_WORD)} is no finite number")
    return number


def _whole(text: str) -> int:
    # Python itself refuses thousands of digits, and tells how to allow them.
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number has {len(text)} digits, and at most {MOST_DIGITS} are allowed")
    return int(text)


def _named(file: Path) -> str:
    return shortened(str(file), LONGEST_PATH)


def fault_of_schema(content: object, path: Path, schema: int, *, kind: str, key: str, renew: str) -> str:
    """Return what is wrong with JSON that should have a schema and another ``key``; empty if nothing is.

    ``kind``: what the file should be, in words. ``renew``: what to do about a file of an older schema.
    """
    if not isinstance(content, dict) or not isinstance(content.get("schema"), int) or key not in content:
        return f"{_named(path)} is not {kind} of pytest-saliency-sanity: it has no schema and {key}"
    if content["schema"] == schema:
        return ""
    todo = renew if content["schema"] < schema else "install a newer pytest-saliency-sanity"
    return f"{_named(path)} has schema {quoted(content['schema'])}, and this version reads schema {schema}: {todo}"
