"""The wheel and the sdist: what they contain, and that they work alone. The oldest pytest that is supported."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from email import message_from_bytes
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest
from support.runs import MODELS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PIP = ("pip", "--disable-pip-version-check", "install")
MOST_BYTES = 11_500_000  # package registries and users' patience; 11.0 MB measured, most of it the weights
GRADCAM = (
    "-m",
    "pytest",
    "saliency-sanity",
    "--saliency-method=gradcam",
    "-p",
    "no:randomly",
    "-p",
    "no:cacheprovider",
)


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=clean | environment)


def registry_or_skip(*command: str | Path) -> None:
    """Run a command that may install packages; skip if no registry answers."""
    done = run(sys.executable, "-m", *command)
    output = done.stdout + done.stderr
    if missing := re.search("No matching distribution found.*", output):
        pytest.skip(f"no package registry can be reached: {missing[0]}")
    assert done.returncode == 0, output


def files_of(folder: Path) -> set[str]:
    """The files of a folder, relative to it, without what tools leave there."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if not any(part.startswith((".", "__pycache__")) for part in path.parts)}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of this checkout, and the wheel that is built from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    registry_or_skip("build", *(["--no-isolation"] if find_spec("hatchling") else []), "--outdir", folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def sdist(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the sdist unpacks to."""
    (packed,) = built.glob("*.tar.gz")
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    return unpacked


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < MOST_BYTES


def test_the_wheel_has_everything_of_the_package_and_nothing_else(wheel: Path) -> None:
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == files_of(ROOT / "src")


def test_the_wheel_has_no_other_data_than_what_is_listed_here(wheel: Path) -> None:
    weights = {
        "embedded": [f"{network}-{labels}" for network in ("alexnet", "vgg11") for labels in ("true", "random")],
        "scenes": ["resnet-true", "resnet-random"],
        "bias": [f"{network}-{kind}" for network in MODELS for kind in ("biased", "balanced")],
    }
    data = {
        "py.typed",
        "reports/results.schema.json",
        "reports/page/page.html.jinja",
        "reports/page/style.css",
        *(f"networks/weights/{folder}/manifest.json" for folder in weights),
        *(f"networks/weights/{folder}/{name}.safetensors" for folder, names in weights.items() for name in names),
    }
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = "pytest_saliency_sanity/"
    assert {name for name in names if not name.endswith(".py")} == {f"{package}{name}" for name in data}
    assert all(name.startswith(package) for name in names)
    kept = {name.partition(".dist-info/")[2] for name in ZipFile(wheel).namelist() if ".dist-info/" in name}
    assert kept == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


def not_distributed(folder: str, names: list[str]) -> set[str]:
    """Return what no sdist has: caches, and at the root what is hidden or was built. Examples have hidden folders."""
    at_the_root = Path(folder) == ROOT
    return {n for n in names if n == "__pycache__" or (at_the_root and (n.startswith(".") or n in ("site", "dist")))}


@pytest.mark.slow
def test_who_builds_it_where_and_when_makes_no_difference(built: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(ROOT, copy, ignore=not_distributed)
    for name in (".gitignore", ".pre-commit-config.yaml"):
        shutil.copy(ROOT / name, copy)
    for path in copy.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (2_000_000_000, 2_000_000_000))
    again = tmp_path / "dist"
    isolation = ["--no-isolation"] if find_spec("hatchling") else []
    elsewhere = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LANG": "C"}
    done = run(sys.executable, "-m", "build", *isolation, "--outdir", again, cwd=copy, **elsewhere)
    assert done.returncode == 0, done.stdout + done.stderr
    hashes = [
        {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.iterdir()
            if path.suffix != ".gitignore"
        }
        for folder in (built, again)
    ]
    assert len(hashes[0]) == 2
    assert hashes[0] == hashes[1]


def test_the_wheel_has_the_checkpoints_their_manifest_and_types(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    for network in MODELS:
        trained = "scenes" if network == "resnet" else "embedded"
        for labels in ("true", "random"):
            assert f"pytest_saliency_sanity/networks/weights/{trained}/{network}-{labels}.safetensors" in names
        for kind in ("biased", "balanced"):
            assert f"pytest_saliency_sanity/networks/weights/bias/{network}-{kind}.safetensors" in names
    for folder in ("embedded", "scenes", "bias"):
        assert f"pytest_saliency_sanity/networks/weights/{folder}/manifest.json" in names
    assert "pytest_saliency_sanity/py.typed" in names


def test_the_wheel_names_the_plugin_and_the_licence(wheel: Path) -> None:
    archive = ZipFile(wheel)
    texts = {name.rpartition(".dist-info/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
    assert b"saliency_sanity = pytest_saliency_sanity.plugin" in archive.read(texts["entry_points.txt"])
    assert "licenses/LICENSE" in texts


def test_the_wheel_says_whose_it_is_and_where_to_turn(wheel: Path) -> None:
    archive = ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = message_from_bytes(archive.read(name))
    assert metadata["Author"] == "The pytest-saliency-sanity developers"
    urls = dict(each.split(", ") for each in metadata.get_all("Project-URL", []))
    assert urls.keys() == {"Homepage", "Repository", "Documentation", "Changelog", "Issues"}
    assert all(url.startswith(urls["Repository"]) for url in urls.values())


def test_readme_and_citation_give_the_projects_address() -> None:
    repository = PROJECT["urls"]["Repository"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f'repository-code: "{repository}"' in citation
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)]+)\)|^\[[^]]+\]: (\S+)$", readme, re.MULTILINE)
    links = [link for link in map("".join, targets) if not link.startswith("#")]
    assert [link for link in links if not link.startswith("https://")] == []  # a package index can't follow them
    ours = [link.removeprefix(f"{repository}/blob/main/") for link in links if link.startswith(f"{repository}/")]
    assert ours
    assert [link for link in ours if not (ROOT / re.split("[#?]", link)[0]).exists()] == []


def test_the_sdist_has_what_its_own_tests_need(sdist: Path) -> None:
    for folder in ("src", "tests", "benchmarks", "docs", "examples", "scripts", "conda"):
        assert files_of(sdist / folder) == files_of(ROOT / folder)
    settings = ("pyproject.toml", "mkdocs.yml", "conftest.py", "noxfile.py")
    for name in (*settings, "README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "SECURITY.md"):
        assert (sdist / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_sdist_has_nothing_of_a_forge_nor_of_tools(sdist: Path) -> None:
    gates = sdist / "examples" / "gates"  # with workflows for other projects to copy
    hidden = {path.name for path in sdist.rglob(".*") if gates not in path.parents}
    assert hidden == {".gitignore", ".pre-commit-config.yaml"}


@pytest.mark.slow
def test_the_tests_of_the_sdist_are_those_of_the_checkout_and_run(sdist: Path) -> None:
    source = str(sdist / "src")
    everything = ("-m", "pytest", "tests", "benchmarks", "-m", "slow or not slow", "--collect-only", "-q")
    collected = {folder: run(sys.executable, *everything, cwd=folder, PYTHONPATH=source) for folder in (ROOT, sdist)}
    for done in collected.values():
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    ids = {folder: re.findall("^.+::.+$", done.stdout, re.MULTILINE) for folder, done in collected.items()}
    assert ids[sdist] == ids[ROOT]

    where = "import pytest_saliency_sanity; print(pytest_saliency_sanity.__file__)"
    assert run(sys.executable, "-c", where, cwd=sdist, PYTHONPATH=source).stdout.startswith(source)
    for subset in (("-m", "pytest", "tests/foundation"), (*GRADCAM, "--saliency-model=alexnet")):
        done = run(sys.executable, *subset, cwd=sdist, PYTHONPATH=source)
        assert done.returncode == 0, done.stdout + done.stderr
        assert " passed" in done.stdout


@pytest.mark.slow
def test_the_installed_wheel_runs_the_suite_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    assert run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv").returncode == 0
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip())
    # What is installed here, but not the checkout: the .pth files of a folder that a .pth file names are not read.
    packages.joinpath("dependencies.pth").write_text(sysconfig.get_path("purelib"))
    installed = run(sys.executable, "-m", *PIP, "--no-deps", "--no-index", "--target", packages, wheel)
    assert installed.returncode == 0, installed.stderr

    empty = tmp_path / "empty"
    empty.mkdir()
    where = run(python, "-c", "import pytest_saliency_sanity; print(pytest_saliency_sanity.__file__)", cwd=empty).stdout
    assert Path(where.strip()).is_relative_to(packages)
    done = run(python, *GRADCAM, cwd=empty)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = r"packaged tests: ([1-9]\d*) planned, \1 ran: ([1-9]\d* xfailed, )?[1-9]\d* passed$"
    assert re.search(counted, done.stdout, re.MULTILINE)


@pytest.fixture(scope="module")
def oldest_pytest(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The oldest pytest that is supported: its version, and a folder that it is installed in."""
    lines = PROJECT["dependencies"]
    (version,) = (line.removeprefix("pytest>=") for line in lines if line.startswith("pytest>="))
    folder = tmp_path_factory.mktemp("oldest")
    registry_or_skip(*PIP, "--target", folder, f"pytest=={version}.*")
    return version, folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("saliency_method(): return gradient", ["saliency_method-alexnet::{}", "test_own.py::test_mine[alexnet]"]),
        (
            # It asks for the name, too: pytest before 9.1 looks at the last override only to see what a test needs.
            "saliency_model(saliency_model, saliency_model_name): return saliency_model",
            ["gradcam-alexnet::{}", "test_mine[gradcam-alexnet]"],
        ),
    ],
)
def test_the_suite_runs_on_the_oldest_pytest_that_is_supported(
    override: str, expected: list[str], oldest_pytest: tuple[str, Path], tmp_path: Path
) -> None:
    version, folder = oldest_pytest
    tmp_path.joinpath("test_own.py").write_text("def test_mine(saliency_method, saliency_model): pass\n")
    tmp_path.joinpath("conftest.py").write_text(
        f"import pytest\nfrom pytest_saliency_sanity import gradient\n@pytest.fixture\ndef {override}\n"
    )
    arguments = [".", "-v", "-W", "error", "--saliency-model=alexnet", "-k", "top_down or mine"]
    done = run(sys.executable, *GRADCAM, *arguments, cwd=tmp_path, PYTHONPATH=str(folder))
    assert f"pytest-{version}." in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    for passed in expected:
        assert f"{passed.format('test_cascading_randomization[top_down]')} PASSED" in done.stdout
