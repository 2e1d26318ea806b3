"""What a package index gets: the checks that it makes of the files, and README as it shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.builds import build_or_skip

ROOT = Path(__file__).parents[2]
ABSOLUTE = ("https://", "#")
# What a renderer makes of a README that nobody can follow from an index.
LOST = (
    '[docs](docs/index.md) ![picture](docs/figures/a.png) <a href="LICENSE">licence</a> [ok](https://a.example) [b](#b)'
)


def rendered(markdown: str) -> str:
    """README as an index shows it."""
    pytest.importorskip("readme_renderer", reason="readme-renderer is not installed; it comes with the extra test")
    if not any(map(find_spec, ("comrak", "cmarkgfm"))):
        pytest.skip("readme-renderer can't read Markdown here; it can with the extra test")
    from readme_renderer.markdown import render

    html = render(markdown)
    assert html is not None
    return html


def relative(html: str) -> list[str]:
    """The links and pictures that lead nowhere from another site."""
    return [link for link in re.findall(r'(?:href|src)="([^"]*)"', html) if not link.startswith(ABSOLUTE)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("dist")
    build_or_skip(ROOT, folder)
    return sorted(path for path in folder.iterdir() if path.name.endswith((".whl", ".tar.gz")))


def checked(tool: str, *arguments: str | Path) -> str:
    """What a tool says of the files; it has to find nothing."""
    if find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed; it comes with the extra test")
    done = subprocess.run([sys.executable, "-m", tool, *arguments], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_twine_finds_nothing(built: list[Path]) -> None:
    assert checked("twine", "check", "--strict", *built).count("PASSED") == len(built) == 2


def test_check_wheel_contents_finds_nothing(built: list[Path]) -> None:
    wheels = [path for path in built if path.suffix == ".whl"]
    assert checked("check_wheel_contents", *wheels).strip().endswith(": OK")


def test_a_link_that_an_index_cannot_follow_would_be_noticed() -> None:
    assert relative(rendered(LOST)) == ["docs/index.md", "docs/figures/a.png", "LICENSE"]


def test_readme_is_shown_whole_and_every_link_leads_somewhere() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    html = rendered(readme)
    assert relative(html) == []
    assert html.count("<img") == readme.count("![") >= 1
    blocks = re.sub(r"^```.*?^```$", "", readme, flags=re.MULTILINE | re.DOTALL)
    assert html.count("<pre") == readme.count("\n```") / 2
    assert len(re.findall(r"<h[1-6]", html)) == len(re.findall(r"^#+ ", blocks, re.MULTILINE))
    assert not re.search(r"\]\[\w+\]", re.sub("<pre.*?</pre>", "", html, flags=re.DOTALL))  # a link without an address
    assert "<table" in html
