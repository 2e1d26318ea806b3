"""A record: tensors and facts about them in one safetensors file, whose content is verified by a hash in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ...foundation.errors import CheckpointError, reason_in
from ...foundation.files import parse_json, writing_whole


def write_record(file: Path, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and JSON-primitive facts, whole or not at all; OSError if the folder takes no file."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(facts)
    metadata = {"facts": text, "sha256": digest(on_cpu, text)}
    with writing_whole(file) as temporary:
        try:
            save_file(on_cpu, temporary, metadata)
        except SafetensorError as error:  # which is what a full disk becomes
            raise OSError(str(error)) from error


def read_facts(file: Path) -> dict[str, Any]:
    """Return a record's facts; its tensors are neither read nor verified. CheckpointError if it is not a record."""
    return _parts(file, with_tensors=False)[1]


def read_record(file: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return a record's tensors, on the CPU, and its facts; CheckpointError if it is missing or damaged."""
    tensors, facts, metadata = _parts(file)
    if digest(tensors, metadata["facts"]) != metadata["sha256"]:
        raise CheckpointError(f"{file} is damaged: its SHA-256 is not the one it was written with")
    return tensors, facts


def digest(tensors: Mapping[str, torch.Tensor], text: str) -> str:
    """Return the SHA-256 of names, types, shapes and values, and of the facts."""
    sha = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def _parts(file: Path, with_tensors: bool = True) -> tuple[dict[str, torch.Tensor], dict[str, Any], dict[str, str]]:
    try:
        with safe_open(file, framework="pt") as opened:
            metadata = opened.metadata() or {}
            if not {"facts", "sha256"} <= metadata.keys():
                raise ValueError("it has no facts with a SHA-256")
            facts: object = parse_json(metadata["facts"], finite=False)
            if not isinstance(facts, dict):
                raise ValueError("its facts have no names")
            tensors = {name: opened.get_tensor(name) for name in opened.keys()} if with_tensors else {}  # noqa: SIM118
    except FileNotFoundError as error:
        raise CheckpointError(f"{file} is missing") from error
    except Exception as error:  # a damaged header leads anywhere, also into torch
        reason = reason_in(error).partition("\n")[0]
        raise CheckpointError(f"{file} is damaged or not a checkpoint of ours ({reason})") from error
    return tensors, facts, metadata
