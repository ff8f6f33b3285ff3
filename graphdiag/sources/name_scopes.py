"""The name scopes that a Python file opens around layers, read from its text."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from graphdiag.sources.opened import NameScope, SourceLine

_BASES = frozenset({"Layer", "Model"})
_OPENERS = frozenset({"name_scope", "variable_scope"})


def name_scopes(source: bytes, path: str, locations: Mapping[str, SourceLine]) -> Sequence[NameScope]:
    """The name scopes around layers.

    Args:
        source: The file's text.
        path: The file, as `locations` has it.
        locations: Where each layer is made, by its id.

    Returns:
        Each ``with tf.name_scope("...")`` of a fixed name, and the like, in which a layer is made, and each class of
        layers that overrides ``__call__`` and makes one; none in a file that Python cannot parse.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found = []
    for name, first, last, overrides_call in (*_opened(tree), *_overriding(tree)):
        layers = [id_ for id_, (file, line) in locations.items() if file == path and first <= line <= last]
        if layers:
            found.append(NameScope(name, first, layers, overrides_call))
    return found


def _opened(tree: ast.AST) -> Iterator[tuple[str, int, int, bool]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.With):
            continue
        for item in node.items:
            call = item.context_expr
            if not isinstance(call, ast.Call) or not call.args:
                continue
            function, argument = call.func, call.args[0]
            opener = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if opener in _OPENERS and isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value, node.lineno, node.end_lineno or node.lineno, False


def _overriding(tree: ast.AST) -> Iterator[tuple[str, int, int, bool]]:
    """Classes of layers with a ``__call__`` of their own."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        bases = {base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases}
        methods = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
        if bases & _BASES and "__call__" in methods:
            yield node.name, node.lineno, node.end_lineno or node.lineno, True
