"""What is imported when methods are named and found: no more than is asked for."""

from __future__ import annotations

import pytest
from support.processes import imported_after, imported_by

LIBRARIES = {"captum", "zennit", "torchcam", "pytorch_grad_cam"}
HEAVY = {"torch", "numpy", "torchvision", *LIBRARIES}
WRONG = ["gradcan", "a:", "gradcam?x=f()", "a:b:c", "gradcam?", "captum:X:y:z", "gradcam?x=1&x=2", "f()"]
RIGHT = ["gradcam", "guided_backprop", "captum:Nothing", "zennit:Nothing:layer", "nowhere:fn", "torch:nothing"]


def test_specs_are_checked_without_importing_anything() -> None:
    imported = imported_by(
        "from pytest_saliency_sanity.methods.resolve import require_method_spec\n"
        f"for spec in {RIGHT!r}: require_method_spec(spec)\n"
        f"for spec in {WRONG!r}:\n"
        "    try: require_method_spec(spec)\n"
        "    except ValueError: pass\n"
        "    else: raise SystemExit(spec)\n"
    )
    assert not HEAVY & imported


@pytest.mark.parametrize("spec", ["gradcan", "captum:LayerGradCam:a:b", "gradcam?x=f()", "mine"])
def test_a_wrong_spec_is_resolved_without_importing_anything(spec: str) -> None:
    imported = imported_by(
        "from pytest_saliency_sanity.methods.resolve import resolve_method\n"
        "from pytest_saliency_sanity.methods.registry import NamedMethod, set_given\n"
        "set_given([NamedMethod('mine', 'mine', 'here')])\n"
        f"try: resolve_method({spec!r})\n"
        "except ValueError: pass\n"
        "else: raise SystemExit(1)\n"
    )
    assert not HEAVY & imported


@pytest.fixture(scope="module")
def resolved() -> list[set[str]]:
    """What a process has imported when it has resolved the methods of this project, and then one of a library."""
    return imported_after(
        "import pytest_saliency_sanity; from pytest_saliency_sanity import *\n"
        "from pytest_saliency_sanity.methods.resolve import resolve_method\n"
        "[resolve_method(name) for name in ('gradcam', 'smoothgrad?n_samples=2', 'gradient', 'sobel', 'input')]",
        "resolve_method('zennit:Gradient')",
    )


def test_a_right_spec_imports_what_it_needs(resolved: list[set[str]]) -> None:
    # Shows that the tests above can fail.
    assert "torch" in resolved[0]


def test_libraries_are_imported_only_when_they_are_asked_for(resolved: list[set[str]]) -> None:
    assert LIBRARIES & resolved[0] == set()


def test_one_library_does_not_import_another(resolved: list[set[str]]) -> None:
    # Shows that the test above can fail.
    assert LIBRARIES & resolved[1] == {"zennit"}
