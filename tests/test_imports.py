"""Imports form no circle, modules stay short, and folders stay small."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("bot", "handlers", "services", "portal", "mail", "storage", "texts")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for room in (*PRODUCT, "sandbox")
    for path in sorted((ROOT / room).rglob("*.py"))
}
FOLDERS = sorted({path.parent for path in MODULES.values()})
LONGEST_MODULE = 300
MOST_FILES = 12
REASON = "More than a dozen files: "
"""The docstring of a folder's `__init__` gives the reason after these words."""


def imports(module: str) -> set[str]:
    """The modules that a module imports: at its top, in functions and under TYPE_CHECKING."""
    return {name for node in ast.walk(_tree(MODULES[module])) for name in _imported(node)} & MODULES.keys() - {module}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), path)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"relative import of {node.module}"
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            yield full if full in MODULES else str(node.module)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The circles of a graph: of each set of nodes that reach each other, one shortest circle."""
    reached = {node: _reachable(graph, node) for node in graph}
    found = []
    left = set(graph)
    for node in sorted(graph):
        if node in left and node in reached[node]:
            left -= {other for other in reached[node] if node in reached[other]}
            found.append(_shortest_circle(graph, node))
    return found


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        news = graph[waiting.pop()] - seen
        seen |= news
        waiting += news
    return seen


def _shortest_circle(graph: dict[str, set[str]], start: str) -> list[str]:
    """A shortest way from `start` back to it, found breadth first."""
    ways = {start: [start]}
    waiting = [start]
    for node in waiting:
        for after in sorted(graph[node]):
            if after == start:
                return [*ways[node], start]
            if after not in ways:
                ways[after] = [*ways[node], after]
                waiting.append(after)
    raise AssertionError(f"{start} is in no circle")


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({"a": {"b", "c"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"a"}}, [["a", "b", "a"]]),
        ({"a": {"b"}, "b": {"c"}, "c": {"d", "b"}, "d": {"b"}}, [["b", "c", "b"]]),
        ({"a": {"b"}, "b": {"a"}, "c": {"d", "a"}, "d": {"c"}}, [["a", "b", "a"], ["c", "d", "c"]]),
    ],
)
def test_circles_of_a_graph(graph: dict[str, set[str]], expected: list[list[str]]) -> None:
    assert circles(graph) == expected


def test_every_kind_of_import_counts() -> None:
    """Imports in functions and under TYPE_CHECKING are read, and a module imported from its package."""
    source = """
from typing import TYPE_CHECKING
import sandbox.serving
if TYPE_CHECKING:
    from sandbox.portal import clock
def later() -> None:
    from sandbox.portal.company import Portal
"""
    found = {name for node in ast.walk(ast.parse(source)) for name in _imported(node)}
    assert found == {"typing", "sandbox.serving", "sandbox.portal.clock", "sandbox.portal.company"}


def test_no_import_circle() -> None:
    found = circles({module: imports(module) for module in MODULES})
    named = [" -> ".join(circle) for circle in found]
    assert named == []


def test_no_module_is_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in MODULES.values()}
    long = {name for name, length in lengths.items() if length > LONGEST_MODULE}
    assert sorted(long) == []


def test_no_folder_is_crowded() -> None:
    """A folder with more than a dozen files gives the reason in the docstring of its `__init__`."""
    crowded = {str(folder.relative_to(ROOT)) for folder in FOLDERS if _is_crowded(folder)}
    assert sorted(crowded) == []


def _is_crowded(folder: Path) -> bool:
    files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    return len(files) > MOST_FILES and REASON not in (ast.get_docstring(_tree(folder / "__init__.py")) or "")


def test_every_folder_says_what_it_holds() -> None:
    undescribed = {
        str(folder.relative_to(ROOT)) for folder in FOLDERS if not ast.get_docstring(_tree(folder / "__init__.py"))
    }
    assert sorted(undescribed) == []
