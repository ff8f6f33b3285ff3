"""The rules: one file a code, found by scanning this package.

Each module has a ``RULE``; its docstring is the documentation that ``graphdiag explain CODE`` prints.
"""
