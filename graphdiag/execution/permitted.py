"""What may be run: nothing that runs Python, touches files or the network, waits for others, or is not known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, Kind, op_specs
from graphdiag.graphs.op_graph import OpGraph

if TYPE_CHECKING:
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

_DANGEROUS = (
    # Runs Python, or ends the process.
    "PyFunc PyFuncStateless EagerPyFunc Abort",
    # Reads, writes or removes files.
    "ReadFile MatchingFiles WriteFile Skipgram ImmutableConst FixedUnigramCandidateSampler Save SaveSlices SaveV2"
    " MergeV2Checkpoints Restore RestoreSlice RestoreV2 LoadAndRemapMatrix InitializeTableFromTextFile"
    " InitializeTableFromTextFileV2 InitializeTableFromDataset WriteSummary WriteScalarSummary WriteHistogramSummary"
    " WriteImageSummary WriteAudioSummary WriteGraphSummary WriteRawProtoSummary ImportEvent FlushSummaryWriter"
    " CloseSummaryWriter CreateSummaryFileWriter DebugIdentity DebugIdentityV2 DebugIdentityV3",
    # Talks to another process or device, or waits for one.
    "Send _Send _HostSend Recv _Recv _HostRecv GetSessionTensor InfeedEnqueue InfeedEnqueueTuple OutfeedEnqueue"
    " OutfeedEnqueueTuple CopyToMesh CopyToMeshGrad _CopyFromGpuToHost _CopyFromHostToGpu IteratorToStringHandle"
    " IteratorFromStringHandle IteratorFromStringHandleV2 MultiDeviceIteratorToStringHandle"
    " MultiDeviceIteratorFromStringHandle",
)
_REFUSED = frozenset(op_type for types in _DANGEROUS for op_type in types.split())
_REFUSED_KINDS = frozenset({Kind.FOREIGN, Kind.OUTSIDE, Kind.DEQUEUE})
_STATES = ("VarHandleOp", "Stack", "TensorArray", "HashTable", "Mutable", "AnonymousHash", "AnonymousMutable")
"""Beginnings of the types that make a state of this run alone."""
_WAITING = ("Queue", "Barrier", "Stage", "Map", "OrderedMap", "Accumulator", "ResourceAccumulator", "SparseAccumulator")
"""Beginnings of the types that wait for what others do to a state."""
_TO_TERMINAL = frozenset({b"stderr", b"stdout", b"log(info)", b"log(warning)", b"log(error)"})


def refused_rows(graph: OpGraph, replaced: Collection[int]) -> Mapping[int, str]:
    """The rows that must not be run, and why.

    Args:
        graph: The op graph.
        replaced: Rows that are fed from outside: they do not run, nor does what stands before them.

    Returns:
        For each row that is refused, or that needs one that is, what the graph would do, as ``run PyFunc``.
    """
    in_functions = _refused_functions(graph)
    found: dict[int, str] = {}
    for row, node in enumerate(graph.node_defs):
        reason = "" if row in replaced else _refusal(node, graph.types[row], graph, in_functions)
        if reason:
            found[row] = reason
    for row, text in graph.dangling:
        if row not in replaced:
            found.setdefault(row, f"need {text}, which it does not hold")
    waiting = list(found)
    if waiting:
        order, offsets = graph.by_source
        while waiting:
            row = waiting.pop()
            for target in graph.target[order[offsets[row] : offsets[row + 1]]].tolist():
                if target not in found and target not in replaced:
                    found[target] = found[row]
                    waiting.append(target)
    return found


def functions_called(node: NodeDef, op_type: str, graph: OpGraph) -> Iterable[str]:
    """Names of the functions that an op may call."""
    if op_type in graph.functions:
        yield op_type
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        for function in value.list.func:
            yield function.name


def _refused_functions(graph: OpGraph) -> Mapping[str, str]:
    """The library functions that must not be called, and why."""
    callers: dict[str, list[str]] = defaultdict(list)
    found: dict[str, str] = {}
    for name, body in graph.functions.items():
        arguments = set(body.arguments)
        for row, node in enumerate(body.graph.node_defs):
            op_type = body.graph.types[row]
            for callee in functions_called(node, op_type, graph):
                callers[callee].append(name)
            reason = "" if row in arguments else _refusal(node, op_type, graph, {})
            if reason:
                found.setdefault(name, reason)
    waiting = list(found)
    while waiting:
        name = waiting.pop()
        for caller in callers[name]:
            if caller not in found:
                found[caller] = found[name]
                waiting.append(caller)
    return found


def _refusal(node: NodeDef, op_type: str, graph: OpGraph, in_functions: Mapping[str, str]) -> str:
    for name in functions_called(node, op_type, graph):
        if name not in graph.functions:
            return f"call {name}, which it does not hold"
        if name in in_functions:
            return in_functions[name]
    if op_type in graph.functions:
        return ""
    rule = op_specs().get(op_type, UNKNOWN)
    if rule.kind is Kind.UNKNOWN:
        return f"run {op_type}, of which is not known what it does"
    if op_type in _REFUSED or (rule.kind in _REFUSED_KINDS and not op_type.startswith("Stack")):
        return f"run {op_type}"
    if rule.kind is Kind.HANDLE and not op_type.startswith(_STATES):
        return f"run {op_type}"
    if op_type.startswith(_WAITING):
        return f"run {op_type}"
    stream = node.attr["output_stream"].s if op_type == "PrintV2" and "output_stream" in node.attr else b"stderr"
    return "" if stream in _TO_TERMINAL else f"print to {stream.decode(errors='replace')}"
