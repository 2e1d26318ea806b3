"""Files are written whole or not at all, whatever happens in between; JSON is read without NaN."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_saliency_sanity.foundation.files import read_json, temporary_files, write_whole, writing_whole

# Writes half of a file, says so, and waits for its end.
WRITING = """
import sys, time
from pathlib import Path
from pytest_saliency_sanity.foundation.files import writing_whole

with writing_whole(Path(sys.argv[1])) as temporary:
    with temporary.open("w") as file:
        file.write("half of ")
        file.flush()
        print("half", flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("größer\n", "größer\n".encode()),
        (b"\0\xff", b"\0\xff"),
        ("a\r\nb", b"a\r\nb"),
        ("", b""),
        ("\udcff", b"\\udcff"),
    ],
)
def test_a_file_holds_what_was_given(content: Any, expected: bytes, tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("before")
    write_whole(file, content)
    assert file.read_bytes() == expected
    assert list(tmp_path.iterdir()) == [file]


def test_others_may_read_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "file.txt", "text")
    assert (tmp_path / "file.txt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_what_is_interrupted_leaves_what_was_there(error: BaseException, tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("before")

    def write_and_fail() -> None:
        with writing_whole(file) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write_and_fail()
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("before", ["all of it", None])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_killed_leaves_no_half_file(how: signal.Signals, before: str | None, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    if before:
        file.write_text(before)
    process = subprocess.Popen([sys.executable, "-c", WRITING, str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "half\n"
        process.send_signal(how)
        process.wait()
    assert (file.read_text() if file.exists() else None) == before
    # What is left is hidden, and nobody's report.
    assert all(each.name.startswith(".results.json.") for each in tmp_path.iterdir() if each != file)
    write_whole(file, "whole")
    assert file.read_text() == "whole"


def test_what_is_being_written_is_found_by_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / ".other").touch()
    with writing_whole(tmp_path / "a.txt") as first, writing_whole(tmp_path / "b.md") as second:
        assert temporary_files(tmp_path, "*.txt") == [first]
        assert temporary_files(tmp_path, "b.md") == [second]
    assert temporary_files(tmp_path, "*") == []


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        write_whole(tmp_path / "nowhere" / "file.txt", "text")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_place_of_the_file_is_told_and_left(tmp_path: Path) -> None:
    (tmp_path / "file.txt").mkdir()
    with pytest.raises(OSError, match=r"file\.txt"):
        write_whole(tmp_path / "file.txt", "text")
    assert [each.name for each in tmp_path.iterdir()] == ["file.txt"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write to every folder")
def test_a_folder_that_takes_no_file_is_told(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(0o500)
    with pytest.raises(PermissionError):
        write_whole(locked / "file.txt", "text")


def test_a_link_is_replaced_by_the_file(tmp_path: Path) -> None:
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("theirs")
    link.symlink_to(target)
    write_whole(link, "ours")
    assert (target.read_text(), link.read_text()) == ("theirs", "ours")


@pytest.mark.parametrize("text", ['{"a": [1, 2.5, null, "x"]}', "3", '"größer"'])
def test_json_is_read(text: str, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text(text, encoding="utf-8")
    assert read_json(file) in ({"a": [1, 2.5, None, "x"]}, 3, "größer")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not JSON"),
        (b'{"a": 1', "is not JSON"),
        (b"{'a': 1}", "is not JSON"),
        (b"\xff\xfe{}", "is not JSON: .*utf-8"),
        (b"[NaN]", "is not JSON: NaN is no finite number"),
        (b"[Infinity]", "is not JSON: Infinity is no finite number"),
        (b"[-Infinity]", "is not JSON: -Infinity is no finite number"),
        (b"[-1e999]", "is not JSON: -1e999 is no finite number"),
        (b"[" * 100_000, "is not JSON"),
        (b"9" * 10_000, "is not JSON"),
    ],
)
def test_what_is_no_json_is_told_with_the_name_of_the_file(content: bytes, why: str, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f"{file} {why}"):
        read_json(file)


def test_what_can_not_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="can't be read: Is a directory"):
        read_json(tmp_path)
    with pytest.raises(ValueError, match="can't be read: No such file"):
        read_json(tmp_path / "file.json")
