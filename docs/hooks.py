"""What mkdocs does besides while it builds the site; mkdocs.yml names this file.

On a forge, a link of a page may lead out of docs/, to ``../CONTRIBUTING.md``. The site has no such file, so there the
link leads to the forge. And the site has all that the docstrings of the public names say.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError

import pytest_saliency_sanity

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

DOCS = Path(__file__).parent
ROOT = DOCS.parent
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
API = "reference/api.md"
NAME = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)  # in the table of public names
TO_SOURCE = re.compile(r'(?<=href="\.\./)([\w-]+)\.md(?=[#"])')  # of the leaderboard
LINK = re.compile(r"(?<=\]\()(?P<file>\.\./[^)\s#]*)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Link to the repository at the foot of every page."""
    config.extra["social"] = [{"icon": "fontawesome/solid/code", "link": REPOSITORY, "name": "the source"}]
    return config


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Return a page of docs/ as the site needs it."""
    source = page.file.src_uri
    if source == API:
        markdown = NAME.sub(r"| [`\1`][pytest_saliency_sanity.\1] |", markdown) + described_names()
    return LINK.sub(lambda found: address_of(source, found["file"]), markdown)


def on_post_build(*, config: MkDocsConfig) -> None:
    """Lead the links of the leaderboard, which can be opened from docs/ too, to the pages of the site."""
    page = Path(config.site_dir) / "leaderboard" / "index.html"
    page.write_text(TO_SOURCE.sub(r"\1.html", page.read_text(encoding="utf-8")), encoding="utf-8")


def address_of(source: str, link: str) -> str:
    """Return a link of a page, or its address on the forge if it leads out of docs/.

    Raises PluginError if it is dead.
    """
    target = (DOCS / source).parent.joinpath(link).resolve()
    if target.is_relative_to(DOCS):
        return link
    if not target.exists():
        raise PluginError(f"docs/{source} links to {link}, which does not exist")
    return f"{REPOSITORY}/blob/main/{target.relative_to(ROOT).as_posix()}"


def described_names() -> str:
    """Return what mkdocstrings makes the description of every public name of."""
    return "".join(f"\n\n::: pytest_saliency_sanity.{name}\n" for name in pytest_saliency_sanity.__all__)
