"""Functions whose modules are imported when they are called: few runs need more than one format."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def late(where: str) -> Callable[..., Any]:
    """A function of this package.

    Args:
        where: Its module and its name: ``sarif:to_sarif``.

    Returns:
        What passes its arguments on to that function.
    """
    module, _, name = where.partition(":")

    def call(*given: Any) -> Any:
        return getattr(import_module(f"graphdiag.report.{module}"), name)(*given)

    return call
