"""The documentation as a site: built without a warning, complete, and readable without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import hooks
import pytest
import tables
from mkdocs.exceptions import PluginError

import pytest_saliency_sanity
from pytest_saliency_sanity.plugin.options import OPTIONS

LOADED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
}


class Html(HTMLParser):
    """A page: the names that a link can lead to, its links, and what a browser loads to show it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        self.names |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if LOADED.get(tag) in given:
            self.loaded.append(given[LOADED[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    quiet = {"NO_MKDOCS_2_WARNING": "1"}  # the theme's news
    done = subprocess.run(command, cwd=tables.ROOT, capture_output=True, text=True, env=os.environ | quiet)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Html]:
    """Every page but 404.html, whose links are those of a server's root."""
    found = (path for path in site.rglob("*.html") if path.name != "404.html")
    return {path: Html(path.read_text(encoding="utf-8")) for path in found}


def test_every_page_of_docs_is_a_page_of_the_site_and_no_program_is(site: Path, pages: dict[Path, Html]) -> None:
    sources = [page.relative_to(tables.ROOT / "docs") for page in tables.PAGES[1:]]
    written = {page.relative_to(tables.ROOT / "docs") for page in (tables.ROOT / "docs").rglob("*.html")}
    assert {path.relative_to(site) for path in pages} == {source.with_suffix(".html") for source in sources} | written
    assert [path for path in site.rglob("*") if path.suffix in {".py", ".pyc"}] == []


def test_every_public_name_is_described(site: Path, pages: dict[Path, Html]) -> None:
    described = pages[site / "reference" / "api.html"].names
    assert {f"pytest_saliency_sanity.{name}" for name in pytest_saliency_sanity.__all__} <= described


def test_every_option_is_listed(site: Path) -> None:
    text = (site / "reference" / "options.html").read_text(encoding="utf-8")
    assert [option.flag for option in OPTIONS if f"<code>{option.flag} {option.metavar}</code>" not in text] == []


def test_no_link_within_the_site_is_dead(pages: dict[Path, Html]) -> None:
    dead = []
    for path, page in pages.items():
        for link in page.links + page.loaded:
            if re.match(r"[a-z]+:", link):
                continue
            target, name = urldefrag(unquote(link))
            file = (path.parent / target).resolve() if target else path
            file = file / "index.html" if file.is_dir() else file
            if not file.exists() or (name and file in pages and name not in pages[file].names):
                dead.append((path.name, link))
    assert dead == []


def test_links_to_the_source_lead_to_files(pages: dict[Path, Html]) -> None:
    start = f"{hooks.REPOSITORY}/blob/main/"
    links = {link for page in pages.values() for link in page.links if link.startswith(start)}
    assert f"{start}CONTRIBUTING.md" in links
    assert [link for link in links if not (tables.ROOT / link.removeprefix(start)).exists()] == []


def test_no_page_loads_anything_from_elsewhere(site: Path, pages: dict[Path, Html]) -> None:
    elsewhere = re.compile(r"(https?:)?//")
    assert [link for page in pages.values() for link in page.loaded if elsewhere.match(link)] == []
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert styles
    assert not any(re.search(r"""(url\(|@import )\s*["']?(https?:)?//""", style) for style in styles)


def test_a_link_out_of_docs_leads_to_the_forge_and_must_exist() -> None:
    assert hooks.address_of("howto/own-method.md", "../bias.md") == "../bias.md"
    assert hooks.address_of("index.md", "../CONTRIBUTING.md") == f"{hooks.REPOSITORY}/blob/main/CONTRIBUTING.md"
    with pytest.raises(PluginError, match=r"docs/index\.md links to \.\./nothing\.md"):
        hooks.address_of("index.md", "../nothing.md")
