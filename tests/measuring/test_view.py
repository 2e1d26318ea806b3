"""Maps that are ready to be compared: each way of comparing them is prepared once, when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.images import noise
from support.subjects import subject
from torch import nn

from pytest_saliency_sanity import Batch, gradient, spearman
from pytest_saliency_sanity.checks.cascading_randomization.ask import check_cascading_randomization
from pytest_saliency_sanity.measuring import similarities, view
from pytest_saliency_sanity.measuring.profile import Cause
from pytest_saliency_sanity.measuring.similarities import SRC
from pytest_saliency_sanity.measuring.view import Prepared, View, compared

MAPS = noise(5, 2, 6, 7)
Prepare = Callable[[torch.Tensor], torch.Tensor]


@pytest.fixture
def ranked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of maps that are ranked in this test."""
    counts: list[int] = []
    prepare: Prepare = similarities.SIMILARITIES[SRC].prepare

    def counting(maps: torch.Tensor) -> torch.Tensor:
        counts.append(len(maps))
        return prepare(maps)

    known = {**similarities.SIMILARITIES, SRC: similarities.SIMILARITIES[SRC]._replace(prepare=counting)}
    monkeypatch.setattr(view, "SIMILARITIES", known)
    return counts


def test_maps_are_ranked_once_for_each_way_of_reading_them(ranked: list[int]) -> None:
    before, after = View(MAPS, seen=True, compared_by=SRC), View(MAPS.flip(0), seen=True, compared_by=SRC)
    assert ranked == []
    signed, _ = compared(before, after, "signed")
    assert ranked == [5, 5]
    np.testing.assert_array_equal(compared(before, after, "signed")[0], signed)
    assert ranked == [5, 5]
    absolute, _ = compared(before, after, "absolute")
    assert ranked == [5, 5, 5, 5]
    assert not np.allclose(signed, absolute)


def test_views_are_compared_as_the_maps_are_read() -> None:
    before, after = View(MAPS, seen=False, compared_by=SRC), View(-MAPS, seen=False, compared_by=SRC)
    other = View(MAPS.roll(1, 3), seen=False, compared_by=SRC)
    np.testing.assert_allclose(compared(before, after, "signed")[0], -1)
    np.testing.assert_allclose(compared(before, after, "absolute")[0], 1)
    expected = spearman(MAPS.sum(1), MAPS.roll(1, 3).sum(1)).numpy()
    np.testing.assert_array_equal(compared(before, other, "signed")[0], expected)
    assert before.size == (6, 7)


def test_signs_are_seen_in_most_of_the_maps_or_there_are_none() -> None:
    assert View(MAPS, seen=True, compared_by=SRC).have_signs
    assert not View(MAPS.abs(), seen=True, compared_by=SRC).have_signs
    assert not View(-MAPS.abs(), seen=True, compared_by=SRC).have_signs


def test_maps_that_can_not_be_compared_have_a_cause() -> None:
    broken = MAPS.clone()
    broken[1], broken[3, 0, 0, 0] = 2.0, torch.nan
    before, after = View(MAPS, seen=True, compared_by=SRC), View(broken, seen=True, compared_by=SRC)
    src, causes = compared(before, after, "signed")
    assert causes.tolist() == [0, Cause.CONSTANT_AFTER, 0, Cause.NOT_FINITE, 0]
    assert causes.dtype == np.int8
    assert np.isnan(src).tolist() == [False, True, False, True, False]
    np.testing.assert_allclose(src[[0, 2, 4]], 1)
    assert compared(after, before, "signed")[1].tolist() == [0, Cause.CONSTANT_BEFORE, 0, Cause.NOT_FINITE, 0]


def test_a_similarity_that_is_undefined_in_a_part_of_a_map_is_no_constant_map() -> None:
    values = torch.tensor([[1.0, torch.nan], [torch.nan, torch.nan], [1.0, 2.0]])
    assert Prepared(values, np.array([True, True, True])).constant.tolist() == [False, True, False]
    assert Prepared(values, np.array([True, False, True])).constant.tolist() == [False, False, False]


def test_the_bytes_of_a_view_are_those_of_the_maps_and_of_each_way_of_reading_them() -> None:
    maps = View(MAPS, seen=True, compared_by=SRC)
    assert maps.nbytes == MAPS.nbytes
    for count, sign in enumerate(("signed", "absolute"), 1):
        maps.by(sign)
        assert maps.nbytes == MAPS.nbytes + count * 5 * 42 * 8  # ranks of 6 x 7 positions in float64


def unsigned(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return gradient(model, images, targets).abs().sum(1)


@contextmanager
def reading(monkeypatch: pytest.MonkeyPatch, signs: list[str]) -> Iterator[None]:
    by = View.by

    def noting(self: View, sign: str) -> view.Prepared:
        signs.append(sign)
        return by(self, sign)

    with monkeypatch.context() as patch:
        patch.setattr(View, "by", noting)
        yield


def test_maps_without_signs_are_not_ranked_by_magnitude(monkeypatch: pytest.MonkeyPatch) -> None:
    for method, ways in ((gradient, {"signed", "absolute"}), (unsigned, {"signed"})):
        asked = subject(method)
        signs: list[str] = []
        with reading(monkeypatch, signs):
            check_cascading_randomization(replace(asked, batch=Batch(asked.batch.images[:10]), explain=False))
        assert set(signs) == ways
