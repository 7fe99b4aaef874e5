"""The floors of the house, as docs/explanation/architecture.md draws them: imports go down only."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = Path(__file__).parent.parent / "src" / "repro"

FLOORS = {
    "core": 0,
    "tools": 1,
    "drift": 2,
    "conditions": 2,
    "data": 2,
    "store": 2,
    "build": 2,
    "sbom": 2,
    "attest": 2,
    "verify": 3,
    "flows": 4,
    "render": 5,
    "cli": 6,
    "testing": 6,
}
"""Rooms and their floors."""

DOORS = {
    "subprocess": {"tools/process.py"},
    "dvc": {"data/dvc.py"},
    "sigstore": {"attest/sigstore.py", "attest/sigstore_signing.py"},
    "sqlalchemy": set(),
    "pickle": set(),
    "shelve": set(),
    "marshal": set(),
}
"""Modules with one door each, or none."""

SURROUNDINGS = {"environ", "getenv"}
CLOCKS = {"time.time", "datetime.now", "date.today", "datetime.utcnow"}
SCRIPTS = {f"conditions/{name}.py" for name in ("kernel", "launch", "measure", "probe")}
"""Standalone programs that run on the other side of the isolation: they import nothing but each other."""

FILES = sorted(path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, at whatever depth, with the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def parsed(name: str) -> ast.Module:
    return ast.parse((SOURCES / name).read_text(encoding="utf-8"))


def test_every_room_has_a_floor() -> None:
    """Every package of the house is on the map, and no file stands outside a room."""
    rooms = {name.split("/")[0] for name in FILES if "/" in name}
    assert rooms == set(FLOORS)
    assert {name for name in FILES if "/" not in name} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("name", [name for name in FILES if "/" in name])
def test_imports_go_down_only(name: str) -> None:
    """A file imports its own room and lower floors, function-level imports included; never sideways or up."""
    room = name.split("/", maxsplit=1)[0]
    for line, module in imports(parsed(name)):
        if not module.startswith("repro."):
            continue
        other = module.split(".")[1]
        if other in FLOORS and other != room:
            assert FLOORS[other] < FLOORS[room], f"{name}:{line} imports {module}"


@pytest.mark.parametrize("name", FILES)
def test_each_dangerous_module_has_one_door(name: str) -> None:
    """`subprocess` is imported in tools/process.py alone, dvc in data/dvc.py alone, pickle nowhere."""
    for line, module in imports(parsed(name)):
        top = module.split(".")[0]
        if top in DOORS and name not in SCRIPTS:
            assert name in DOORS[top], f"{name}:{line} imports {module}"


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_standalone_scripts_import_nothing_of_the_house(name: str) -> None:
    """A program for the other side of the isolation imports nothing of the house but its like."""
    own = {module for _, module in imports(parsed(name)) if module.split(".")[0] == "repro"}
    assert own <= {f"repro.{script.removesuffix('.py').replace('/', '.')}" for script in SCRIPTS}


@pytest.mark.parametrize(
    "name", [name for name in FILES if "/" in name and not name.startswith("tools/") and name not in SCRIPTS]
)
def test_time_and_surroundings_are_asked_in_tools_only(name: str) -> None:
    """No room but tools reads the clock or the environment variables of the caller."""
    for node in ast.walk(parsed(name)):
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            assert node.attr not in SURROUNDINGS, f"{name}:{node.lineno} reads {text}"
            assert ".".join(text.split(".")[-2:]) not in CLOCKS, f"{name}:{node.lineno} reads {text}"


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("__init__.py")])
def test_packages_are_empty(name: str) -> None:
    """Importing a package costs nothing: its `__init__` holds a docstring, and at the top the version."""
    body = parsed(name).body
    allowed = 2 if name == "__init__.py" else 1
    assert isinstance(body[0], ast.Expr)
    assert len(body) <= allowed


@pytest.mark.parametrize("name", FILES)
def test_files_keep_their_size(name: str) -> None:
    """A module has at most 400 lines and a function at most 50, docstrings included."""
    assert (SOURCES / name).read_text(encoding="utf-8").count("\n") <= 400
    for node in ast.walk(parsed(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            assert length <= 50, f"{name}:{node.lineno} {node.name} has {length} lines"
