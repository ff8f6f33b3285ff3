"""Contracts of your own: what a kind of contract is made of.

A kind is one frozen dataclass. Its docstring says what it demands, its fields are the options in the configuration, and
`Contract.check` looks at a report and yields what breaks it:

    from collections import Counter
    from collections.abc import Iterator
    from dataclasses import dataclass
    from typing import ClassVar

    from graphdiag.contracts import Contract, Report, Violation, number, option


    @dataclass(frozen=True, kw_only=True)
    class Narrow(Contract):
        '''No layer feeds more than ``limit`` others.

        Options:
            limit: A whole number.
        '''

        type: ClassVar[str] = "narrow"
        limit: int = option(number)

        def check(self, report: Report) -> Iterator[Violation]:
            '''One violation for each layer that feeds too many.'''
            edges = report.layer_graph.edges if report.layer_graph else ()
            for layer, count in Counter(source for source, _ in edges).items():
                if count > self.limit:
                    yield Violation(f"{layer} feeds {count} layers")

A package enters it in its ``pyproject.toml``; the word in the configuration is the class's ``type``:

    [project.entry-points."graphdiag.contracts"]
    narrow = "acme_graphs.narrow:Narrow"

**Options.** `option` takes a reader, which turns the value in the TOML file into the field's and refuses it with a line
that says where it stands: `text`, `flag`, `number`, `path`, `table`, `choice`, `list_of`, `layer_set`, `read_graph`. A
reader of your own takes the value and its `Place`, and raises what ``place.error("...")`` makes.

**Layers and graphs.** A `LayerSet` is what the documentation calls a set of layers. `contract_graph` gives the graph of
a report on which a contract is checked: `LAYER`, `OP` or `DRAWN`. A `Violation` may hold a chain of `Link`, which
reports print and draw. A contract that cannot be checked on a model raises `ConfigError`.
"""

from __future__ import annotations

from graphdiag.checking.contracts.contract import Contract, option
from graphdiag.checking.contracts.contract_graph import DRAWN, LAYER, OP, ContractGraph, contract_graph, read_graph
from graphdiag.checking.contracts.options import Place, Reader, choice, flag, list_of, number, path, table, text
from graphdiag.checking.contracts.patterns import LayerSet, layer_set
from graphdiag.errors import ConfigError
from graphdiag.results.check_report import Link, Violation
from graphdiag.results.report import Report

__all__ = [
    "DRAWN",
    "LAYER",
    "OP",
    "ConfigError",
    "Contract",
    "ContractGraph",
    "LayerSet",
    "Link",
    "Place",
    "Reader",
    "Report",
    "Violation",
    "choice",
    "contract_graph",
    "flag",
    "layer_set",
    "list_of",
    "number",
    "option",
    "path",
    "read_graph",
    "table",
    "text",
]
