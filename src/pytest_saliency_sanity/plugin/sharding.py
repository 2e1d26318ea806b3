"""Keeps only a share of a run's methods and models, so that several machines can ask the questions of one plan."""

from __future__ import annotations

import pytest

from ..foundation.shards import Shard
from .account import ACCOUNT
from .blame import usage_error

Part = tuple[str, str]


class Sharding:
    """Deselects the tests of saliency methods that belong to other shards. Other tests of a project run in each."""

    def __init__(self, shard: Shard, source: str) -> None:
        self.shard = shard
        self.source = source

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect what belongs to other shards. A method on a model stays together, since its tests share work."""
        parts = {item: part_of(item) for item in items}
        every = {part for part in parts.values() if part}
        if not every:
            return  # there is nothing to split, which the ledger says if methods were given
        if len(every) < self.shard.count:
            raise usage_error(
                f"{self.source}={self.shard}: there are {len(every)} parts to split, a method on a model each: "
                f"split them into at most {len(every)} shards"
            )
        mine = self.shard.of(every)
        others = [item for item, part in parts.items() if part and part not in mine]
        items[:] = [item for item, part in parts.items() if not part or part in mine]
        config.hook.pytest_deselected(items=others)


def part_of(item: pytest.Item) -> Part | None:
    """Return the method and the model that a test is about; None if it is about no method."""
    about: Part | None = item.stash.get(ACCOUNT, {}).get("about")
    return about
