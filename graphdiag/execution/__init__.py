"""The proof, executed: the graph of a source is run, and the tensors on its crossings are looked at.

One module a stage: `tensors` says which tensors a finding is about, `permitted` what may be run, `job` cuts out the
part of the graph that they need, `process` hands it to a process of its own, where `worker` runs it with TensorFlow on
the values that `numbers` makes, and `verify` draws the conclusions.
"""
