"""Methods of other libraries, as saliency methods of this project. A library is imported only when it is asked for.

Each adapter looks at a copy of the model that the libraries agree on (``canonical``), makes a fresh explainer for every
model, finds the layer in it by name, names the class to explain, and keeps resolution and signs where the library does.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Library:
    """A library: the package to import, the extra that installs it, and the function that makes methods of a spec."""

    package: str
    extra: str
    adapter: str

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"pip install 'pytest-saliency-sanity[{self.extra}]'"


_HERE = "pytest_saliency_sanity.methods.adapters"
LIBRARIES = {
    "captum": Library("captum", "captum", f"{_HERE}.captum:make"),
    "grad_cam": Library("pytorch_grad_cam", "grad-cam", f"{_HERE}.grad_cam:make"),
    "torchcam": Library("torchcam", "torchcam", f"{_HERE}.torchcam:make"),
    "zennit": Library("zennit", "zennit", f"{_HERE}.zennit:make"),
}


def missing(spec: str, library: Library) -> str:
    """Return what to say where a spec needs a library that is not installed."""
    return f"{spec} needs {library.extra}: {library.install}"
