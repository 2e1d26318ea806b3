"""What a file is that can't be read as weights, and what to do. PyTorch's own advice is to run what is in it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from ...foundation.errors import LONGEST_WORD, shortened

ANEW = "fetch it anew"
STATE = "save model.state_dict() in its place, with torch.save or as safetensors"
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
LFS = b"version https://git-lfs"
# How PyTorch names, in its errors, what a pickle asks for; before version 2.4 as a class.
ASKED_FOR = re.compile(r"(?:GLOBAL|Unsupported class) (\w[\w.]*)")


def diagnosis(file: Path, start: bytes, error: Exception) -> tuple[str, str]:
    """Return what a file is, in words, and what to do about it.

    ``start``: its first bytes, a kilobyte or so. ``error``: what the reader raised.
    """
    if not start:
        return "it is empty", ANEW
    if start.startswith(LFS):
        return "it is a pointer of Git LFS", "fetch what it stands for: git lfs pull"
    if start.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        return "it is a web page", f"{ANEW}, and look at the page to see why it came in place of the weights"
    if _is_text(start):
        return "it is text", ANEW
    if file.suffix == ".safetensors":
        return "it is no safetensors file, or is cut off or damaged", ANEW
    if start.startswith(ZIP):
        return _diagnosis_of_archive(file, error)
    if start.startswith(PICKLE):
        return _diagnosis_of_pickle(error)
    return "it is neither safetensors nor what torch.save writes", ANEW


def _diagnosis_of_archive(file: Path, error: Exception) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(file) as archive:
            names = [name.rpartition("/")[2] for name in archive.namelist()]
    except Exception:  # zipfile raises many things, also NotImplementedError
        return "it is an archive that is cut off or damaged", ANEW
    if "constants.pkl" in names:
        return "it is a TorchScript program", STATE
    if "data.pkl" not in names:
        return "it is an archive that torch.save did not write", ANEW
    return _diagnosis_of_pickle(error)


def _diagnosis_of_pickle(error: Exception) -> tuple[str, str]:
    if asked_for := ASKED_FOR.search(str(error)):
        name = shortened(asked_for[1], LONGEST_WORD)
        return f"it asks for {name}, and nothing but tensors is read: the rest can be code", STATE
    return "it is damaged, or holds something else than tensors", f"{ANEW}, or {STATE}"


def _is_text(start: bytes) -> bool:
    """Return whether bytes are UTF-8 without control characters; a character that is cut at the end counts as whole."""
    if any(byte < 32 and byte not in b"\t\n\f\r" for byte in start):
        return False
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(start) - 3 and error.reason == "unexpected end of data"
    return True
