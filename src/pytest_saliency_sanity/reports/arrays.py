"""The arrays beside the records, ``maps.npz``: values image by image, and a few maps.

A key is ``PLACE/values/SIGN/STAGE``, ``PLACE/maps/STAGE`` or ``PLACE/pictures``. The place is that of the question in
the list ``results`` of ``results.json``. Nothing is pickled.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from ..checks.judging.evidence import Evidence
from ..foundation.errors import quoted, reason_in
from ..foundation.files import writing_whole
from .run import Run

VALUES, MAPS, PICTURES = "values", "maps", "pictures"


def write(run: Run, path: Path) -> None:
    """Write the arrays of a run."""
    arrays = {
        f"{place}/{key}": array
        for place, record in enumerate(run.records)
        if record.result and record.result.evidence
        for key, array in keyed(record.result.evidence).items()
    }
    with writing_whole(path) as temporary, temporary.open("wb") as file:
        _save(file, arrays)


def read(path: Path) -> dict[int, Evidence]:
    """Return the evidence of questions by their places.

    Raises OSError if the file can't be opened, ValueError if it is not such a file or would unpickle anything.
    """
    with path.open("rb") as opened:  # numpy leaves a damaged one open
        try:
            return _evidence_in(opened)
        except Exception as error:  # zipfile and numpy raise many things for a damaged file, also OSError
            raise ValueError(f"{path} is not a maps.npz of this package: {reason_in(error)}") from error


def _evidence_in(opened: IO[bytes]) -> dict[int, Evidence]:
    by_place: dict[int, dict[str, np.ndarray]] = {}
    with np.load(opened, allow_pickle=False) as file:
        for name in file.files:
            place, _, key = name.partition("/")
            if not re.fullmatch("[0-9]{1,9}", place):
                raise ValueError(f"{quoted(name)} does not begin with the place of a question")
            by_place.setdefault(int(place), {})[key] = _array(file[name], name)
    return {place: from_keyed(arrays) for place, arrays in by_place.items()}


def packed(evidence: Evidence) -> bytes:
    """Return evidence as bytes; ``unpacked`` is the inverse."""
    file = io.BytesIO()
    _save(file, keyed(evidence))
    return file.getvalue()


def unpacked(content: bytes) -> Evidence:
    """Return the evidence of such bytes as ``packed`` returns."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return from_keyed({name: file[name] for name in file.files})


def keyed(evidence: Evidence) -> dict[str, np.ndarray]:
    """Return the arrays of evidence by key; ``from_keyed`` is the inverse."""
    found = {
        f"{VALUES}/{sign}/{stage}": array for sign, stages in evidence.values.items() for stage, array in stages.items()
    }
    found |= {f"{MAPS}/{stage}": array for stage, array in evidence.maps.items()}
    return found | ({} if evidence.pictures is None else {PICTURES: evidence.pictures})


def from_keyed(arrays: Mapping[str, np.ndarray]) -> Evidence:
    """Return the evidence of such arrays as ``keyed`` returns."""
    values: dict[str, dict[str, np.ndarray]] = {}
    maps: dict[str, np.ndarray] = {}
    for key, array in arrays.items():
        kind, _, rest = key.partition("/")
        if kind == VALUES:
            sign, _, stage = rest.partition("/")
            values.setdefault(sign, {})[stage] = array
        elif kind == MAPS:
            maps[rest] = array
    return Evidence(values, maps, arrays.get(PICTURES))


def _array(found: object, name: str) -> np.ndarray:
    if not isinstance(found, np.ndarray):  # numpy gives what is no array as bytes
        raise ValueError(f"{name} is no array")
    return found


def _save(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    if pickled := [name for name, array in arrays.items() if array.dtype.hasobject]:
        raise ValueError(f"{pickled[0]} holds Python objects, which would be pickled: give numbers")
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
