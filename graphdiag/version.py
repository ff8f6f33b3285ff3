"""The version, and where the project lives, in a module that imports nothing."""

__version__ = "0.1.0"

REPOSITORY = "https://github.com/graphdiag/graphdiag"
DOCUMENTATION = "https://graphdiag.github.io/graphdiag/"
