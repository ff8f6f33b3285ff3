"""The JSON Schemas (2020-12) of the documents that graphdiag writes, each in a file ``NAME.schema.json``."""

from __future__ import annotations

from importlib.resources import files

from graphdiag.errors import UsageError

_SUFFIX = ".schema.json"


def names() -> list[str]:
    """Names of all schemas, as ``report``."""
    found = (file.name for file in files(__name__).iterdir())
    return sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX))


def schema(name: str) -> str:
    """A schema, as JSON.

    Raises:
        UsageError: There is none of this name.
    """
    if name not in names():
        raise UsageError(f"schema {name}: unknown schema; choose from {', '.join(names())}.")
    return files(__name__).joinpath(f"{name}{_SUFFIX}").read_text(encoding="utf-8")
