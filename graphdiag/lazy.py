"""Functions whose modules are imported when they are called: few runs need more than one format."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazy(where: str) -> Callable[..., Any]:
    """A function of a module that is not imported yet.

    Args:
        where: Its module and its name: ``graphdiag.render.ci.sarif:to_sarif``.

    Returns:
        A function that imports the module when it is called, and passes its arguments on.
    """
    module, _, name = where.partition(":")

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(module), name)(*args, **kwargs)

    return call
