"""Networks that a package ships: weights as safetensors in half precision, and a manifest with every claim."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import nn

from ...foundation.errors import CheckpointError, quoted, reason_in, unknown_name
from ...foundation.files import parse_json
from ..training.claims import Claims
from ..training.family import Family
from ..training.progress import train_in_sight
from .collection import Checked, Choice, verified
from .files import write_whole
from .networks import network_with

FORMAT = 2


@dataclass(frozen=True)
class Shipped:
    """A file of weights, the hash that it must have, and what is claimed about the network."""

    file: str
    sha256: str
    claims: Claims


@dataclass(frozen=True)
class ShippedNetworks:
    """The networks of a family in a folder with a manifest."""

    family: Family
    folder: Path

    @property
    def manifest(self) -> Path:
        """The file with every claim."""
        return self.folder / "manifest.json"

    @property
    def rebuild(self) -> str:
        """What to do if something is missing or damaged."""
        return f"Rebuild it: python -m pytest_saliency_sanity checkpoints train --preset {self.family.name}"

    def read(self) -> dict[str, Shipped]:
        """Return by name what is shipped; CheckpointError if the manifest is missing, damaged or of another format."""
        try:
            facts = parse_json(self._content_of(self.manifest).decode())
            if facts["format"] != FORMAT:
                raise ValueError(f"its format is {quoted(facts['format'])}, not {FORMAT}")
            return {name: _from_json(each) for name, each in facts["checkpoints"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{self.manifest} is damaged ({reason_in(error)}). {self.rebuild}") from error

    def load(self, network: str, kind: str) -> nn.Module:
        """Return a network in evaluation mode, on the CPU in float32; its hash is verified.

        Raises ValueError for a name that does not exist, CheckpointError for a file that is missing or damaged.
        """
        for what, value, allowed in (
            ("model", network, self.family.networks),
            ("kind of data", kind, self.family.kinds),
        ):
            if value not in allowed:
                raise unknown_name(what, value, allowed)
        shipped, name = self.read(), f"{network}-{kind}"
        self._require_listed(shipped, [name])
        return self.load_shipped(shipped[name])

    def load_shipped(self, shipped: Shipped) -> nn.Module:
        """Return the network of an entry of the manifest; CheckpointError for a file that is missing or damaged."""
        file = self.folder / shipped.file
        weights = self._content_of(file)
        if hashlib.sha256(weights).hexdigest() != shipped.sha256:
            raise CheckpointError(f"{file} is damaged: its SHA-256 is not the manifest's. {self.rebuild}")
        return network_with(shipped.claims, load(weights))

    def save(self, model: nn.Module, claims: Claims) -> Shipped:
        """Write a network's weights in half precision, and its claims to the manifest; return what was written."""
        weights = save({name: _in_half(tensor) for name, tensor in model.state_dict().items()})
        written = Shipped(f"{claims.name}.safetensors", hashlib.sha256(weights).hexdigest(), claims)
        entries = {**self._kept(), claims.name: written}
        facts = {"format": FORMAT, "checkpoints": {name: _to_json(each) for name, each in sorted(entries.items())}}
        write_whole(self.folder / written.file, weights)
        write_whole(self.manifest, (json.dumps(facts, indent=2) + "\n").encode())
        return written

    def listed(self) -> Iterator[tuple[str, Claims | str | CheckpointError]]:
        """Yield each network's name and what is claimed about it."""
        for name, shipped in self.read().items():
            yield name, shipped.claims

    def train(self, choice: Choice, device: torch.device | str = "cpu") -> Iterator[Checked]:
        """Train the chosen networks anew; yield each as it was saved.

        On the CPU whatever the ``device``: there the same arguments give the same weights to the last bit.

        Raises CheckpointError if a network does not learn what it should.
        """
        for network, kind in choice.of(self.family):
            training = self.family.training(network, kind)
            train_in_sight(training, f"{network}-{kind}")
            claims = self.family.claims_of(training, kind)
            self.save(training.kept(), claims)
            yield Checked(claims.name, claims.measured, self.family.complaints(claims, claims.measured))

    def verify(self, choice: Choice) -> Iterator[Checked]:
        """Measure every claim about the chosen networks again; a network that is damaged is complained of.

        Raises CheckpointError for a manifest that is damaged or lists fewer.
        """
        shipped = self.read()
        chosen = [f"{network}-{kind}" for network, kind in choice.of(self.family)]
        for name, each in shipped.items():
            if name in chosen:
                yield verified(name, self.family, partial(self._with_claims, each))
        self._require_listed(shipped, chosen)

    def unused(self) -> list[tuple[Path, str]]:
        """Return nothing: what is shipped is of this version."""
        return []

    def clear(self) -> Iterator[tuple[Path, str]]:
        """Delete nothing: what is shipped belongs to the package."""
        return iter(())

    def _with_claims(self, shipped: Shipped) -> tuple[nn.Module, Claims]:
        return self.load_shipped(shipped), shipped.claims

    def _kept(self) -> dict[str, Shipped]:
        """Return what the manifest lists already: nothing if it is damaged, so that it can be built again."""
        try:
            return self.read()
        except CheckpointError:
            return {}

    def _require_listed(self, shipped: Mapping[str, Shipped], names: list[str]) -> None:
        if missing := [name for name in names if name not in shipped]:
            raise CheckpointError(f"{self.manifest} lists no {', '.join(missing)}. {self.rebuild}")

    def _content_of(self, file: Path) -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            raise CheckpointError(f"{file} can't be read ({error.strerror}). {self.rebuild}") from error


def _in_half(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor in half precision; counts, such as BatchNorm's, as they are."""
    return tensor.half() if tensor.is_floating_point() else tensor


def _to_json(shipped: Shipped) -> dict[str, Any]:
    return {"file": shipped.file, "sha256": shipped.sha256, **shipped.claims.to_json()}


def _from_json(facts: Mapping[str, Any]) -> Shipped:
    rest = dict(facts)
    return Shipped(rest.pop("file"), rest.pop("sha256"), Claims.from_json(rest))
