"""Rewriters: what tools put into a graph after the model was built.

- TensorFlow 1's quantizer (``tf.contrib.quantize``) folds batch normalizations (scopes ``BatchNorm_Fold``, ops
  ``mul_fold``, ``Conv2D_Fold``) and puts ``FakeQuant*`` ops into scopes ``weights_quant``, ``act_quant`` and the like.
  Source: ``fold_batch_norms.py`` and ``quantize.py`` in ``tensorflow/contrib/quantize/python`` of TensorFlow 1.15.
- The Graph Transform Tool replaces ops by ``Quantized*``, with ``QuantizeV2`` and ``Dequantize`` around them, in scopes
  that end in ``_eightbit``. What it computes beforehand are constants named ``..__cf__3``. Source:
  ``quantize_nodes.cc`` and ``fold_constants_lib.cc`` in ``tensorflow/tools/graph_transforms`` of TensorFlow 1.15.
- Grappler's remapper, and builds for Intel's oneDNN, put ``_Fused*`` and ``_Mkl*`` in the place of several ops. Its
  other optimizers make ops in scopes ``ConstantFolding`` and ``ArithmeticOptimizer``, or with names that end in
  ``-LayoutOptimizer``: the prefixes and suffixes in ``tensorflow/core/grappler/optimizers``.
- TensorFlow 1's pruner (``tf.contrib.model_pruning``) multiplies weights by masks: ``masked_weight``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from graphdiag.diagnosis.ownership import Ownership
from graphdiag.diagnosis.traces import rows_of_single_ops
from graphdiag.graphs.op_graph import CONTROL, OpGraph

QUANTIZED, TRANSFORMED, FUSED, OPTIMIZED, PRUNED = "quantized", "transformed", "fused", "optimized", "pruned"

_QUANT_SCOPE = re.compile(r"(?:\w+_)?(?:weights|act|conv|add|bias|biases|input|output|bypass)_quant(?:_[0-9]+)?")
_FOLD_SCOPE = re.compile(r"BatchNorm_Fold(?:_[0-9]+)?")
_FOLD_OP = re.compile(
    r"(?:mul_fold|add_fold|correction_mult|correction_add|post_conv_mul|Undo_Bessel_Correction|\w+_Fold)(?:_[0-9]+)?"
)
_FUSED_TYPE = re.compile(r"_(?:Fused|Mkl|FusedMkl)\w+")
_QUANTIZED_TYPE = re.compile(r"Quantized\w+|QuantizeV2|Dequantize|QuantizeDownAndShrinkRange|Requantize\w*")
_EIGHTBIT = re.compile(r"(?:.+_)?eightbit(?:_[0-9]+)?")
_OPTIMIZED = re.compile(
    r"(?:ConstantFolding|ArithmeticOptimizer)/.*|.*__cf__[0-9]+(?:_quantized_\w+)?|.*-LayoutOptimizer"
)
_TELLING_TYPE = re.compile(r"FakeQuant|Quantize|Dequantize|Requantize|_Fused|_Mkl")
_MARKS_OF_SCOPES = ("_Fold", "asked", "__cf__", "ConstantFolding", "ArithmeticOptimizer", "-LayoutOptimizer")
"""What names of scopes of rewriters' ops hold, where no type tells; ``asked`` is in ``masked`` and in ``Masked``."""
_MARKS = (("_cf__",), ("-", "-LayoutOptimizer"))
"""What names of rewriters' ops hold, where no type and no scope tells: all of one of these, the cheapest first."""
_PRUNED_LEAF = re.compile(r"(?:masked_weights?|MaskedWeights?)(?:_[0-9]+)?")


def rewriter_ops(graph: OpGraph) -> Mapping[int, str]:
    """The ops that a rewriter made.

    Args:
        graph: The op graph.

    Returns:
        For each such op, by row, what it did: `QUANTIZED` for training, `TRANSFORMED` into quantized ops, `FUSED`,
        `OPTIMIZED` or `PRUNED`.
    """
    found: dict[int, str] = {}
    if not _may_be_rewritten(graph):
        return found
    quantizing = {
        scope
        for row in graph.rows_of_types(lambda op_type: op_type.startswith("FakeQuant"))
        for scope in [graph.names[row].rpartition("/")[0]]
        if _QUANT_SCOPE.fullmatch(scope.rpartition("/")[2])
    }
    folded = {
        scope[: -len(piece)].rstrip("/")
        for name in graph.names
        for scope, piece in _scopes(name)
        if _FOLD_SCOPE.fullmatch(piece)
    }
    for row, (name, op_type) in enumerate(zip(graph.names, graph.types, strict=True)):
        scopes = _scopes(name)
        leaf = name.rpartition("/")[2]
        if _QUANTIZED_TYPE.fullmatch(op_type) or any(_EIGHTBIT.fullmatch(piece) for _, piece in scopes):
            found[row] = TRANSFORMED
        elif (
            any(scope in quantizing for scope, _ in scopes)
            or (folded and any(_FOLD_SCOPE.fullmatch(piece) for _, piece in scopes))
            or (folded and _FOLD_OP.fullmatch(leaf))
        ):
            found[row] = QUANTIZED
        elif _FUSED_TYPE.fullmatch(op_type):
            found[row] = FUSED
        elif _OPTIMIZED.fullmatch(name):
            found[row] = OPTIMIZED
        elif _PRUNED_LEAF.fullmatch(leaf) and op_type == "Mul":
            found[row] = PRUNED
    if FUSED in found.values():
        # What runs eagerly was rewritten as it ran, and no graph of the model was.
        for row in rows_of_single_ops(graph) & found.keys():
            del found[row]
    return found


def _may_be_rewritten(graph: OpGraph) -> bool:
    """Whether some type or name tells of a rewriter, so that the name of every op has to be looked at."""
    segments, _ = graph.scopes.kinds
    return (
        any(map(_TELLING_TYPE.match, graph.type_names))
        or any(mark in segment for segment in segments for mark in _MARKS_OF_SCOPES)
        or any("asked" in graph.names[row] for row in graph.rows_of_types("Mul".__eq__))
        or any(all(mark in graph.names_together for mark in marks) for marks in _MARKS)
    )


def _scopes(name: str) -> Sequence[tuple[str, str]]:
    """The scopes around an op, each with its own name."""
    pieces = name.split("/")[:-1]
    return [("/".join(pieces[: end + 1]), piece) for end, piece in enumerate(pieces)]


def rerouted(
    graph: OpGraph, ownership: Ownership, undrawn: Sequence[tuple[str, str]], rewritten: Mapping[int, str]
) -> Sequence[tuple[str, str]]:
    """The edges of the model that a rewriter led through ops of its own.

    Args:
        graph: The op graph.
        ownership: Who owns each op.
        undrawn: Edges of the layer graph that the op graph lacks.
        rewritten: The rewriters' ops.

    Returns:
        Those edges that the op graph lacks, between whose layers a way leads through a rewriter's ops.
    """
    if not undrawn or not rewritten:
        return ()
    of_op = ownership.of_op
    order, offsets = graph.by_source
    number = {owner: place for place, owner in enumerate(ownership.owners)}
    found = []
    for source, target in undrawn:
        waiting = np.flatnonzero(of_op == number[source]).tolist()
        seen = set(waiting)
        while waiting:
            current = waiting.pop()
            for edge in order[offsets[current] : offsets[current + 1]].tolist():
                row = int(graph.target[edge])
                if graph.output[edge] == CONTROL or row in seen:
                    continue
                seen.add(row)
                if of_op[row] == number[target]:
                    found.append((source, target))
                    waiting.clear()
                    break
                if row in rewritten:
                    waiting.append(row)
    return found
