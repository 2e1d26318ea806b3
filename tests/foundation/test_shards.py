"""How things are split over machines: the same on each, each once, evenly."""

from __future__ import annotations

from random import Random

import pytest

from pytest_saliency_sanity.foundation.shards import Shard, parse_shard

PARTS = [(f"method {number}", model) for number in range(7) for model in ("alexnet", "vgg11", "")]


@pytest.mark.parametrize("count", [1, 2, 3, 5, len(PARTS)])
def test_shards_together_have_each_part_once_and_differ_by_one_at_most(count: int) -> None:
    shards = [Shard(number, count).of(PARTS) for number in range(1, count + 1)]
    assert sorted(part for shard in shards for part in shard) == sorted(PARTS)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_the_order_in_which_parts_are_found_does_not_matter() -> None:
    shuffled = Random(0).sample(PARTS, len(PARTS))
    assert Shard(2, 4).of(shuffled) == Shard(2, 4).of(PARTS)


@pytest.mark.parametrize(("text", "shard"), [("1/1", Shard(1, 1)), (" 2/3 ", Shard(2, 3)), ("007/10", Shard(7, 10))])
def test_each_form_is_read(text: str, shard: Shard) -> None:
    assert parse_shard(text) == shard
    assert parse_shard(str(shard)) == shard


@pytest.mark.parametrize(
    "text", ["", "1", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "a/b", "1/99999", "1/" + "9" * 5000, "\u0661/3"]
)
def test_what_is_no_shard_is_told_the_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not of the form I/N, shard I of N, as in 1/3"):
        parse_shard(text)
