"""``maps.npz``: the arrays beside the records, without pickle."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.cascades import HOSTILE, STAGES, cascade, evidence
from support.records import contract, run, unanswered

from pytest_saliency_sanity.checks.judging.evidence import Evidence
from pytest_saliency_sanity.measuring.profile import TRAINED
from pytest_saliency_sanity.reports.arrays import from_keyed, keyed, packed, read, unpacked, write


def assert_same(one: Evidence, other: Evidence) -> None:
    assert {sign: list(stages) for sign, stages in one.values.items()} == {
        sign: list(stages) for sign, stages in other.values.items()
    }
    assert list(one.maps) == list(other.maps)
    mine, theirs = keyed(one), keyed(other)
    for key, array in mine.items():
        assert array.dtype == theirs[key].dtype
        np.testing.assert_array_equal(array, theirs[key])


@pytest.mark.parametrize(
    "found",
    [
        evidence(),
        Evidence(),
        Evidence({"signed": {"a": np.full((2, 3), np.nan)}}),
        Evidence(maps={"a/b": np.zeros((1, 1, 7), "f4"), "a": np.zeros((0, 2, 2), "f4")}),
        Evidence(pictures=np.zeros((3, 2, 2, 3), np.uint8)),
        *(evidence((name, f"{name}/maps", "values")) for name in HOSTILE),
    ],
)
def test_evidence_comes_back_as_it_was(found: Evidence) -> None:
    assert_same(unpacked(packed(found)), found)
    assert_same(from_keyed(keyed(found)), found)


def test_places_are_those_of_the_records(tmp_path: Path) -> None:
    first, second = evidence(seed=1), evidence(seed=2)
    path = tmp_path / "maps.npz"
    write(run(unanswered(), cascade(evidence=first), contract(), cascade("sobel", evidence=second)), path)
    found = read(path)
    assert list(found) == [1, 3]
    assert_same(found[1], first)
    assert_same(found[3], second)


def test_the_keys_are_those_that_are_promised(tmp_path: Path) -> None:
    path = tmp_path / "maps.npz"
    write(run(cascade()), path)
    with np.load(path, allow_pickle=False) as file:
        assert set(file.files) == {
            *(f"0/values/{sign}/{stage}" for sign in ("signed", "absolute") for stage in STAGES),
            *(f"0/maps/{stage}" for stage in (TRAINED, *STAGES)),
            "0/pictures",
        }


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one.npz", tmp_path / "other.npz"
    for path in (one, other):
        write(run(cascade()), path)
    assert one.read_bytes() == other.read_bytes()


def test_a_run_without_evidence_has_a_file_without_arrays(tmp_path: Path) -> None:
    write(run(unanswered()), tmp_path / "maps.npz")
    assert read(tmp_path / "maps.npz") == {}


def test_the_arrays_of_a_real_run_are_what_its_numbers_are_made_of(reported: Path, results: dict[str, Any]) -> None:
    found = read(reported / "maps.npz")
    assert list(found) == list(range(len(results["results"])))
    for place, record in enumerate(results["results"]):
        of_a_record = found[place]
        assert of_a_record.pictures is not None
        for point in record["result"]["curve"]:
            values = of_a_record.values[point["sign"]][point["stage"]]
            judged = np.abs(values) if point["quantity"] == "similarity" else values
            assert values.shape == (point["draws"], point["images"])
            assert int(np.isnan(values).sum()) == point["undefined"]
            assert judged.mean() == pytest.approx(point["mean"], abs=1e-12)
            # A bar has no draws.
            assert point["by_draw"] == pytest.approx(judged.mean(1).tolist()) or len(values) == 1
        for name, maps in of_a_record.maps.items():
            assert (maps.dtype, maps.ndim, len(maps)) == (np.dtype("f4"), 3, len(of_a_record.pictures)), name


@pytest.mark.slow
def test_workers_give_the_same_arrays(reported: Path, reported_by_workers: Path) -> None:
    alone, shared = (read(folder / "maps.npz") for folder in (reported, reported_by_workers))
    assert list(alone) == list(shared)
    for place, each in alone.items():
        assert_same(each, shared[place])


def npz_of(folder: Path, **arrays: Any) -> Path:
    path = folder / "maps.npz"
    np.savez(path, **arrays)
    return path


class Trap:
    """Leaves a file if it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    trap = Trap(tmp_path / "sprung")
    path = npz_of(tmp_path, **{"0/values/signed/a": np.array([trap], dtype=object)})
    with pytest.raises(ValueError, match=r"maps.npz is not a maps.npz of this package: .*allow_pickle"):
        read(path)
    assert not trap.path.exists()


def test_nothing_is_pickled(tmp_path: Path) -> None:
    found = Evidence({"signed": {"a": np.array([[object()]])}})
    for save in (lambda: packed(found), lambda: write(run(cascade(evidence=found)), tmp_path / "maps.npz")):
        with pytest.raises(ValueError, match="values/signed/a holds Python objects"):
            save()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"not an archive",
        packed(evidence())[:-40],
        packed(evidence())[:200] + b"\0" * 100 + packed(evidence())[300:],
        b"PK\x03\x04" + b"\0" * 60,
    ],
)
def test_a_damaged_file_is_told_with_its_name(damaged: bytes, tmp_path: Path) -> None:
    path = tmp_path / "maps.npz"
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=f"{path} is not a maps.npz of this package"):
        read(path)


def test_other_archives_are_told(tmp_path: Path) -> None:
    plain = tmp_path / "one.npz"
    with plain.open("wb") as file:
        np.save(file, np.zeros(3))
    foreign = npz_of(tmp_path, weights=np.zeros(3))
    zipped = tmp_path / "text.npz"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("0/values/signed/a", "no array")
    for path in (plain, foreign, zipped):
        with pytest.raises(ValueError, match=r"is not a maps\.npz of this package"):
            read(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"maps\.npz"):
        read(tmp_path / "maps.npz")
