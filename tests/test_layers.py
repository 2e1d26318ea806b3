"""The layers hold: no room imports one above it, no import goes in a circle, pytest is imported upstairs only."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import pytest_saliency_sanity

PACKAGE = Path(pytest_saliency_sanity.__file__).parent
NAME = PACKAGE.name
# What each room may import besides itself. What is not here may be imported by nobody.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "foundation": frozenset(),
    "drawing": frozenset({"foundation"}),
    "data": frozenset({"foundation"}),
    "networks": frozenset({"foundation", "data"}),
    "methods": frozenset({"foundation", "data"}),
    "interventions": frozenset({"foundation"}),
    "measuring": frozenset({"foundation", "drawing", "data", "methods", "interventions"}),
    "checks": frozenset({"foundation", "drawing", "data", "methods", "interventions", "measuring"}),
    "reports": frozenset(
        {"foundation", "drawing", "data", "methods", "interventions", "measuring", "checks", "networks"}
    ),
}
ROOMS = frozenset(MAY_IMPORT)
MAY_IMPORT |= {
    "api": ROOMS - {"reports"},
    "assertions": (ROOMS - {"reports"}) | {"api"},
    "doctor": ROOMS | {"api"},
    "plugin": ROOMS | {"assertions", "suite"},
    "suite": frozenset({"checks", "foundation"}),
    "__main__": frozenset({"foundation", "networks", "reports"}),
    "__init__": ROOMS | {"api", "assertions"},
}
WITH_PYTEST = {"plugin", "suite"}
TOP_LEVEL_FILES = 7


def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name without the package's."""
    return {dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def room_of(module: str) -> str:
    return module.partition(".")[0]


def own_imports(module: str, source: str, known: Mapping[str, object], *, is_package: bool) -> Iterator[str]:
    """Yield the modules of the package that a module imports, anywhere in it but for type checkers only."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    if module == "__init__":
        package = []
    for node in reached(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[: len(package) - node.level + 1]
                target = ".".join([*base, *([node.module] if node.module else [])])
            elif (node.module or "").startswith(f"{NAME}.") or node.module == NAME:
                target = (node.module or "").removeprefix(NAME).removeprefix(".")
            else:
                continue
            for alias in node.names:
                inside = f"{target}.{alias.name}".removeprefix(".")
                yield inside if inside in known else target or "__init__"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith(f"{NAME}."):
                    yield alias.name.removeprefix(f"{NAME}.")


def reached(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is executed: all nodes but those under ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
            continue
        yield child
        yield from reached(child)


def graph() -> dict[str, set[str]]:
    known = modules()
    return {
        name: set(own_imports(name, path.read_text(), known, is_package=path.name == "__init__.py")) - {name}
        for name, path in known.items()
    }


def upward(imports: Mapping[str, set[str]]) -> list[str]:
    """Return what imports a room that it may not know."""
    return [
        f"{name} imports {target}"
        for name, targets in imports.items()
        for target in sorted(targets)
        if room_of(target) not in {room_of(name), *MAY_IMPORT[room_of(name)]}
    ]


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    """Return the modules of a circle of imports; none if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def packages_imported(source: str) -> set[str]:
    """Return the packages that a source names in its absolute imports, for type checkers only or not."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


def test_every_module_stands_in_a_room() -> None:
    assert {room_of(name) for name in modules()} == set(MAY_IMPORT)
    assert len(list(PACKAGE.glob("*.py"))) <= TOP_LEVEL_FILES


def test_no_room_imports_one_above_it() -> None:
    assert upward(graph()) == []


def test_no_import_goes_in_a_circle() -> None:
    assert circle(graph()) == []


@pytest.mark.parametrize("name", [name for name in modules() if room_of(name) not in WITH_PYTEST])
def test_pytest_is_imported_upstairs_only(name: str) -> None:
    assert not {"pytest", "_pytest"} & packages_imported(modules()[name].read_text())


def test_an_upward_import_is_noticed() -> None:
    # Shows that the tests above can fail, also for an import inside a function.
    source = "def late():\n    from ..plugin import fixtures"
    found = {"data.batch": set(own_imports("data.batch", source, modules(), is_package=False))}
    assert upward(found) == ["data.batch imports plugin.fixtures"]


def test_a_circle_is_noticed() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


def test_an_import_for_type_checkers_alone_is_none() -> None:
    source = "if TYPE_CHECKING:\n    from ..plugin import fixtures"
    assert list(own_imports("data.batch", source, modules(), is_package=False)) == []


def test_an_import_of_pytest_is_noticed() -> None:
    assert "pytest" in packages_imported((PACKAGE / "plugin" / "fixtures.py").read_text())
