"""Mutants: a module with one refusal taken out, put in place of the real one while a test runs."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A place in the code that raises, and what it raises there."""

    module: ModuleType
    function: str
    line: int
    raises: str

    def __str__(self) -> str:
        """For the names of tests: without the line, which changes with every edit above it."""
        return f"{self.module.__name__.rpartition('.')[2]}: {self.raises[:90]}"

    @property
    def place(self) -> tuple[str, int]:
        """As tracebacks have it."""
        return str(self.module.__file__), self.line

    def remove(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the function go on where it would have raised."""
        tree = _Without(self.line).visit(ast.parse(inspect.getsource(self.module)))
        whole = compile(ast.fix_missing_locations(tree), str(self.module.__file__), "exec", dont_inherit=True)
        (mutant,) = (code for code in _codes(whole) if code.co_qualname == self.function)
        monkeypatch.setattr(_function(self.module, self.function), "__code__", mutant)


class _Without(ast.NodeTransformer):
    """Takes out the `raise` of a line."""

    def __init__(self, line: int) -> None:
        self._line = line

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        """Nothing in its place."""
        return ast.copy_location(ast.Pass(), node) if node.lineno == self._line else node


def _codes(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _codes(one)


def _function(module: ModuleType, name: str) -> FunctionType:
    found: Any = module
    for part in name.split("."):
        found = vars(found)[part]
    found = found.fget if isinstance(found, property) else found
    found = inspect.unwrap(found)
    assert isinstance(found, FunctionType)
    return found


def refusals(module: ModuleType) -> list[Refusal]:
    """Every place in a module that raises an error of its own making."""
    tree = ast.parse(inspect.getsource(module))
    return [
        Refusal(
            module=module, function=name, line=node.lineno, raises=ast.unparse(node).removeprefix("raise ")
        )
        for name, function in _functions(tree)
        for node in ast.walk(function)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
    ]


def _functions(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{name}", inner) for name, inner in _functions(node))
