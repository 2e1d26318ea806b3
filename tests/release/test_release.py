"""The release script, on a small copy: what it refuses, what a dry run shows and leaves alone, how it publishes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest
from readiness import TOOLS, problems_of_changelog
from support.builds import skip_without_registry

ROOT = Path(__file__).parents[2]
COPIED = ("pyproject.toml", "LICENSE", ".gitignore", "scripts/release.py", "scripts/readiness.py")
VERSION = "7.8.9"
FILES = {
    "README.md": "# A small copy\n",
    "CHANGELOG.md": f"# Changelog\n\n## [Unreleased]\n\n## [{VERSION}] - 2020-02-03\n### Added\n- Everything.\n",
    "src/pytest_saliency_sanity/__init__.py": '"""A small copy."""\n\nANSWER = 42\n__all__ = ["ANSWER"]\n',
    "tests/test_small.py": "def test_it_is_small():\n    assert True\n",
}
needs_tools = pytest.mark.skipif(
    any(find_spec(module) is None for module in TOOLS), reason=f"needs {', '.join(TOOLS.values())}: the extra test"
)
ME = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org"}
ME |= {key.replace("AUTHOR", "COMMITTER"): value for key, value in ME.items()}
NO_SETTINGS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A committed project of one module that has this project's settings and release script."""
    root = tmp_path / "copy"
    for name in COPIED:
        root.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    for name, text in FILES.items():
        root.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        root.joinpath(name).write_text(text, encoding="utf-8")
    set_version(root, VERSION)
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)
    return root


def set_version(root: Path, version: str) -> None:
    settings = root / "pyproject.toml"
    text, times = re.subn(
        r'^version = ".*"$', f'version = "{version}"', settings.read_text("utf-8"), flags=re.MULTILINE
    )
    assert times == 1
    settings.write_text(text, encoding="utf-8")


def git(root: Path, *arguments: str) -> str:
    command = ("git", *arguments)
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, env=environment()).stdout


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "All")


def environment(**more: str) -> dict[str, str]:
    """The environment without what these tests' own run of pytest left there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON", "GIT_"))}
    return kept | ME | NO_SETTINGS | more


def release(root: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "scripts/release.py", *arguments)
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, env=environment(**more))
    skip_without_registry(done.stdout + done.stderr)
    return done


def refusal(root: Path, *arguments: str) -> str:
    """Why it is not released. Nothing was built or tagged."""
    tags = git(root, "tag")
    done = release(root, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("not ready to release:\n")
    assert not root.joinpath("dist").exists()
    assert git(root, "tag") == tags
    return done.stderr


@needs_tools
@pytest.mark.parametrize("arguments", [(), ("--upload",)])
def test_a_tree_that_is_not_clean_is_refused(arguments: tuple[str, ...], copy: Path) -> None:
    copy.joinpath("notes.txt").write_text("not committed")
    assert "the tree is not clean (1: notes.txt)" in refusal(copy, *arguments)


@needs_tools
def test_a_version_that_is_tagged_is_refused(copy: Path) -> None:
    git(copy, "tag", f"v{VERSION}")
    assert f"v{VERSION} is tagged already; set another version in pyproject.toml" in refusal(copy, "--upload")


@needs_tools
def test_a_version_without_a_section_in_the_changelog_is_refused(copy: Path) -> None:
    set_version(copy, "7.9.0")
    commit(copy)
    assert "CHANGELOG.md has no section of 7.9.0" in refusal(copy)


@needs_tools
@pytest.mark.parametrize("version", ["7.8", "seven", "7.8.9.dev1", "07.8.9"])
def test_what_is_no_version_is_refused(version: str, copy: Path) -> None:
    set_version(copy, version)
    commit(copy)
    assert f"pyproject.toml: version '{version}' is none; allowed: X.Y.Z" in refusal(copy)


@needs_tools
def test_a_version_that_stands_in_a_second_place_is_refused(copy: Path) -> None:
    copy.joinpath("CITATION.cff").write_text(f'title: "A small copy"\nversion: {VERSION}\n')
    commit(copy)
    assert "the version stands in pyproject.toml only; remove it from CITATION.cff" in refusal(copy)


@needs_tools
def test_all_that_stands_in_the_way_is_told_at_once(copy: Path) -> None:
    git(copy, "tag", f"v{VERSION}")
    copy.joinpath("CHANGELOG.md").write_text("# Changelog\n")
    said = refusal(copy)
    assert "not clean" in said
    assert "tagged already" in said
    assert "no section '## [Unreleased]'" in said


@needs_tools
def test_a_test_that_fails_is_refused(copy: Path) -> None:
    copy.joinpath("tests", "test_small.py").write_text("def test_it_is_small():\n    assert 1 == 2\n")
    commit(copy)
    said = refusal(copy)
    assert "the tests failed (exit status 1)" in said
    assert "assert 1 == 2" in said


@needs_tools
def test_what_was_not_tested_is_never_uploaded(copy: Path) -> None:
    done = release(copy, "--upload", "--no-tests")
    assert done.returncode == 2
    assert "only tested commits are uploaded" in done.stderr


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("## [1.2.3] - 2020-02-03\n- A.\n", None),
        ("## [1.2.3] - 2020-02-03\n\n### Added\n- A.\n\n## [1.2.2] - 2019-01-01\n", None),
        ("## [1.2.3]\n- A.\n", "the date of 1.2.3 is None"),
        ("## [1.2.3] - soon\n- A.\n", "the date of 1.2.3 is 'soon'"),
        ("## [1.2.3] - 2020-02-05\n- A.\n", "which is still to come"),
        ("## [1.2.3] - 2020-02-03\n\n## [1.2.2] - 2019-01-01\n- B.\n", "lists no change"),
        ("## [1.2.30] - 2020-02-03\n- A.\n", "has no section of 1.2.3"),
    ],
)
def test_the_changelog_has_to_have_a_dated_section_that_says_something(section: str, problem: str | None) -> None:
    said = problems_of_changelog("1.2.3", f"# Changelog\n\n## [Unreleased]\n\n{section}", date(2020, 2, 4))
    assert len(said) == (problem is not None)
    assert (problem or "") in "".join(said)


@needs_tools
@pytest.mark.slow
def test_a_dry_run_checks_all_and_publishes_nothing(copy: Path) -> None:
    before = git(copy, "rev-parse", "HEAD"), git(copy, "status", "--porcelain")
    done = release(copy)
    assert done.returncode == 0, done.stderr
    steps = ("clean tree", "tests passed", "same to the last byte", "find nothing", "installs into a fresh environment")
    assert all(step in line for step, line in zip(steps, done.stdout.splitlines(), strict=False))
    assert f"$ git tag --annotate v{VERSION}" in done.stdout
    assert f"$ twine upload --non-interactive dist/pytest_saliency_sanity-{VERSION}-py3-none-any.whl" in done.stdout
    assert re.search(rf"^  \$ VERSION={VERSION} SHA256=[0-9a-f]{{64}} rattler-build", done.stdout, re.MULTILINE)
    assert "dry run: nothing was tagged or uploaded" in done.stdout
    assert (git(copy, "rev-parse", "HEAD"), git(copy, "status", "--porcelain")) == before
    assert git(copy, "tag") == ""


@needs_tools
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("README.md", "", "twine check failed"),  # a project without a description
        ("src/pytest_saliency_sanity/__init__.py", '__all__ = ["GONE"]\n', "importing the wheel failed"),
        ("src/pytest_saliency_sanity/not-a-module.py", "", "check-wheel-contents failed"),
        (".gitattributes", "LICENSE export-ignore\n", "is another if it is built from an export of the commit"),
    ],
)
def test_files_that_should_not_be_published_are_refused(name: str, text: str, said: str, copy: Path) -> None:
    copy.joinpath(name).write_text(text)
    commit(copy)
    done = release(copy, "--no-tests")
    assert done.returncode == 1, done.stdout
    assert said in done.stderr


@needs_tools
@pytest.mark.slow
def test_what_is_not_committed_but_built_is_refused(copy: Path) -> None:
    copy.joinpath(".git", "info", "exclude").write_text("extra.py\n")  # git does not show it, the build takes it
    copy.joinpath("src", "pytest_saliency_sanity", "extra.py").write_text("")
    done = release(copy, "--no-tests")
    assert done.returncode == 1
    assert "is another if it is built from an export of the commit" in done.stderr


@contextmanager
def index() -> Iterator[tuple[str, list[bytes]]]:
    """An index on this computer: its address, and what is uploaded to it."""
    uploads: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            uploads.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", uploads
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@needs_tools
@pytest.mark.slow
def test_with_the_flag_the_commit_is_tagged_and_pushed_and_the_files_are_uploaded(copy: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "origin")
    git(copy, "remote", "add", "origin", str(tmp_path / "origin"))
    with index() as (address, uploads):
        there = {"TWINE_REPOSITORY_URL": address, "TWINE_USERNAME": "somebody", "TWINE_PASSWORD": "anything"}
        done = release(copy, "--upload", **there, no_proxy="127.0.0.1")
    assert done.returncode == 0, done.stderr
    assert "published" in done.stdout
    assert git(tmp_path / "origin", "rev-parse", f"v{VERSION}^{{commit}}") == git(copy, "rev-parse", "HEAD")
    files = sorted(path for path in copy.joinpath("dist").iterdir() if path.name.endswith((".whl", ".tar.gz")))
    assert len(uploads) == len(files) == 2
    assert all(any(path.read_bytes() in upload for upload in uploads) for path in files)


@needs_tools
@pytest.mark.slow
def test_if_the_tag_cannot_be_pushed_nothing_is_uploaded_and_what_is_left_is_told(copy: Path) -> None:
    with index() as (address, uploads):
        done = release(copy, "--upload", TWINE_REPOSITORY_URL=address)
    assert done.returncode == 1
    assert uploads == []
    assert "run what is left:\n$ git push origin" in done.stderr
