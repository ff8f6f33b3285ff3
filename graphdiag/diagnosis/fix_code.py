"""Code that a fix ends with, to copy."""

from __future__ import annotations

TRACE_CODE = (
    "import tensorflow as tf",
    "",
    "model(x)",
    "call = tf.function(model)",
    'writer = tf.summary.create_file_writer("logs/graph")',
    "with writer.as_default():",
    "    tf.summary.trace_on(graph=True)",
    "    call(x)",
    '    tf.summary.trace_export("model", step=0)',
)
"""How to write a graph that TensorBoard draws: checked with TensorFlow 2.21, Keras 3.15 and tf_keras 2.21.

The first call makes the model's variables, or what makes them is in the trace as well. A function that ran before is
not in the trace.
"""
