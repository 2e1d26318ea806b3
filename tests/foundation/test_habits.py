"""What a method does that costs memory is noticed, with a figure."""

from __future__ import annotations

import sys

import pytest
import torch
from support.images import noise

from pytest_saliency_sanity.foundation.habits import (
    MOST_PRINTED,
    notice_larger,
    notice_tensor,
    observing,
    quietly,
)


def test_tensors_that_are_held_are_counted_and_others_are_not() -> None:
    held = []
    with observing() as habits:
        for number in range(10):
            tensor = torch.zeros(1000)
            notice_tensor(tensor)
            if number % 2:
                held.append(tensor)
        del tensor
    assert habits.kept == len(held) * 4000


def test_a_tensor_that_is_noticed_twice_is_counted_once() -> None:
    tensor = torch.zeros(1000)
    with observing() as habits:
        notice_tensor(tensor)
        notice_tensor(tensor)
    assert habits.kept == 4000


def test_what_only_a_cycle_holds_is_not_held() -> None:
    with observing() as habits:
        cycle: list[object] = [torch.zeros(2**20)]
        notice_tensor(cycle[0])
        cycle.append(cycle)
        del cycle
    assert habits.kept == 0


def test_nothing_is_noticed_unless_it_is_asked_for() -> None:
    notice_tensor(torch.zeros(3))
    notice_larger(noise(1, 1, 9, 9), noise(1, 1, 4, 5))
    with quietly():
        assert sys.stdout is not None


def test_maps_that_are_larger_than_the_images_are_described() -> None:
    with observing() as habits:
        notice_larger(torch.zeros(3, 2000, 1000), noise(3, 1, 4, 5))
    assert habits.larger == "2000 x 1000 for images of 4 x 5"


def test_so_much_is_shown_of_what_is_printed_and_all_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    with observing() as habits:
        for _ in range(3):
            with quietly():
                sys.stdout.write("x" * (MOST_PRINTED // 2))
                sys.stderr.write("y")
        with quietly():
            sys.stdout.writelines(["a", "b"])
    assert sys.stdout is before
    assert habits.printed == MOST_PRINTED // 2 * 3 + 5
    captured = capsys.readouterr()
    assert captured.out.count("x") + captured.err.count("y") == MOST_PRINTED
    assert (captured.out + captured.err).count("[more is not shown]") == 1


def test_what_is_not_captured_is_all_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with observing() as habits, monkeypatch.context() as patched:
        patched.setattr(sys, "__stdout__", sys.stdout)
        with quietly():
            sys.stdout.write("shown")
    assert habits.printed == 0


def test_a_stream_that_a_method_puts_there_is_left_there(monkeypatch: pytest.MonkeyPatch) -> None:
    own = sys.stderr
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    with observing(), quietly():
        sys.stdout = own
    assert sys.stdout is own
