"""The rules: one file a code. Each file's docstring is its documentation, as ``graphdiag explain CODE`` prints it."""
