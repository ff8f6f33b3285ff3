"""The program: ``graphdiag`` and ``python -m graphdiag``.

What a user does while modules are imported must end well too, so here nothing is imported that takes long.
"""

from __future__ import annotations

import signal
import sys

from graphdiag import interruption, standard_streams


def main() -> None:
    """Run the command line in a process of its own."""
    standard_streams.prepare()
    interruption.exit_on_signals()
    status: object = 0
    try:
        from graphdiag.cli import main as run

        run()
    except SystemExit as ending:
        status = ending.code
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    error = standard_streams.failure(sys.stdout)
    if error is not None and status != 2:
        print(f"graphdiag: standard output: cannot be written: {error.strerror}.", file=sys.stderr)
        status = 2
    sys.exit(status)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
