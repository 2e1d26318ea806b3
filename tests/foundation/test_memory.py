"""The memory that a measurement may take: what is free, what the user allows, and how it is divided."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pytest_saliency_sanity.foundation import memory as of_memory
from pytest_saliency_sanity.foundation.errors import SaliencyMethodError
from pytest_saliency_sanity.foundation.limits import LEAST_MEMORY, parse_size
from pytest_saliency_sanity.foundation.memory import (
    MOST_FOR_PASSES,
    MOST_KEPT,
    budget,
    free,
    give_back,
    is_out_of_memory,
    memory,
    room_for_passes,
    room_to_keep,
)

CPU = torch.device("cpu")
NO_LIMIT = 2**63
Contain = Callable[[str, str], Path]


@pytest.fixture
def contain(tmp_path: Path) -> Contain:
    """Write the two files of a control group."""

    def put(most: str, used: str) -> Path:
        (tmp_path / "memory.max").write_text(most)
        (tmp_path / "memory.current").write_text(used)
        return tmp_path

    return put


@pytest.mark.parametrize(
    ("most", "used", "left"),
    [
        ("1000000\n", "400000\n", 600000),
        ("1000000\n", "1200000\n", 0),
        ("max\n", "400000\n", NO_LIMIT),
        ("", "", NO_LIMIT),
    ],
)
def test_of_a_container_what_is_left_of_its_limit_is_free(contain: Contain, most: str, used: str, left: int) -> None:
    assert of_memory._left_in_container(contain(most, used)) == left


def test_without_a_control_group_there_is_no_limit(tmp_path: Path) -> None:
    assert of_memory._left_in_container(tmp_path / "nowhere") == NO_LIMIT


def test_free_is_the_less_of_the_machine_and_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_memory, "_left_in_container", lambda: NO_LIMIT)
    assert 2**20 < free(CPU) < 2**50
    monkeypatch.setattr(of_memory, "_left_in_container", lambda: 12345)
    assert free(CPU) == 12345


def test_a_quarter_of_what_is_free_may_be_taken_or_what_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_memory, "free", lambda device: 4_000_000)
    assert budget(CPU) == 1_000_000
    with memory(500):
        assert budget(CPU) == 500
        with memory(None):
            assert budget(CPU) == 1_000_000
        assert budget(CPU) == 500
    assert budget(CPU) == 1_000_000


def test_the_users_amount_is_forgotten_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_memory, "free", lambda device: 4_000_000)
    with pytest.raises(KeyError), memory(500):
        raise KeyError
    assert budget(CPU) == 1_000_000


@pytest.mark.parametrize("given", [0, 2**20, 2**28, 2**36])
def test_the_parts_fit_into_the_whole_and_are_not_larger_than_is_of_use(given: int) -> None:
    with memory(given):
        passes, kept = room_for_passes(CPU), room_to_keep(CPU)
        assert passes == min(given // 4, MOST_FOR_PASSES)
        assert kept == min(given // 2, MOST_KEPT)
        assert passes + kept <= given
    with memory(given):
        assert room_for_passes(torch.device("cuda")) == given // 4  # a GPU takes all that it is given


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *(("500M", 500 * 2**20), ("2G", 2**31), ("2g", 2**31), ("1.5G", 3 * 2**29), ("1T", 2**40), ("64M", 2**26)),
        *((" 2 GB ", 2**31), ("2GiB", 2**31), ("65536K", 2**26), ("67108864", 2**26), ("100000000B", 10**8)),
    ],
)
def test_a_size_is_a_number_with_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "G", "two", "2X", "2GX", "-2G", "1e9", "0", "63M", "67108863", "2 G B", "1.G", ".5G", "inf", "nan"]
)
def test_what_is_no_size_or_too_small_is_an_error_that_shows_it(text: str) -> None:
    with pytest.raises(ValueError, match=f"^'{text}' is not an amount of memory of at least 64M: give one like 500M"):
        parse_size(text)
    assert LEAST_MEMORY == 64 * 2**20


def caused(error: BaseException, cause: BaseException) -> BaseException:
    """Return an error raised from another one."""
    error.__cause__ = cause
    return error


NOT_ENOUGH = RuntimeError("[enforce fail at alloc_cpu.cpp:119] . DefaultCPUAllocator: not enough memory: you tried to")


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (NOT_ENOUGH, True),
        (caused(SaliencyMethodError("it"), NOT_ENOUGH), True),
        (caused(SaliencyMethodError("it"), caused(ValueError("mine"), MemoryError())), True),
        (RuntimeError("shapes do not fit"), False),
        (ValueError("not enough memory"), False),
        (SaliencyMethodError("not enough values"), False),
        (caused(SaliencyMethodError("it"), KeyError("it")), False),
    ],
)
def test_memory_ran_out_if_the_error_or_what_caused_it_says_so(error: BaseException, *, is_it: bool) -> None:
    assert is_out_of_memory(error) == is_it


def test_the_error_of_torchs_own_allocator_is_known() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)


def test_freed_memory_goes_back_and_what_is_held_stays() -> None:
    held = torch.arange(1000.0)
    give_back()
    assert torch.equal(held, torch.arange(1000.0))


def test_where_there_is_no_glibc_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "CDLL", None)
    give_back()
