"""Repairing: the same graph under names by which TensorBoard draws the model as it was written."""
