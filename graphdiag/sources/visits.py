"""Directories that are looked through with links followed, as TensorBoard does: a link may lead up, or to one twice."""

from __future__ import annotations

import os


class Visits:
    """The directories that were visited, by what they are and not by the path that led there."""

    def __init__(self) -> None:
        self._visited: set[tuple[int, int]] = set()

    def is_first(self, directory: str) -> bool:
        """Whether a directory was not visited before; from now on it was.

        Args:
            directory: Its path, over links or not.

        Raises:
            OSError: It is not there, or cannot be looked at.
        """
        status = os.stat(directory)
        place = (status.st_dev, status.st_ino)
        if place in self._visited:
            return False
        self._visited.add(place)
        return True


def name_below(around: str, name: str) -> str:
    """The name of a directory in another one, as TensorBoard names runs: from the log directory on, which is ``.``."""
    return name if around == "." else f"{around}/{name}"
