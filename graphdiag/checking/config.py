"""The configuration: which models are checked, and what is demanded of them.

It stands in ``[tool.graphdiag]`` of ``pyproject.toml``, or in ``graphdiag.toml``, where the tables may do without
``tool.graphdiag``. Reading it runs no code and looks at no model.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from graphdiag.checking.contracts.contract import Contract
from graphdiag.checking.contracts.no_findings import NoFindings
from graphdiag.checking.contracts.options import (
    Place,
    Reader,
    check_keys,
    choice,
    flag,
    list_of,
    nearest,
    path,
    table,
    text,
)
from graphdiag.checking.contracts.registry import make_contract
from graphdiag.diagnosis.finding import Severity
from graphdiag.diagnosis.registry import EVERY, all_rules
from graphdiag.errors import ConfigError, UsageError
from graphdiag.source_names import scheme_of
from graphdiag.sources.files import LARGEST_CONFIG, read_regular

OFF = "off"
"""Stands for a severity, for a rule that is not to report."""

DEFAULT_CONTRACT = NoFindings(name="no findings of severity error")
"""What is checked when no contract is configured."""

_FILES = ("graphdiag.toml", "pyproject.toml")
_TABLE = "tool.graphdiag"
_NAME_LINE = re.compile(r"""\s*name\s*=\s*(["'])(.*?)\1\s*(#.*)?$""")
_KEYS = ("models", "contracts", "select", "ignore", "severity", "baseline")


@dataclass(frozen=True)
class ModelConfig:
    """One model to check.

    Attributes:
        name: What it is called.
        source: Its path or address, as `graphdiag.compare` takes it.
        options: Other keyword arguments of `graphdiag.compare`.
    """

    name: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """What to check.

    Attributes:
        path: The file; ``None`` when there is none.
        models: The models.
        contracts: The contracts; `DEFAULT_CONTRACT` when none is configured.
        select: Codes of the rules that report; all if empty.
        ignore: Codes of the rules that do not.
        severity: Severity by code or beginning of codes: a `Severity`'s value, or `OFF`.
        baseline: The file with the accepted findings.
        left_out: Names of configured models that are not to be checked this time.
        table: The table of the file that all of it stands in; empty where it stands at the top.
    """

    path: Path | None = None
    models: tuple[ModelConfig, ...] = ()
    contracts: tuple[Contract, ...] = (DEFAULT_CONTRACT,)
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict)
    baseline: Path | None = None
    left_out: frozenset[str] = frozenset()
    table: str = _TABLE

    def only(self, source: str | Path, options: Mapping[str, Any] | None = None) -> Config:
        """This configuration for one source.

        Args:
            source: The name of a configured model, a source of configured models, or any other source. One that is
                not configured is checked against the contracts that hold for all models.
            options: Keyword arguments of `graphdiag.compare`, for a source that is not configured.

        Raises:
            UsageError: Options are given for a model that has its own, or the source is neither configured nor there.
        """
        names = frozenset(model.name for model in self.models)
        wanted = absolute(str(source))
        found = tuple(model for model in self.models if model.name == str(source)) or tuple(
            model for model in self.models if absolute(model.source) == wanted
        )
        if found and options:
            raise UsageError(f"{source} is configured as {found[0].name!r}: its options stand in {self.path}.")
        if found:
            return replace(self, models=found, left_out=names - {model.name for model in found})
        if self.models and not scheme_of(source) and not os.path.exists(source):
            ordered = [model.name for model in self.models]
            hint = nearest(str(source), ordered) or f"; there are {', '.join(ordered)}"
            raise UsageError(f"{source}: is not a model of {self.path}, and no such file exists{hint}.")
        kept = tuple(contract for contract in self.contracts if contract.models is None)
        model = ModelConfig(str(source), str(source), options or {})
        return replace(self, models=(model,), contracts=kept or (DEFAULT_CONTRACT,), left_out=names)

    def choosing(self, select: Sequence[str], ignore: Sequence[str]) -> Config:
        """This configuration with other rules, for all models; what is empty stays as it is configured."""
        chosen = {key: tuple(codes) for key, codes in (("select", select), ("ignore", ignore)) if codes}
        models = tuple(replace(model, options={**model.options, **chosen}) for model in self.models)
        return replace(self, models=models)


def absolute(source: str) -> str:
    """A source as it is meant from any directory: the whole path; an address as it is."""
    return source if scheme_of(source) else os.path.abspath(source)


def find_config(directory: Path) -> Path | None:
    """The configuration of a directory: in it, or in the nearest directory above that has one.

    A ``graphdiag.toml`` goes before a ``pyproject.toml``, and one of those without ``[tool.graphdiag]`` is passed
    over.

    Raises:
        ConfigError: The directory is gone, or a file on the way cannot be read.
    """
    try:
        where = directory.resolve()
    except OSError as error:
        raise ConfigError(
            f"{directory}: cannot be read: {error.strerror}; change to a directory that exists."
        ) from error
    for parent in (where, *where.parents):
        for name in _FILES:
            file = parent / name
            if file.is_file() and (name == _FILES[0] or _own_table(_load(file), name) is not None):
                return Path(os.path.relpath(file, where)) if directory == Path() else file
    return None


def read_config(file: str | Path) -> Config:
    """Read a configuration.

    Args:
        file: A ``pyproject.toml``, or another TOML file with the same tables, ``tool.graphdiag`` before their names or
            not.

    Returns:
        The configuration. Paths are relative to the working directory, as they are in messages and reports.

    Raises:
        ConfigError: The file cannot be read, or says what cannot be; the message names the key and the nearest right
            word.
    """
    file = Path(file)
    content = _load(file)
    own = _own_table(content, file.name)
    if own is None:
        raise ConfigError(f"{file}: has no table [{_TABLE}].")
    place = Place(str(file), directory=Path(os.path.relpath(file.parent)))
    if own is not content:
        _check_outside(content, place)
    check_keys(own, _KEYS, place)
    models = _each(own, "models", place, _model)
    _check_names("models", [model.name for model in models], place)
    lines = _lines_of_names(file)
    contracts = _each(own, "contracts", place, lambda value, at: _contract(value, at, lines))
    _check_names("contracts", [contract.name for contract in contracts], place)
    for contract in contracts:
        _check_models(contract, models)
    return Config(
        path=file,
        models=models,
        contracts=contracts or (DEFAULT_CONTRACT,),
        select=_codes(own, "select", place),
        ignore=_codes(own, "ignore", place),
        severity=_severities(own, place),
        baseline=path(own["baseline"], place.at("baseline")) if "baseline" in own else None,
        table="" if own is content else _TABLE,
    )


def _load(file: Path) -> Mapping[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(read_regular(file, LARGEST_CONFIG).decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}.") from error
    except RecursionError as error:
        raise ConfigError(f"{file}: is not TOML that can be read: it is nested too deeply.") from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise ConfigError(f"{file}: is not TOML: {error}.") from error


def _lines_of_names(file: Path) -> Mapping[str, int]:
    """The lines on which contracts are named; no TOML reader tells them. Names with escapes in them are left out."""
    lines: dict[str, int] = {}
    in_contracts = False
    for number, line in enumerate(read_regular(file, LARGEST_CONFIG).decode("utf-8").splitlines(), start=1):
        if line.lstrip().startswith("["):
            in_contracts = line.strip().strip("[] ").endswith("contracts")
        found = _NAME_LINE.match(line) if in_contracts else None
        if found:
            lines.setdefault(found[2], number)
    return lines


def _own_table(content: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    tool = content.get("tool")
    if isinstance(tool, Mapping) and "graphdiag" in tool:
        return table(tool["graphdiag"], Place(name, _TABLE))
    return None if name == "pyproject.toml" else content


def _check_outside(content: Mapping[str, Any], place: Place) -> None:
    """Refuse keys of ours beside our table, where nobody would read them."""
    for key in _KEYS:
        if key in content:
            raise place.error(
                f"{key!r} stands outside [{_TABLE}], which the file has too, and would not be read; move it in there "
                f"as {_TABLE}.{key}."
            )


def _each(own: Mapping[str, Any], key: str, place: Place, read: Reader[Any]) -> tuple[Any, ...]:
    return list_of(read, at_least=0)(own.get(key, []), place.at(key))


def _check_names(key: str, names: Sequence[str], place: Place) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise place.at(key).entry(number).error(f"there is another one of the name {name!r}.")


# --- models ----------------------------------------------------------------------------------------------------------


def _model(value: Any, place: Place) -> ModelConfig:
    options = table(value, place)
    check_keys(options, _MODEL_KEYS, place)
    for key in ("name", "source"):
        if key not in options:
            raise place.error(f"the key {key!r} is missing.")
    found = {key: _MODEL_KEYS[key](content, place.at(key)) for key, content in options.items()}
    return ModelConfig(found.pop("name"), found.pop("source"), found)


def _source(value: Any, place: Place) -> str:
    return value if scheme_of(value) else os.path.normpath(path(value, place))


def _input_shape(value: Any, place: Place) -> tuple[int | None, ...]:
    """TOML has no ``None``: a size that is not fixed is written ``"None"``."""
    if not isinstance(value, list) or not value:
        raise place.error('must be a list of sizes, the batch first: ["None", 39].')
    sizes: list[int | None] = []
    for size in value:
        if size in ("None", "?"):
            sizes.append(None)
        elif isinstance(size, int) and not isinstance(size, bool) and size > 0:
            sizes.append(size)
        else:
            raise place.error(f'{size!r} is not a size; write a number from 1 on, or "None".')
    return tuple(sizes)


def _rule_codes(value: Any, place: Place) -> tuple[str, ...]:
    return tuple(_code(entry, place.entry(number)) for number, entry in enumerate(list_of(text)(value, place)))


def _code(code: str, place: Place) -> str:
    codes = [rule.code for rule in all_rules()]
    wanted = code.strip().upper()
    if wanted != EVERY and not (wanted and any(known.startswith(wanted) for known in codes)):
        raise place.error(f"no rule has the code {code!r}{nearest(wanted, codes)}; 'graphdiag explain' lists all.")
    return wanted


_MODEL_KEYS: Mapping[str, Reader[Any]] = {
    "name": text,
    "source": _source,
    "model": _source,
    "run": text,
    "tag": text,
    "entry": text,
    "arguments": table,
    "graph": choice("training", "inference", "train-step"),
    "input_shape": _input_shape,
    "script_arguments": list_of(text),
    "run_to_end": flag,
    "load": flag,
    "unsafe": flag,
    "verify": flag,
    "select": _rule_codes,
    "ignore": _rule_codes,
}


# --- contracts and rules ---------------------------------------------------------------------------------------------


def _contract(value: Any, place: Place, lines: Mapping[str, int]) -> Contract:
    options = table(value, place)
    name = options.get("name")
    if isinstance(name, str) and name:
        place = replace(place, where=f"{place.where}, contract {name!r}", key="", line=lines.get(name, 0))
    return make_contract(options, place)


def _check_models(contract: Contract, models: Sequence[ModelConfig]) -> None:
    names = [model.name for model in models]
    for number, name in enumerate(contract.models or ()):
        if name not in names:
            raise ConfigError(f"{contract.where}: models[{number}]: there is no model {name!r}{nearest(name, names)}.")


def _codes(own: Mapping[str, Any], key: str, place: Place) -> tuple[str, ...]:
    return _rule_codes(own[key], place.at(key)) if key in own else ()


def _severities(own: Mapping[str, Any], place: Place) -> Mapping[str, str]:
    place = place.at("severity")
    read = choice(*(severity.value for severity in Severity), OFF)
    options = table(own.get("severity", {}), place)
    return {_code(code, place.at(code)): read(level, place.at(code)) for code, level in options.items()}
