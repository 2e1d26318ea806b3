"""Whether a commit is ready to be released, as far as can be seen without building it."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = {"build": "build", "check_wheel_contents": "check-wheel-contents", "pip": "pip", "twine": "twine"}
NUMBER = r"(0|[1-9]\d*)"
VERSION = re.compile(rf"{NUMBER}\.{NUMBER}\.{NUMBER}((a|b|rc){NUMBER})?")
SECTION = re.compile(
    r"^## \[(?P<version>[^]]+)\](?: - (?P<date>\S+))?\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)
LAST_LINES = 30  # of what a command printed, in a message


class NotReadyError(Exception):
    """Something has to be done before this commit can be released. The message says what."""


@dataclass(frozen=True)
class Release:
    """What is released. ``name``: of the project; ``version``: as in pyproject.toml."""

    name: str
    version: str

    @property
    def tag(self) -> str:
        """The tag of the commit."""
        return f"v{self.version}"

    @property
    def package(self) -> str:
        """The name that is imported."""
        return self.name.replace("-", "_")


def say(text: str) -> None:
    """Print a line at once, so that it stands before what a command prints."""
    print(text, flush=True)


def run(*command: str | Path, what: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Run a command; return what it printed to stdout. Raises NotReadyError with its last lines if it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=os.environ | (env or {}))
    if done.returncode:
        printed = "\n".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:])
        shown = " ".join(map(str, command))
        raise NotReadyError(f"{what} failed (exit status {done.returncode}):\n$ {shown}\n{printed}")
    return done.stdout


def read_release() -> Release:
    """Return what pyproject.toml releases. Raises NotReadyError if its version is none, or a tool is missing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = project.get("version", "")
    if not VERSION.fullmatch(version):
        raise NotReadyError(f"pyproject.toml: version {version!r} is none; allowed: X.Y.Z, or X.Y.Zrc1 before it")
    if missing := [package for module, package in TOOLS.items() if find_spec(module) is None]:
        raise NotReadyError(f"not installed: {', '.join(missing)}; run: pip install -e '.[dev]'")
    return Release(project["name"], version)


def problems_of(release: Release) -> list[str]:
    """Return all that is quickly seen to stand in the way, a line each."""
    problems = []
    if changed := run("git", "status", "--porcelain", what="git status").splitlines():
        listed = ", ".join(line[3:] for line in changed[:5])
        problems.append(f"the tree is not clean ({len(changed)}: {listed}); commit or remove what is not committed")
    if run("git", "tag", "--list", release.tag, what="git tag").strip():
        problems.append(f"{release.tag} is tagged already; set another version in pyproject.toml")
    problems += problems_of_changelog(release.version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    if elsewhere := other_places(release.version):
        problems.append(f"the version stands in pyproject.toml only; remove it from {', '.join(elsewhere)}")
    return problems


def problems_of_changelog(version: str, text: str, today: date | None = None) -> list[str]:
    """Return what is wrong with the changelog: it needs a dated section of the version that says something."""
    sections = {found["version"]: found for found in SECTION.finditer(text)}
    wanted = f"a section '## [{version}] - {today or date.today()}'"
    if "Unreleased" not in sections:
        return ["CHANGELOG.md has no section '## [Unreleased]'; start a new one above the version's"]
    if version not in sections:
        return [f"CHANGELOG.md has no section of {version}; allowed: {wanted}; turn Unreleased into it"]
    section = sections[version]
    try:
        released = date.fromisoformat(section["date"] or "")
    except ValueError:
        return [f"CHANGELOG.md: the date of {version} is {section['date']!r}; allowed: {wanted}"]
    if released > (today or date.today()):
        return [f"CHANGELOG.md: {version} is dated {released}, which is still to come; allowed: {wanted}"]
    if not re.search(r"^- ", section["text"], re.MULTILINE):
        return [f"CHANGELOG.md: the section of {version} lists no change; move those of Unreleased there"]
    return []


def other_places(version: str) -> list[str]:
    """Return the tracked files that say of the project that it has this version, besides pyproject.toml."""
    pattern = rf"^ *(__version__|version)[\"']?\s*[:=]\s*[\"']?{re.escape(version)}[\"']?\s*$"
    names = run("git", "ls-files", "*.py", "*.toml", "*.cff", "*.yml", "*.yaml", "*.cfg", what="git ls-files").split(
        "\n"
    )
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in names if name and (ROOT / name).exists()}
    return [name for name, text in texts.items() if name != "pyproject.toml" and re.search(pattern, text, re.MULTILINE)]
