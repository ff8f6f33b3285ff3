"""Dataflow: what the tensors of an op graph carry, followed through control flow, functions and state."""
