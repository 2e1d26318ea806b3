"""Which stages of a cascade a message shows."""

from __future__ import annotations

from pytest_saliency_sanity.checks.judging.showing import MOST_SHOWN, stages_to_show


def test_of_many_stages_a_dozen_and_the_judged_ones_are_shown() -> None:
    every = [f"layer{number}" for number in range(100)]
    some = stages_to_show(every, ["layer7", "layer99"])
    assert len(some) <= MOST_SHOWN + 2
    assert {"layer0", "layer7", "layer99"} <= set(some)
    assert list(some) == [stage for stage in every if stage in some]
    assert stages_to_show(every[:10], ["layer3"]) == tuple(every[:10])
