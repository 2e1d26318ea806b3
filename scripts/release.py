"""Check that this commit can be released, build it twice, and show what would be tagged and uploaded.

``python scripts/release.py`` is a dry run: it leaves the checked files in ``dist/`` and changes nothing else.
``--upload`` does the same, and then tags the commit, pushes the tag and uploads the files. The tools are those of the
extra ``dev``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from readiness import ROOT, NotReadyError, Release, problems_of, read_release, run, say

# Built once more by somebody else, elsewhere.
ELSEWHERE = {"TZ": "Asia/Tokyo", "LANG": "C", "PYTHONHASHSEED": "7"}
IMPORT_ALL = """
import importlib.metadata, sys
package = __import__(sys.argv[1])
for name in package.__all__:
    getattr(package, name)
print(importlib.metadata.version(sys.argv[2]), package.__file__)
"""


def main(arguments: list[str] | None = None) -> int:
    """Check and build; with ``--upload``, publish. Return 1 if something has to be done before."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--dry-run", action="store_true", help="change nothing but dist/; the default")
    either.add_argument("--upload", action="store_true", help="tag the commit, push the tag, upload the files")
    parser.add_argument("--no-tests", action="store_true", help="do not run the tests; only in a dry run")
    options = parser.parse_args(arguments)
    if options.upload and options.no_tests:
        parser.error("--no-tests: only tested commits are uploaded; leave out --no-tests or --upload")
    try:
        release = read_release()
        if problems := problems_of(release):
            raise NotReadyError("\n".join(problems))
        say(f"{release.name} {release.version}: clean tree, one version, a dated section, not tagged yet")
        if not options.no_tests:
            run(sys.executable, "-m", "pytest", "-q", what="the tests")
            say("the tests passed")
        files = built_twice()
        check_files(files)
        check_installed(release, files)
        commands = publishing(release, files)
        show(files, commands, release)
        if options.upload:
            publish(commands)
    except NotReadyError as error:
        print(f"not ready to release:\n{error}", file=sys.stderr)
        return 1
    say("published" if options.upload else "dry run: nothing was tagged or uploaded; --upload does it")
    return 0


def built_twice() -> list[Path]:
    """Build the sdist and the wheel, here and from an export of the commit; return those in dist/.

    Raises NotReadyError if the two differ in a byte: then they depend on who builds them, or have more than was
    committed.
    """
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    build = (sys.executable, "-m", "build", *(["--no-isolation"] if find_spec("hatchling") else []), "--outdir")
    run(*build, dist, what="the build")
    with tempfile.TemporaryDirectory() as folder:
        export, again = Path(folder, "export"), Path(folder, "dist")
        archive = subprocess.run(("git", "archive", "HEAD"), cwd=ROOT, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=BytesIO(archive)) as packed:
            packed.extractall(export, filter="data")
        run(*build, again, what="the second build", cwd=export, env=ELSEWHERE)
        files = sorted(path for path in dist.iterdir() if path.name.endswith((".tar.gz", ".whl")))
        for path in files:
            twin = again / path.name
            if not twin.exists() or twin.read_bytes() != path.read_bytes():
                raise NotReadyError(f"{path.name} is another if it is built from an export of the commit; compare them")
    say("built twice, the same to the last byte")
    return files


def check_files(files: list[Path]) -> None:
    """Let twine and check-wheel-contents look at the files."""
    run(sys.executable, "-m", "twine", "check", "--strict", *files, what="twine check")
    wheels = [path for path in files if path.suffix == ".whl"]
    run(sys.executable, "-m", "check_wheel_contents", *wheels, what="check-wheel-contents")
    say("twine check --strict and check-wheel-contents find nothing")


def check_installed(release: Release, files: list[Path]) -> None:
    """Install the wheel into a fresh environment, which sees the dependencies of this one, and import all public names.

    Raises NotReadyError if a name can't be imported, or something else than the wheel is.
    """
    (wheel,) = (path for path in files if path.suffix == ".whl")
    with tempfile.TemporaryDirectory() as folder:
        venv = Path(folder).resolve()
        run(sys.executable, "-m", "venv", "--without-pip", venv, what="making an environment")
        python = venv / ("Scripts" if os.name == "nt" else "bin") / "python"
        purelib = run(python, "-Ic", "import sysconfig; print(sysconfig.get_path('purelib'))", what="python").strip()
        # Not the checkout: the .pth files of a folder that a .pth file names are not read.
        Path(purelib, "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-deps", "--no-index")
        run(*pip, "--target", purelib, wheel, what="installing the wheel")
        names = (release.package, release.name)
        printed = run(python, "-Ic", IMPORT_ALL, *names, what="importing the wheel", cwd=venv)
        version, _, file = printed.strip().partition(" ")
        if version != release.version or not Path(file).is_relative_to(venv):
            raise NotReadyError(f"the fresh environment has {version} from {file}, not the wheel {wheel.name}")
    say("the wheel installs into a fresh environment, and all public names can be imported from it")


def publishing(release: Release, files: list[Path]) -> list[list[str]]:
    """Return the commands that publish, in order. A tag that exists elsewhere ends them before anything is uploaded."""
    paths = [path.relative_to(ROOT).as_posix() for path in files]
    return [
        ["git", "tag", "--annotate", release.tag, "--message", f"{release.name} {release.version}"],
        ["git", "push", "origin", release.tag],
        ["twine", "upload", "--non-interactive", *paths],
    ]


def show(files: list[Path], commands: list[list[str]], release: Release) -> None:
    """Print the files, the commands that publish them, and what the conda recipe needs."""
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    for path, digest in digests.items():
        say(f"  {path.name}  {path.stat().st_size:,} bytes  sha256 {digest}")
    for command in commands:
        say(f"  $ {subprocess.list2cmdline(command)}")
    (sdist,) = (digest for path, digest in digests.items() if path.name.endswith(".tar.gz"))
    say(f"  $ VERSION={release.version} SHA256={sdist} rattler-build build --recipe conda/recipe.yaml")


def publish(commands: list[list[str]]) -> None:
    """Run the commands. Raises NotReadyError at the first that fails, with those that are left to be run."""
    for index, command in enumerate(commands):
        started = [sys.executable, "-m", *command] if command[0] == "twine" else command
        try:
            run(*started, what=command[0])
        except NotReadyError as error:
            left = "\n".join(f"$ {subprocess.list2cmdline(each)}" for each in commands[index:])
            raise NotReadyError(f"{error}\nMend the cause, then run what is left:\n{left}") from error


if __name__ == "__main__":
    sys.exit(main())
