"""TensorFlow's own registry of ops, as the lines of ``graphdiag/graphs/op_outputs.txt``.

``python -m tests.support.op_registry > graphdiag/graphs/op_outputs.txt`` writes the file anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def lines() -> Iterator[str]:
    """One line for each op that gives anything, by name."""
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    data = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    for op in sorted(op_def_pb2.OpList.FromString(data).op, key=lambda op: op.name):
        if op.output_arg:
            yield " ".join([op.name, *map(_output, op.output_arg)])


def _output(argument: Any) -> str:
    from tensorflow import as_dtype

    if argument.type_list_attr:
        return f"{argument.name}:*{argument.type_list_attr}"
    type_ = argument.type_attr or as_dtype(argument.type).as_datatype_enum
    return f"{argument.name}:{type_}" + (f"*{argument.number_attr}" if argument.number_attr else "")


if __name__ == "__main__":
    print("\n".join(lines()))
