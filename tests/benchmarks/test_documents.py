"""What was measured is put between the marks of a page, and what stands around them stays."""

from __future__ import annotations

from pathlib import Path

from documents import END, mark, rewrite, rewritten


def test_what_stands_around_the_tables_stays() -> None:
    page = f"# Title\n\nBefore.\n\n{mark('times')}\nold\n{END}\n\n{mark('peaks')}\nold peaks\n{END}\n\nAfter.\n"
    assert rewritten(page, "times", "new") == page.replace("old\n", "new\n", 1)
    assert rewritten(page, "peaks", "new") == page.replace("old peaks", "new")


def test_a_page_without_marks_gets_them_at_its_end(tmp_path: Path) -> None:
    page = tmp_path / "known-answers.md"
    for text in ("old", "new"):
        rewrite(page, "answers", [text, "more"])
    assert page.read_text() == f"# Known answers\n\n{mark('answers')}\nnew\nmore\n{END}\n"
