"""Every public name says its type: pyright has to infer none, so all type checkers see the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "pytest_saliency_sanity"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("pyright") is None, reason="pyright is not installed; it comes with the extra dev"),
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables of an environment that has this checkout as if it was installed, and the packages of this one.

    pyright looks for a package in the environment that the variables name; it does not follow all editable installs.
    """
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    scripts = venv / ("Scripts" if os.name == "nt" else "bin")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    purelib = subprocess.run(
        [scripts / "python", "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    Path(purelib, "packages.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    Path(purelib, PACKAGE.name).symlink_to(PACKAGE, target_is_directory=True)
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return clean | {"VIRTUAL_ENV": str(venv), "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}


def test_pyright_knows_the_type_of_every_public_name(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pyright", "--verifytypes", PACKAGE.name, "--ignoreexternal", "--outputjson"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    try:
        found: dict[str, Any] = json.loads(done.stdout)["typeCompleteness"]
    except ValueError:
        pytest.skip(f"pyright does not run here: {(done.stdout + done.stderr).strip()[-500:]}")
    symbols = [symbol for symbol in found["symbols"] if symbol["isExported"]]
    assert len(symbols) > 1000
    unknown = {
        each["name"]: each["diagnostics"] for each in symbols if not each["isTypeKnown"] or each["isTypeAmbiguous"]
    }
    assert unknown == {}
    assert found["completenessScore"] == 1
