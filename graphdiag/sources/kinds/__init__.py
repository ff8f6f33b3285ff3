"""The kinds of sources: one module each, with a ``KIND``, found by scanning this package.

A module here says how a kind is recognized; what reads it is imported when it is opened.
"""
