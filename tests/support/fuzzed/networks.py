"""Files of networks: records of a cache, weights that users give, claims, and the manifest of what is shipped."""

from __future__ import annotations

import io
import json
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import torch
from hypothesis import strategies as st
from safetensors.torch import save

from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.foundation.files import parse_json
from pytest_saliency_sanity.networks.commands import print_checked
from pytest_saliency_sanity.networks.presets.embedded.digits import DIGITS, shipped_digits
from pytest_saliency_sanity.networks.storage.collection import Checked
from pytest_saliency_sanity.networks.storage.pretrained import read_weights
from pytest_saliency_sanity.networks.storage.record import digest, read_facts, read_record
from pytest_saliency_sanity.networks.storage.shipped import ShippedNetworks
from pytest_saliency_sanity.networks.training.claims import Claims

from ..fuzzing import Parser, file_named
from ..mutation import documents, mutated_bytes, mutated_json

TENSORS = {
    "weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "half": torch.ones(3, dtype=torch.float16),
    "count": torch.tensor(3),
    "none": torch.zeros(0, 5),
}
MANIFEST = json.loads(shipped_digits().manifest.read_text())
MANIFEST["checkpoints"] = dict(list(MANIFEST["checkpoints"].items())[:2])
CLAIMS: list[dict[str, Any]] = [
    {name: value for name, value in each.items() if name not in ("file", "sha256")}
    for each in MANIFEST["checkpoints"].values()
]
CLAIMS.append({**CLAIMS[0], "history": [[2.5, 0.1, 0.2]], "trained_on": {"device": "cpu", "threads": 1, "seconds": 3}})
HEADER = {  # of zeros
    "__metadata__": {
        "facts": "{}",
        "sha256": digest({"weight": torch.zeros(2, 3), "more": torch.zeros(1, dtype=torch.int64)}, "{}"),
    },
    "weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "more": {"dtype": "I64", "shape": [1], "data_offsets": [24, 32]},
}


class Trap:
    """What runs code if it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("__import__('os').system('true')",)


@cache
def records() -> tuple[bytes, ...]:
    """Return records as a cache has them."""
    found = []
    for facts in ({}, CLAIMS[0], CLAIMS[-1], {"history": [[2.5, 0.1, 0.2]], "seconds": 3.0}):
        text = json.dumps(facts)
        found.append(save(TENSORS, {"facts": text, "sha256": digest(TENSORS, text)}))
    return tuple(found)


def safetensors_of(header: str) -> bytes:
    """Return a file with this header, whatever it says."""
    text = header.encode(errors="replace")
    return len(text).to_bytes(8, "little") + text + bytes(32)


def record_of(facts: str) -> bytes:
    """Return a record that is whole, with these facts, which need not be JSON."""
    return save(TENSORS, {"facts": facts, "sha256": digest(TENSORS, facts)})


@cache
def weights() -> tuple[bytes, ...]:
    """Return files of weights, as safetensors, in torch's present format and in its old one."""
    found = [save(TENSORS)]
    for new in (True, False):
        with io.BytesIO() as file:
            torch.save(TENSORS, file, _use_new_zipfile_serialization=new)
            found.append(file.getvalue())
    return tuple(found)


@cache
def traps() -> tuple[bytes, ...]:
    """Return files that run code where they are unpickled."""
    found = [pickle.dumps(Trap(), protocol) for protocol in (0, 2, 4)]
    for new in (True, False):
        with io.BytesIO() as file:
            torch.save({"weight": Trap()}, file, _use_new_zipfile_serialization=new)
            found.append(file.getvalue())
    return tuple(found)


def read_both(file: Path) -> None:
    """Read a record's facts, then all of it."""
    read_facts(file)
    read_record(file)


def put_weights(folder: Path, content: bytes) -> Path:
    """Put weights into a file with the suffix that suits the first bytes, as that decides how they are read."""
    file = folder / ("weights.safetensors" if content[8:9] == b"{" else "weights.pth")
    file.write_bytes(content)
    return file


def read_claims(text: str) -> None:
    """Read claims from JSON, and print what ``checkpoints list`` does."""
    claims = Claims.from_json(parse_json(text))
    print_checked(Checked(claims.name, claims.measured))


def put_manifest(folder: Path, text: str) -> ShippedNetworks:
    """Put a manifest into a folder of networks."""
    networks = ShippedNetworks(DIGITS, folder)
    file_named(networks.manifest.name)(folder, text)
    return networks


def mutated_claims(random: Any, text: str) -> str:
    """Return other claims in JSON, for nothing else gets so far."""
    changed = mutated_json(random, text)
    try:
        json.loads(changed)
    except (ValueError, RecursionError):
        return json.dumps(changed)
    return changed


PARSERS = (
    Parser(
        "record of a cache",
        records(),
        st.one_of(
            st.binary(max_size=100),
            documents(HEADER).map(safetensors_of),
            documents(*CLAIMS).map(record_of),
            st.sampled_from(records()),
        ),
        mutated_bytes,
        read_both,
        (CheckpointError,),
        file_named("record.safetensors"),
    ),
    Parser(
        "header of a safetensors file",
        (json.dumps(HEADER),),
        documents(HEADER),
        mutated_json,
        read_both,
        (CheckpointError,),
        lambda folder, header: file_named("record.safetensors")(folder, safetensors_of(header)),
    ),
    Parser(
        "weights",
        weights(),
        st.binary(max_size=100) | documents(HEADER).map(safetensors_of) | st.sampled_from((*weights(), *traps())),
        mutated_bytes,
        read_weights,
        (CheckpointError,),
        put_weights,
    ),
    Parser(
        "claims about a network",
        tuple(map(json.dumps, CLAIMS)),
        documents(*CLAIMS).map(lambda text: text if text[:1] in '[{"' else json.dumps(text)),
        mutated_claims,
        read_claims,
        (KeyError, TypeError, ValueError),
    ),
    Parser(
        "manifest of shipped networks",
        (json.dumps(MANIFEST),),
        documents(MANIFEST),
        mutated_json,
        lambda networks: list(networks.listed()),
        (CheckpointError,),
        put_manifest,
    ),
)
