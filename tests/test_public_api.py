"""What may be relied on: it is there, it is documented, and its docstrings' examples are modules that work."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import graphdiag
from graphdiag import errors

ROOT = Path(__file__).resolve().parents[1]
PLUG_IN_MODULES = ["rules", "contracts", "sources"]


@pytest.mark.parametrize("module", PLUG_IN_MODULES)
def test_what_authors_of_plug_ins_need_is_there(module: str) -> None:
    public = import_module(f"graphdiag.{module}")
    assert len(public.__all__) > 5
    assert all(hasattr(public, name) for name in public.__all__)


@pytest.mark.parametrize("module", PLUG_IN_MODULES)
def test_the_example_of_a_plug_in_is_a_module_that_can_be_loaded(module: str) -> None:
    public = import_module(f"graphdiag.{module}")
    (example,) = re.findall(r"^ {4}(?:\'\'\'|from ).*?(?=^\S)", public.__doc__ or "", re.MULTILINE | re.DOTALL)
    code = re.sub(r"^ {4}", "", example, flags=re.MULTILINE)
    scope = {"__name__": __name__}
    exec(compile(code, module, "exec"), scope)
    assert {"rules": "RULE", "contracts": "Narrow", "sources": "CHAIN"}[module] in scope


def test_every_public_name_is_documented() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    absent = [name for name in graphdiag.__all__ if name != "__version__" and not re.search(rf"\b{name}\b", page)]
    assert absent == []


def test_every_public_name_is_in_the_reference() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^::: graphdiag\.(\w+)$", page, re.MULTILINE)
    assert set(graphdiag.__all__) - {"__version__"} <= set(listed)


def test_every_error_is_exported() -> None:
    of_module = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert of_module <= set(graphdiag.__all__)
