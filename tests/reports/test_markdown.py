"""Text of users in Markdown: it is shown, on one line, and begins nothing."""

from __future__ import annotations

import re

import pytest
from support.cascades import HOSTILE

from pytest_saliency_sanity.reports.markdown import code, escaped


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a|b", r"a\|b"),
        ("*bold* _it_", r"\*bold\* \_it\_"),
        ("<b> & </b>", "&lt;b&gt; &amp; &lt;/b&gt;"),
        ("[x](y)", r"\[x\](y)"),
        ("C:\\new", r"C:\\new"),
        ("two\n\n# lines", "two # lines"),
        (7, "7"),
        ("", ""),
    ],
)
def test_a_text_is_shown_as_it_is(text: object, expected: str) -> None:
    assert escaped(text) == expected


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_is_left_that_means_anything(text: str) -> None:
    assert not re.search(r"[<>\n]|(?<!\\)[|`{}~$]", escaped(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pytest -k 'a b'", "`pytest -k 'a b'`"),
        ("a `b` c", "``a `b` c``"),
        ("`a`", "`` `a` ``"),
        ("a```b", "````a```b````"),
        ("two\nlines", "`two lines`"),
        ("<b> \\ *", "`<b> \\ *`"),
        ("", ""),
        (" \n", ""),
    ],
)
def test_code_is_what_it_was_on_one_line(text: str, expected: str) -> None:
    assert code(text) == expected
