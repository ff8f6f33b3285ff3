"""What the Python code in a traced graph does with what lies outside of it, read from its source.

``tf.py_function`` and ``tf.numpy_function`` put a call of a Python function into the graph. Of a live model the
function is at hand, and often its source shows that it keeps nothing, or finds nothing, outside of its arguments.
Whatever is not understood is taken to do both. Nothing is run here.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

_PURE_MODULES = frozenset({"math", "numpy", "scipy", "tensorflow", "keras", "tf_keras"})
"""Packages whose functions keep nothing of what they are given."""
_PURE_BUILTINS = frozenset(
    {
        *("abs", "all", "any", "bool", "dict", "enumerate", "float", "int", "isinstance", "len", "list", "max", "min"),
        *("print", "range", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip"),
    }
)
"""Python's own functions that do."""
_READS = frozenset(
    {
        *("copy", "count", "get", "index", "items", "keys", "mean", "numpy", "read_value", "sum", "value", "values"),
    }
)
"""Methods that find something in an object and keep nothing."""
_WRITES = frozenset(
    {
        *("add", "append", "appendleft", "assign", "assign_add", "assign_sub", "clear", "extend", "fill", "insert"),
        *("put", "put_nowait", "remove", "set", "update", "write"),
    }
)
"""Methods that keep something in an object and, where nothing is made of what they give back, find nothing."""
_FILES = frozenset(
    {
        *("dump", "fromfile", "gfile", "load", "loads", "loadtxt", "memmap", "open", "read_file", "save", "savetxt"),
        *("savez", "savez_compressed", "summary", "tofile", "write_file"),
    }
)
"""Functions and methods that use files."""
_FILLS = frozenset({"copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"})
"""Functions of NumPy that change their first argument."""
_ALL_WEIGHTS = frozenset({"get_weights", "trainable_variables", "trainable_weights", "variables", "weights"})
"""What gives all weights of a layer."""
_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_DEEPEST = 8
"""How many functions deep the calls of a function are followed."""


@dataclass(frozen=True)
class Access:
    """What a piece of code does with what lies outside of its arguments.

    Attributes:
        reads: Whether it may find anything there.
        writes: Whether it may keep anything there.
    """

    reads: bool = False
    writes: bool = False

    def __or__(self, other: Access) -> Access:
        return Access(self.reads or other.reads, self.writes or other.writes)


NOTHING, READS, WRITES, BOTH = Access(), Access(reads=True), Access(writes=True), Access(True, True)


def access_of(function: Any, depth: int = 0) -> Access:
    """What a Python function does with what lies outside of its arguments.

    Args:
        function: A function, or anything else that can be called.
        depth: How many calls deep it was met.

    Returns:
        What is certain not to happen is left out; both where the source is not at hand or not understood.
    """
    function = inspect.unwrap(function) if callable(function) else function
    if isinstance(function, MethodType) or not isinstance(function, FunctionType) or depth > _DEEPEST:
        return BOTH
    node = _definition(function)
    return BOTH if node is None else _Reader(function, node, depth).access


def variables_of(function: Any, depth: int = 0) -> list[Any]:
    """The variables that a Python function may use: those that the names in its code lead to.

    Args:
        function: A function, or anything else that can be called.
        depth: How many calls deep it was met.

    Returns:
        The variables, and those of the layers, metrics and other objects that it names.
    """
    function = inspect.unwrap(function) if callable(function) else function
    if not isinstance(function, FunctionType) or depth > _DEEPEST:
        return []
    names = set(_names(function.__code__))
    outer = _outer_objects(function)
    found: list[Any] = []
    waiting = [outer[name] for name in sorted(names) if name in outer and not hasattr(builtins, name)]
    seen: set[int] = {id(function)}
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, (ModuleType, type, *_PLAIN)):
            continue
        seen.add(id(thing))
        if isinstance(thing, FunctionType):
            found += variables_of(thing, depth + 1)
        elif _is_variable(thing):
            found.append(thing)
        else:
            found += _held(thing, "variables")
            attributes = getattr(thing, "__dict__", {})
            waiting += [attributes[name] for name in sorted(names & attributes.keys())]
    return found


def weights_of(function: Any, depth: int = 0) -> list[Any]:
    """The variables of layers that a Python function names: one of them, or all by what gives all.

    Args:
        function: A function, or anything else that can be called.
        depth: How many calls deep it was met.

    Returns:
        ``dense.kernel``, and the variables of ``dense`` where it is called or its weights are asked for. What is
        named for something else, as its ``units``, gives none.
    """
    function = inspect.unwrap(function) if callable(function) else function
    waiting: list[tuple[str, Any]] = []
    if isinstance(function, MethodType):
        waiting.append(("", function.__self__))
        function = function.__func__
    node = _definition(function) if isinstance(function, FunctionType) and depth <= _DEEPEST else None
    if node is None:
        return []
    names = set(_names(function.__code__))
    called = {_last_name(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
    outer = _outer_objects(function)
    waiting += [(name, outer[name]) for name in sorted(names) if name in outer and not hasattr(builtins, name)]
    found: list[Any] = []
    seen: set[int] = {id(function)}
    while waiting:
        name, thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, (ModuleType, type, *_PLAIN)):
            continue
        seen.add(id(thing))
        if isinstance(thing, FunctionType):
            found += weights_of(thing, depth + 1)
        elif _is_variable(thing):
            found.append(thing)
        else:
            takes_all = name in called or names & _ALL_WEIGHTS
            for variable in filter(_is_variable, _held(thing, "weights")):
                # In Keras 3, `kernel` is a property of a Dense, so it is known by the variable's own name.
                if takes_all or str(variable.name).rpartition("/")[2].partition(":")[0] in names:
                    found.append(variable)
            attributes = getattr(thing, "__dict__", {})
            waiting += [(part, attributes[part]) for part in sorted(names & attributes.keys())]
    return list({id(variable): variable for variable in found}.values())


def _is_variable(thing: Any) -> bool:
    return hasattr(thing, "assign") and hasattr(thing, "dtype")


def _held(thing: Any, attribute: str) -> Sequence[Any]:
    """The list that an object has under a name, if it has one."""
    try:
        held = getattr(thing, attribute, ())
    except ValueError:  # tf_keras's answer for a model that was never built
        return ()
    return held if isinstance(held, (list, tuple)) else ()


def _last_name(part: ast.expr) -> str:
    return part.id if isinstance(part, ast.Name) else part.attr if isinstance(part, ast.Attribute) else ""


def _names(code: CodeType) -> Iterator[str]:
    """The names that a piece of code uses and does not bind, those of the code inside it included."""
    yield from (*code.co_names, *code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _definition(function: FunctionType) -> ast.AST | None:
    """The definition of a function in its source file, where it is the only one of its kind on its line."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return None
    arguments = list(code.co_varnames[: code.co_argcount])
    wanted = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, wanted)
        and code.co_firstlineno in (node.lineno, *(item.lineno for item in getattr(node, "decorator_list", ())))
        and (isinstance(node, ast.Lambda) or node.name == code.co_name)
        and [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)] == arguments
    ]
    return found[0] if len(found) == 1 else None


class _Reader:
    """Reads one definition.

    Attributes:
        access: What it does with what lies outside of its arguments.
    """

    def __init__(self, function: FunctionType, node: ast.AST, depth: int) -> None:
        self._function = function
        self._depth = depth
        self._outer = _outer_objects(function)
        self._parents = {child: parent for parent in ast.walk(node) for child in ast.iter_child_nodes(parent)}
        shared = {
            name for part in ast.walk(node) if isinstance(part, (ast.Global, ast.Nonlocal)) for name in part.names
        }
        self._local = set(_bound(node)) - shared
        self.access = NOTHING
        self._finds_objects = False
        changes_a_local = False
        body = node.body if isinstance(node.body, list) else [node.body]  # type: ignore[attr-defined]
        for part in (part for statement in body for part in ast.walk(statement)):
            if isinstance(part, ast.Name) and part.id not in self._local:
                self.access |= self._of_name(part)
            elif isinstance(part, ast.Attribute) and part.attr in _FILES:
                self.access |= BOTH
            elif isinstance(part, (ast.Attribute, ast.Subscript)) and self._is_local(part):
                changes_a_local = changes_a_local or not isinstance(part.ctx, ast.Load) or self._changes(part)
            elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in self._local:
                self.access |= BOTH  # a function that it was given
            elif isinstance(part, (ast.Import, ast.ImportFrom, ast.Yield, ast.YieldFrom, ast.Await)):
                self.access |= BOTH
        if changes_a_local and self._finds_objects:
            # What it changes may be what it has found outside.
            self.access |= WRITES

    def _is_local(self, part: ast.AST) -> bool:
        while isinstance(part, (ast.Attribute, ast.Subscript, ast.Call)):
            part = part.func if isinstance(part, ast.Call) else part.value
        return not isinstance(part, ast.Name) or part.id in self._local

    def _changes(self, part: ast.AST) -> bool:
        return isinstance(part, ast.Attribute) and self._is_called(part) and part.attr in _WRITES

    def _is_called(self, part: ast.AST) -> bool:
        parent = self._parents.get(part)
        return isinstance(parent, ast.Call) and parent.func is part

    def _of_name(self, name: ast.Name) -> Access:
        if not isinstance(name.ctx, ast.Load):
            return BOTH if isinstance(self._parents.get(name), ast.AugAssign) else WRITES
        if name.id not in self._outer:
            return BOTH
        found = self._outer[name.id]
        if isinstance(found, ModuleType):
            return self._of_module(name, found)
        if name.id in _PURE_BUILTINS and found is getattr(builtins, name.id):
            return NOTHING
        if callable(found) and _is_pure(found):
            return BOTH if name.id in _FILES else NOTHING
        if isinstance(found, FunctionType):
            return access_of(found, self._depth + 1) if self._is_called(name) and found is not self._function else BOTH
        if callable(found) and not isinstance(self._parents.get(name), ast.Attribute):
            return BOTH
        # A number may be another one next time: who writes it says so itself.
        if isinstance(found, _PLAIN):
            return READS
        access = self._of_object(name)
        self._finds_objects = self._finds_objects or access.reads
        return access

    def _of_module(self, name: ast.Name, module: ModuleType) -> Access:
        part: ast.AST = name
        found: Any = module
        while isinstance(parent := self._parents.get(part), ast.Attribute) and isinstance(found, ModuleType):
            if not isinstance(parent.ctx, ast.Load):
                return WRITES
            found, part = vars(found).get(parent.attr, found), parent
        if module.__name__.partition(".")[0] in _PURE_MODULES:
            return NOTHING
        if isinstance(found, FunctionType) and self._is_called(part):
            return access_of(found, self._depth + 1)
        return READS if isinstance(found, _PLAIN) else BOTH

    def _of_object(self, name: ast.Name) -> Access:
        """What is done with an object that lives outside, by the last step of ``box["key"].attribute``."""
        part: ast.expr = name
        parent = self._parents.get(part)
        while isinstance(parent, (ast.Attribute, ast.Subscript)) and parent.value is part:
            part, parent = parent, self._parents.get(parent)
        if part is not name and not isinstance(part.ctx, ast.Load):  # type: ignore[attr-defined]
            return BOTH if isinstance(parent, ast.AugAssign) else WRITES
        if self._is_called(part):
            if not isinstance(part, ast.Attribute) or part.attr not in _READS | _WRITES:
                return BOTH
            if part.attr in _READS:
                return READS
            return WRITES if isinstance(self._parents.get(parent), ast.Expr) else BOTH  # type: ignore[arg-type]
        # By another name, or in another's hands, it may be changed later.
        call = self._parents.get(parent) if isinstance(parent, (ast.keyword, ast.Starred)) else parent
        if isinstance(call, ast.Call) and call.func is not part:
            return READS if self._only_reads(call) else BOTH
        is_handed_on = isinstance(parent, (ast.Assign, ast.NamedExpr, ast.Return, ast.keyword, ast.Starred))
        return BOTH if is_handed_on and part is name else READS

    def _only_reads(self, call: ast.Call) -> bool:
        """Whether a call changes none of its arguments."""
        last = part = call.func
        while isinstance(part, ast.Attribute):
            part = part.value
        if not isinstance(part, ast.Name) or part.id in self._local or part.id not in self._outer:
            return False
        called = last.attr if isinstance(last, ast.Attribute) else part.id
        found = self._outer[part.id]
        if called in _FILLS or any(keyword.arg == "out" for keyword in call.keywords):
            return False
        if isinstance(found, ModuleType):
            return found.__name__.partition(".")[0] in _PURE_MODULES
        return part.id in _PURE_BUILTINS and found is getattr(builtins, part.id)


def _is_pure(found: Any) -> bool:
    """Whether it is a function or class of a package whose functions keep nothing."""
    owner = found if isinstance(found, (BuiltinFunctionType, FunctionType, type)) else type(found)
    package = str(getattr(owner, "__module__", "")).partition(".")[0]
    # Instances have a state, as Keras's layers and metrics do; but NumPy's functions are instances, too.
    return package in _PURE_MODULES and (owner is found or owner.__name__ == "ufunc")


def _bound(node: ast.AST) -> Iterator[str]:
    """Names that a definition, or one inside it, binds."""
    for part in ast.walk(node):
        if isinstance(part, ast.arg):
            yield part.arg
        elif isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            yield part.id
        elif isinstance(part, ast.FunctionDef) and part is not node:
            yield part.name


def _outer_objects(function: FunctionType) -> Mapping[str, Any]:
    """What the names mean that a function does not bind itself."""
    try:
        closure = inspect.getclosurevars(function)
    except (TypeError, ValueError):
        return {}
    return {**vars(builtins), **function.__globals__, **closure.nonlocals}
