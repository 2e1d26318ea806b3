"""Adapters that turn methods of other libraries into saliency methods. A library is imported only when it is used.

Each adapter explains a copy of the model that all libraries treat alike (``canonical``). It makes a new explainer for
every model, finds the layer by its name, passes the class to explain, and keeps the library's resolution and signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from ...foundation.registry import Registry


@dataclass(frozen=True)
class Library:
    """A library whose classes are saliency methods: ``name:Class``.

    ``package``: the package to import. ``extra``: its name for pip. ``adapter``: the import path of a function
    that takes a ``foundation.specs.Spec`` and returns a saliency method. ``install``: the command that installs it.
    """

    name: str
    package: str
    extra: str
    adapter: str
    install: str = ""

    def __post_init__(self) -> None:
        if not self.install:
            object.__setattr__(self, "install", f"pip install 'pytest-saliency-sanity[{self.extra}]'")

    @property
    def is_installed(self) -> bool:
        """Whether its package can be imported here."""
        return find_spec(self.package) is not None


_HERE = "pytest_saliency_sanity.methods.adapters"
LIBRARIES = Registry(
    "library",
    Library,
    "saliency_sanity.adapters",
    (
        Library("captum", "captum", "captum", f"{_HERE}.captum:make"),
        Library("grad_cam", "pytorch_grad_cam", "grad-cam", f"{_HERE}.grad_cam:make"),
        Library("torchcam", "torchcam", "torchcam", f"{_HERE}.torchcam:make"),
        Library("zennit", "zennit", "zennit", f"{_HERE}.zennit:make"),
    ),
)


def missing(spec: str, library: Library) -> str:
    """Return the message for a spec whose library is not installed."""
    return f"{spec} needs {library.extra}: {library.install}"
