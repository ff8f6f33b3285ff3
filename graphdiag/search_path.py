"""Where ``python -m graphdiag`` looks for modules."""

# Python has these two at its start; even `from __future__ import annotations` would look for a module here.
import os
import sys


def leave_out_current_directory(package: str) -> None:
    """Have ``python -m graphdiag`` find no module, and no plug-in, in the current directory, where anything may lie.

    Python puts that directory first. It stays when graphdiag itself lies in it, and when another program imports
    graphdiag.

    Args:
        package: The file of the package.
    """
    # While Python looks for the module of -m, it has not put a file's name there yet.
    if sys.argv[:1] != ["-m"] or not sys.orig_argv[-len(sys.argv)].endswith("graphdiag"):
        return
    if getattr(sys.flags, "safe_path", sys.flags.isolated):
        return
    try:
        current = os.getcwd()
    except OSError:
        return
    if sys.path[:1] == [current] and os.path.dirname(os.path.dirname(package)) != current:
        del sys.path[0]
