"""The wheel: what it contains, and that it works where nothing else of us is. The oldest pytest that is supported."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
MOST_BYTES = 10_500_000  # package registries and users' patience
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


def pip_or_skip(*arguments: str | Path) -> None:
    """Run pip; skip where no registry answers."""
    done = run(*PIP, *arguments)
    if "No matching distribution found" in done.stderr:
        pytest.skip(f"no package registry can be reached: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    if find_spec("hatchling") and find_spec("build"):
        done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
        assert done.returncode == 0, done.stderr
    else:
        pip_or_skip("wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < MOST_BYTES


def test_the_wheel_has_everything_of_the_package_and_nothing_else(wheel: Path) -> None:
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    source = ROOT / "src"
    ours = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert names == {name for name in ours if "__pycache__" not in name}


def test_the_wheel_has_the_checkpoints_their_manifest_and_types(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    for network in ("alexnet", "vgg11"):
        for labels in ("true", "random"):
            assert f"pytest_saliency_sanity/networks/weights/embedded/{network}-{labels}.safetensors" in names
        for kind in ("biased", "balanced"):
            assert f"pytest_saliency_sanity/networks/weights/bias/{network}-{kind}.safetensors" in names
    for folder in ("embedded", "bias"):
        assert f"pytest_saliency_sanity/networks/weights/{folder}/manifest.json" in names
    assert "pytest_saliency_sanity/py.typed" in names


def test_the_wheel_names_the_plugin_and_the_licence(wheel: Path) -> None:
    archive = ZipFile(wheel)
    texts = {name.rpartition(".dist-info/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
    assert b"saliency_sanity = pytest_saliency_sanity.plugin" in archive.read(texts["entry_points.txt"])
    assert "licenses/LICENSE" in texts


@pytest.mark.slow
def test_the_installed_wheel_runs_the_suite_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    assert run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv").returncode == 0
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip())
    # What is installed here, but not the checkout: the .pth files of a folder that a .pth file names are not read.
    packages.joinpath("dependencies.pth").write_text(sysconfig.get_path("purelib"))
    assert run(*PIP, "install", "--no-deps", "--no-index", "--target", packages, wheel).returncode == 0

    empty = tmp_path / "empty"
    empty.mkdir()
    where = run(python, "-c", "import pytest_saliency_sanity; print(pytest_saliency_sanity.__file__)", cwd=empty).stdout
    assert Path(where.strip()).is_relative_to(packages)
    done = run(python, *GRADCAM, cwd=empty)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "packaged tests: 21 planned, 21 ran: 21 passed" in done.stdout


@pytest.fixture(scope="module")
def oldest_pytest(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The oldest pytest that is supported: its version, and a folder that it is installed in."""
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (version,) = (each.removeprefix("pytest>=") for each in dependencies if each.startswith("pytest>="))
    folder = tmp_path_factory.mktemp("oldest")
    pip_or_skip("install", "--target", folder, f"pytest=={version}.*")
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
