"""Parses where measuring is spread to: ``loky:4``, ``dask:tcp://host:8786``, ``ray``. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from .errors import quoted, unknown_name

LOKY, DASK, RAY = "loky", "dask", "ray"
OF_ALL = ("joblib", "cloudpickle")
# By name: the packages that it needs, and how it is given.
KNOWN: dict[str, tuple[tuple[str, ...], str]] = {
    LOKY: (OF_ALL, "loky:N, N processes of this machine"),
    DASK: ((*OF_ALL, "distributed"), "dask:ADDRESS, the scheduler of a Dask cluster"),
    RAY: ((*OF_ALL, "ray"), "ray or ray:N, a Ray cluster, or one that is started on this machine"),
}
MOST_PROCESSES = 1024


@dataclass(frozen=True)
class Backend:
    """Where measuring is spread to. ``processes``: how many, None if the cluster knows; ``address``: of a cluster."""

    name: str
    processes: int | None = None
    address: str = ""

    def __str__(self) -> str:
        where = self.address or (str(self.processes) if self.processes else "")
        return f"{self.name}:{where}" if where else self.name

    @property
    def is_cluster(self) -> bool:
        """Whether its processes may be on other machines, and can fail to answer."""
        return self.name in (DASK, RAY)

    def require_installed(self) -> None:
        """Raise ImportError, with what to install, if a package is missing."""
        for package in KNOWN[self.name][0]:
            if find_spec(package) is None:
                extra = "parallel" if package in OF_ALL else "clusters"
                raise ImportError(f"{self} needs {package}: pip install 'pytest-saliency-sanity[{extra}]'")


def parse_backend(text: str) -> Backend:
    """Return the backend that a text means. Raises ValueError if it means none, ImportError if a package is missing."""
    name, _, where = text.strip().partition(":")
    if name not in KNOWN:
        raise unknown_name("way to run in parallel", name, KNOWN)
    allowed = f"{quoted(text)} is not of the form {KNOWN[name][1]}"
    if name == DASK:
        if not where or any(each.isspace() for each in where):
            raise ValueError(allowed)
        backend = Backend(name, address=where)
    elif name == RAY and not where and ":" not in text:
        backend = Backend(name)
    else:
        if not (where.isascii() and where.isdigit() and len(where) < 10 and 1 <= int(where) <= MOST_PROCESSES):
            raise ValueError(f"{allowed}, 1 to {MOST_PROCESSES}")
        backend = Backend(name, int(where))
    backend.require_installed()
    return backend
