"""Reads the structure of a Keras model out of an HDF5 file. A program of its own: see `graphdiag.sources.hdf5`.

It imports nothing of graphdiag, so that it starts quickly. It prints JSON: ``model_config`` and ``keras_version`` as
text (null where the file has none) and ``weights``, for each layer the size of each of its weights; or ``damage``, what
is wrong with the file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

_LONGEST_TEXT = 64 * 2**20
_LONGEST_LIST = 1_000_000


class _DamagedError(Exception):
    """Something in the file is not as Keras writes it."""


def main() -> None:
    """Read the file that the command line names."""
    path, memory, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    _limit(memory, seconds)
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found = _read(file, h5py)
    # What h5py raises for damaged files is not bounded by its documentation.
    except Exception as error:
        found = {"damage": " ".join((str(error) or type(error).__name__).split())}
    json.dump(found, sys.stdout)


def _limit(memory: int, seconds: int) -> None:
    """What this process may use at most; it ends by itself, should nobody be left to end it."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    for kind, limit, last in (
        (resource.RLIMIT_AS, memory, memory),
        # The signal that says why comes before the one that only kills.
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        _, highest = resource.getrlimit(kind)
        if highest == resource.RLIM_INFINITY or last < highest:
            resource.setrlimit(kind, (limit, last))


def _read(file: Any, h5py: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"model_config": None, "keras_version": None, "weights": {}}
    for key in ("model_config", "keras_version"):
        if key in file.attrs:
            found[key] = _text(file.attrs[key])
    weights = _inside(file, "model_weights", h5py) if found["model_config"] is not None else None
    if weights is not None:
        found["weights"] = dict(_sizes(weights, h5py))
    return found


def _sizes(weights: Any, h5py: Any) -> Iterator[tuple[str, dict[str, int]]]:
    for layer in _names(weights, "layer_names"):
        group = _inside(weights, layer, h5py)
        if group is not None:
            yield layer, {name: _size(group, name, h5py) for name in _names(group, "weight_names")}


def _size(group: Any, name: str, h5py: Any) -> int:
    weight = _inside(group, name, h5py)
    if not isinstance(weight, h5py.Dataset):
        raise _DamagedError(f"the weight {name!r} is not in it")
    return int(weight.size or 0)


def _inside(group: Any, path: str, h5py: Any) -> Any:
    """What a group holds under a path; None if there is nothing. Links to other files are not followed."""
    for name in path.split("/"):
        if not isinstance(group, h5py.Group) or not isinstance(group.get(name, getlink=True), h5py.HardLink):
            return None
        group = group[name]
    return group


def _names(group: Any, attribute: str) -> list[str]:
    """A list attribute, which Keras splits into ``name0``, ``name1`` and so on where it is large."""
    if attribute in group.attrs:
        return _texts(group.attrs[attribute])
    found: list[str] = []
    number = 0
    while f"{attribute}{number}" in group.attrs:
        found += _texts(group.attrs[f"{attribute}{number}"])
        number += 1
    return found


def _texts(values: Any) -> list[str]:
    if len(values) > _LONGEST_LIST:
        raise _DamagedError(f"a list of names has {len(values):,} entries")
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    text = value.decode() if isinstance(value, bytes) else str(value)
    if len(text) > _LONGEST_TEXT:
        raise _DamagedError(f"an attribute has {len(text):,} characters")
    return text


if __name__ == "__main__":
    main()
