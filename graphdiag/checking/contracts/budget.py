"""``budget``: at most, or at least, so many of something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from graphdiag.checking.contracts.contract import Contract, option
from graphdiag.checking.contracts.contract_graph import ids_of
from graphdiag.checking.contracts.options import MissingGraphError, Place, nearest, number, table
from graphdiag.diagnosis.dataflow.op_specs import op_specs
from graphdiag.errors import ConfigError
from graphdiag.graphs.layer_graph import Layer
from graphdiag.graphs.op_graph import OpGraph
from graphdiag.keras_classes import LAYER_CLASSES, OPERATION_CLASSES
from graphdiag.phrases import counted, some
from graphdiag.results.check_report import Violation
from graphdiag.results.report import Report

_CLASS, _OP = "class:", "op:"
_CONTROL_FLOW = frozenset(
    {"Switch", "RefSwitch", "If", "StatelessIf", "Case", "StatelessCase", "While", "StatelessWhile", "LoopCond"}
)
_WILD = frozenset("*?[")


def _limits(value: Any, place: Place) -> Mapping[str, int]:
    limits = table(value, place)
    for measure in limits:
        if measure not in _MEASURES and not measure.startswith((_CLASS, _OP)):
            known = [*_MEASURES, f"{_CLASS}CLASS", f"{_OP}TYPE"]
            raise place.error(
                f"{measure!r} cannot be counted{nearest(measure, _MEASURES) or '; there are ' + ', '.join(known)}."
            )
    return {measure: number(limit, place.at(measure)) for measure, limit in limits.items()}


@dataclass(frozen=True, kw_only=True)
class Budget(Contract):
    """The model has at most, or at least, so many of something.

    Options:
        max: A table with the most there may be.
        min: A table with the least there must be.

    What can be counted:
        layers: Layers, those in nested models included. A layer that several models have counts once, as far as that
            is known: from a Python file, or from who reads which variable.
        parameters: Weights of these layers, trainable or not.
        ops: Ops of the graph; those in library functions are not counted.
        functions: Library functions.
        control_flow: ``Switch``, ``If``, ``Case`` and ``While`` ops and the conditions of TF 1 loops, in the graph and
            in library functions.
        class:CLASS: Layers of a Keras class, or of classes that fit a glob.
        op:TYPE: Ops of a type, or of types that fit a glob, in the graph and in library functions.
    """

    type: ClassVar[str] = "budget"
    most: Mapping[str, int] = option(_limits, default=None, key="max")
    least: Mapping[str, int] = option(_limits, default=None, key="min")

    def __post_init__(self) -> None:
        """Refuse a budget without limits, or with limits that no model can keep."""
        if not self.most and not self.least:
            raise ConfigError(f"{self.where}: one of the keys 'max' and 'min' is needed.")
        for measure, least in (self.least or {}).items():
            most = (self.most or {}).get(measure, least)
            if least > most:
                raise ConfigError(
                    f"{self.where}: {measure}: 'min' is {least:,} and 'max' is {most:,}, so no model can keep it."
                )

    def check(self, report: Report) -> Iterator[Violation]:
        """One violation for each limit that is passed."""
        for measure, limit in (self.most or {}).items():
            found = _count(report, measure)
            if found > limit:
                yield Violation(
                    f"{measure}: {found:,}, and at most {limit:,} are allowed", layers=_counted(report, measure)
                )
        for measure, limit in (self.least or {}).items():
            found = _count(report, measure)
            if found < limit:
                yield Violation(f"{measure}: {found:,}, and at least {limit:,} must be there")


def _count(report: Report, measure: str) -> int:
    if measure.startswith(_CLASS):
        return _layers_of_class(_layers(report), measure.removeprefix(_CLASS))
    if measure.startswith(_OP):
        return _ops_of_type(_ops(report), measure.removeprefix(_OP))
    return _MEASURES[measure](report)


def _counted(report: Report, measure: str) -> tuple[str, ...]:
    """The layers of a class that is limited, each once."""
    wanted = measure.removeprefix(_CLASS) if measure.startswith(_CLASS) else ""
    return tuple(layer.id for layer in _layers(report) if fnmatchcase(layer.class_name, wanted)) if wanted else ()


def _layers(report: Report) -> Sequence[Layer]:
    """The layers, each once: one that several nested models have counts once."""
    if report.layer_graph is None:
        raise MissingGraphError("the source has no layer graph; give the model one with the key 'model'.")
    return [layer for id_, layer in report.layer_graph.layers.items() if ids_of(report, id_)[0] == id_]


def _layers_of_class(layers: Sequence[Layer], wanted: str) -> int:
    classes = [layer.class_name for layer in layers]
    if not _WILD & set(wanted) and wanted not in classes and wanted not in LAYER_CLASSES | OPERATION_CLASSES:
        near = nearest(wanted, [*dict.fromkeys(classes), *sorted(LAYER_CLASSES)])
        raise ConfigError(f"neither the model nor Keras has a layer class {wanted!r}{near}.")
    return sum(fnmatchcase(class_name, wanted) for class_name in classes)


def _ops(report: Report) -> OpGraph:
    if report.op_graph is None:
        raise MissingGraphError("the source has no op graph, so no ops can be counted.")
    return report.op_graph


def _parameters(report: Report) -> int:
    layers = _layers(report)
    known = [layer.parameters for layer in layers if layer.parameters is not None]
    if len(known) < len(layers):
        unknown = [layer.id for layer in layers if layer.parameters is None]
        raise ConfigError(
            f"the source does not tell the parameters of {counted(len(unknown), 'layer')} ({some(unknown)}); "
            "the Python file that builds the model does."
        )
    return sum(known)


def _ops_of_type(ops: OpGraph, wanted: str) -> int:
    types = list(_types(ops))
    if not _WILD & set(wanted) and wanted not in types and wanted not in op_specs():
        raise ConfigError(f"there is no op type {wanted!r}{nearest(wanted, [*op_specs(), *types])}.")
    return sum(fnmatchcase(type_, wanted) for type_ in types)


def _types(ops: OpGraph) -> Iterator[str]:
    yield from ops.types
    for function in ops.functions.values():
        # The arguments of a function stand among its ops.
        yield from (type_ for type_ in function.graph.types if type_ != "_Arg")


_MEASURES: Mapping[str, Callable[[Report], int]] = {
    "layers": lambda report: len(_layers(report)),
    "parameters": _parameters,
    "ops": lambda report: len(_ops(report)),
    "functions": lambda report: len(_ops(report).functions),
    "control_flow": lambda report: sum(type_ in _CONTROL_FLOW for type_ in _types(_ops(report))),
}
