"""What runs leave behind: records, arrays, baselines; and what is made of two of them."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from pytest_saliency_sanity.checks.plan import Plan
from pytest_saliency_sanity.reports import arrays, json_report
from pytest_saliency_sanity.reports.comparing import baseline, files
from pytest_saliency_sanity.reports.comparing.difference import compare, lines
from pytest_saliency_sanity.reports.comparing.merging import MergeError, merge
from pytest_saliency_sanity.reports.json_report import RecordsError, as_json
from pytest_saliency_sanity.reports.loading import load

from ..cascades import cascade, evidence
from ..fuzzing import Parser, file_named
from ..mutation import documents, mutated_bytes, mutated_json, mutated_text, one_of_them, texts
from ..records import contract, record, run, unanswered

PLAN = Plan.of(["gradcam"], ["alexnet"])
SETTINGS: dict[str, Any] = {"preset": "embedded", "seed": 0, "sign": "signed", "law": "normal", "confidence": 0.95}
RUN = run(
    cascade(stages=("fc", "conv"), means=(0.6, 0.1)),
    contract(),
    unanswered(check="localization", outcome="skipped", reason="no scenes"),
)
ONE, OTHER = (
    run(record(), plan=Plan.of(["gradcam"], ["alexnet"], ["label_randomization"])),
    run(record("sobel"), plan=Plan.of(["sobel"], ["alexnet"], ["label_randomization"])),
)
RUNS = tuple(as_json(each) for each in (RUN, ONE, OTHER))
KEPT = baseline.updated(None, SETTINGS, [*RUN.records, record(), record("sobel")], PLAN)


@cache
def baselines() -> tuple[str, ...]:
    """Return baselines as they are written."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "baseline.json"
        baseline.write(KEPT, file)
        return (file.read_text(),)


def read_baseline(file: Path) -> None:
    """Read a baseline, and put a run beside it."""
    before = baseline.read(file)
    baseline.require_same(before, SETTINGS, file)
    baseline.compare(before, RUN.records, RUN.plan)


def read_run(file: Path) -> None:
    """Read a run, and return it to JSON."""
    json.dumps(as_json(load(file)), allow_nan=False)


def put_two_runs(folder: Path, content: tuple[str, str]) -> tuple[Path, Path]:
    """Put two runs into files."""
    a, b = (file_named(f"{name}.json")(folder, text) for name, text in zip("ab", content, strict=True))
    return a, b


def compare_and_merge(runs: tuple[Path, Path]) -> None:
    """Tell what differs between two runs, and join them."""
    a, b = (json_report.read(each) for each in runs)
    difference = compare(a, b, ("a", "b"))
    assert list(lines(difference))
    assert list(files.markdown(difference, picture=False))
    json.dumps(as_json(merge({"a": a, "b": b})), allow_nan=False)


ARRAYS = arrays.keyed(evidence())


@cache
def npy_of() -> bytes:
    """Return an array as numpy writes it."""
    file = io.BytesIO()
    np.save(file, np.arange(6.0).reshape(2, 3))
    return file.getvalue()


def npz_of(members: list[tuple[str, bytes]]) -> bytes:
    """Return an archive that is whole, whatever its members are."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in dict(members).items():
            known = zipfile.ZipInfo(f"{name.encode(errors='replace')[:60_000].decode(errors='ignore')}.npy")
            if known.filename not in archive.namelist():
                archive.writestr(known, content)
    return file.getvalue()


@cache
def archives() -> tuple[bytes, ...]:
    """Return arrays as runs keep them, packed and not."""
    file = io.BytesIO()
    np.savez_compressed(file, **{f"0/{key}": array for key, array in ARRAYS.items()})  # type: ignore[arg-type]
    return file.getvalue(), npz_of(
        [("0/values/signed/a", npy_of()), ("1/maps/trained", npy_of()), ("0/pictures", npy_of())]
    )


def trap_of_numpy() -> bytes:
    """Return an array that would be unpickled."""
    from .networks import Trap

    file = io.BytesIO()
    np.save(file, np.array([Trap()], dtype=object), allow_pickle=True)
    return file.getvalue()


def npy_with(header: str) -> bytes:
    """Return an array with this header, whatever it says."""
    text = header.encode("latin-1", errors="replace")[:60_000]
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(48)


HEADERS = ("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", "{'descr': '|O', 'shape': (1,)}")
MEMBERS = st.tuples(
    texts("0/values/signed/a", "1/maps/trained", "0/pictures", "99/pictures", "-1/maps/a"),
    st.one_of(
        texts(*HEADERS, "'descr'", "'<f8'", "(2, 3)", "'|V9'", "[('a', '<f8')]", "2**40").map(npy_with),
        st.builds(lambda seed: mutated_bytes(Random(seed), npy_of()), st.integers(0, 2**32)),
        st.sampled_from((npy_of(), trap_of_numpy(), b"no array")),
    ),
)


def mutated_archive(random: Random, content: bytes) -> bytes:
    """Return an archive with other members, or other bytes."""
    if random.randrange(3) == 0:
        return mutated_bytes(random, content)
    name = mutated_text(random, random.choice(("0/values/signed/a", "1/maps/trained", "0/pictures")))
    inner = random.choice(
        (npy_with(mutated_text(random, HEADERS[0])), mutated_bytes(random, npy_of()), npy_of(), trap_of_numpy())
    )
    return npz_of([(name, inner), ("0/pictures", npy_of())])


PARSERS = (
    Parser(
        "results.json",
        tuple(map(json.dumps, RUNS)),
        documents(*RUNS),
        mutated_json,
        read_run,
        (RecordsError,),
        file_named("results.json"),
    ),
    Parser(
        "maps.npz",
        archives(),
        st.binary(max_size=100) | st.lists(MEMBERS, min_size=1, max_size=3).map(npz_of) | st.sampled_from(archives()),
        mutated_archive,
        arrays.read,
        (ValueError,),
        file_named("maps.npz"),
    ),
    Parser(
        "two runs, compared and merged",
        ((json.dumps(RUNS[1]), json.dumps(RUNS[2])),),
        st.tuples(documents(*RUNS[1:]), documents(*RUNS[1:])),
        one_of_them(mutated_json),
        compare_and_merge,
        (RecordsError, MergeError),
        put_two_runs,
    ),
    Parser(
        "baseline",
        baselines(),
        documents(*map(json.loads, baselines())),
        mutated_json,
        read_baseline,
        (baseline.BaselineError,),
        file_named("baseline.json"),
    ),
)
