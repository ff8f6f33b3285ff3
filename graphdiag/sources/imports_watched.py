"""Do something around, or right after, the first import of a module."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_Around = Callable[[], AbstractContextManager[object]]


@contextlib.contextmanager
def after_import(names: Sequence[str], then: Callable[[ModuleType], None]) -> Iterator[None]:
    """Call ``then(module)`` for each of some modules: at once where it is imported, else right after its import.

    Args:
        names: Names of the modules.
        then: Takes a module.
    """
    for name in names:
        module = sys.modules.get(name)
        if module is not None:
            then(module)
    with _found_by(_Finder(names, contextlib.nullcontext, then)):
        yield


@contextlib.contextmanager
def around_import(name: str, around: _Around) -> Iterator[None]:
    """Import a module inside of a context, if it is imported in the ``with`` block.

    Args:
        name: Name of the module.
        around: Makes the context.
    """
    with _found_by(_Finder([name], around, lambda _: None)):
        yield


@contextlib.contextmanager
def _found_by(finder: importlib.abc.MetaPathFinder) -> Iterator[None]:
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, names: Sequence[str], around: _Around, then: Callable[[ModuleType], None]) -> None:
        self._names = names
        self._around = around
        self._then = then
        self._looking = False

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname not in self._names or self._looking:
            return None
        self._looking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._looking = False
        # TensorFlow asks for Keras's spec several times before it imports it.
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._around, self._then)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader, around: _Around, then: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._around = around
        self._then = then

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # Nothing else that asks the module for its loader should meet this one.
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        with self._around():
            self._loader.exec_module(module)
        self._then(module)
