"""What a contract is, and how one is read from a configuration.

A kind of contract is one frozen dataclass in one module: its docstring says what it demands and lists its options, its
fields are the options, and `check` looks at a report and yields what breaks it. Another package adds a kind in the
same way (see `graphdiag.checking.contracts.registry`):

    @dataclass(frozen=True, kw_only=True)
    class Narrow(Contract):
        '''No layer has more parameters than ``limit``.'''

        type: ClassVar[str] = "narrow"
        limit: int = option(number)

        def check(self, report: Report) -> Iterator[Violation]:
            ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import partial
from typing import Any, ClassVar, TypeVar

from graphdiag.checking.contracts.options import MissingGraphError, Place, Reader, check_keys, flag, list_of, text
from graphdiag.errors import GraphdiagError
from graphdiag.results.check_report import ContractOutcome, ContractStatus, Violation
from graphdiag.results.report import Report

_READ, _KEY = "read", "key"


def option(read: Reader[Any], *, default: Any = MISSING, key: str = "") -> Any:
    """A field of a contract that is an option in the configuration.

    Args:
        read: Turns the value in the configuration into the field's; see `graphdiag.checking.contracts.options`.
        default: The field's value when the option is not given. Without it the option must be given.
        key: The option's key, when it is not the field's name: ``from`` is not a name in Python.
    """
    return field(default=default, metadata={_READ: read, _KEY: key})


@dataclass(frozen=True, kw_only=True)
class Contract(ABC):
    """What a graph has to look like.

    Attributes:
        type: The kind, as it stands in the configuration.
        where: The file and the table in it, for messages.
        line: The line of that file on which it is named; 0 if that is not known.
        name: What the contract is called; a sentence does well.
        models: Names of the configured models on which it holds; all if it is ``None``.
        allow_missing_graph: Whether it counts as kept on a source without the graph that it needs; ``false`` by
            default, because nothing was checked then.
    """

    type: ClassVar[str]
    where: str = ""
    line: int = 0
    name: str = option(text)
    models: tuple[str, ...] | None = option(list_of(text), default=None)
    allow_missing_graph: bool = option(flag, default=False)

    @abstractmethod
    def check(self, report: Report) -> Iterable[Violation]:
        """Look at a report.

        Args:
            report: The report on one model.

        Returns:
            What breaks the contract; nothing if it is kept.

        Raises:
            ConfigError: The contract cannot be checked on this model: it names a layer that is not there, say.
        """


C = TypeVar("C", bound=Contract)


def read_contract(kind: type[C], table: Mapping[str, Any], place: Place) -> C:
    """Read a contract from its table.

    Args:
        kind: The kind of contract.
        table: The table in the configuration, ``type`` among its keys.
        place: Where it stands.

    Returns:
        The contract.

    Raises:
        ConfigError: A key is unknown or missing, or its value is not of the right form.
    """
    options = {_key(field): field for field in fields(kind) if _READ in field.metadata}
    check_keys(table, ["type", *options], place)
    values = {}
    for key, field_ in options.items():
        if key in table:
            values[field_.name] = field_.metadata[_READ](table[key], place.at(key))
        elif field_.default is MISSING:
            raise place.error(f"the key {key!r} is missing; a contract of type {kind.type!r} needs it.")
    return kind(where=place.where, line=place.line, **values)


def _key(field_: Field[Any]) -> str:
    return field_.metadata[_KEY] or field_.name


def judge(contract: Contract, report: Report, model: str) -> ContractOutcome:
    """Check a contract on one model.

    Args:
        contract: The contract.
        report: The report on the model.
        model: What the model is called.

    Returns:
        Whether it is kept; why not; or why that cannot be told.
    """
    where = f"{contract.where}: " if contract.where else ""
    outcome = partial(ContractOutcome, contract.name, contract.type, model, line=contract.line)
    try:
        violations = tuple(contract.check(report))
    except MissingGraphError as error:
        status = ContractStatus.KEPT if contract.allow_missing_graph else ContractStatus.UNCHECKED
        return outcome(status, reason=f"{where}{error}")
    except GraphdiagError as error:
        return outcome(ContractStatus.UNCHECKED, reason=f"{where}{error}")
    # A plug-in is foreign code: it may fail in any way, and the other contracts are checked all the same.
    except Exception as error:
        reason = f"{where}fails with {type(error).__name__}: {error}".partition("\n")[0]
        return outcome(ContractStatus.UNCHECKED, reason=reason)
    return outcome(ContractStatus.BROKEN if violations else ContractStatus.KEPT, violations)
