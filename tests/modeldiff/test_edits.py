"""What teams change in their models, and what is said of it: the same from every source and both Keras generations."""

from __future__ import annotations

import re
from typing import Any

import h5py
import keras
import pytest
import tf_keras

from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.summary import lines
from graphdiag.sources import hdf5, hdf5_program
from graphdiag.sources.hdf5 import Hdf5Model
from tests.modeldiff.edits import EDITS
from tests.modeldiff.models import applied, compared
from tests.modeldiff.sources import SOURCES, snapshot_of


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory):
    """Gives a model as a snapshot from each source; each model is built once with each Keras."""
    known: dict[Any, Any] = {}
    directory = tmp_path_factory.mktemp("models")

    def read(path):
        # As the process that reads HDF5 does, without starting one for each file.
        with h5py.File(path) as file:
            found = hdf5_program._read(file, h5py)
        return Hdf5Model(found["model_config"], found["keras_version"] or "", found["weights"])

    def of(build, options, package=keras, sources=SOURCES):
        key = build, str(options), package
        if key not in known:
            model = build(package, **options)
            known[key] = {source: snapshot_of(model, source, directory) for source in sources}
        return known[key]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hdf5, "read_hdf5", read)
        yield of


@pytest.mark.parametrize("name", EDITS)
def test_every_source_tells_an_edit_in_the_same_lines(snapshots, name):
    edit = EDITS[name]
    before, after = (snapshots(edit.build, options) for options in (edit.old, edit.new))
    for source in SOURCES:
        found = diff(before[source], after[source])
        said = [re.sub(r"multiply_[0-9]+", "multiply", line) for line in lines(found)]
        assert said == edit.lines, source
        assert applied(found.to_dict(), before[source]) == compared(after[source].to_dict()), source
        assert not [what for what in found.not_compared if "op graph" not in what], source


@pytest.mark.parametrize("name", EDITS)
def test_a_model_is_the_same_from_every_source_and_with_both_generations(snapshots, name):
    edit = EDITS[name]
    new = snapshots(edit.build, edit.new)
    old = snapshots(edit.build, edit.new, tf_keras, ("h5",))
    for other in (*(new[source] for source in SOURCES[1:]), old["h5"]):
        found = diff(new["live"], other)
        assert lines(found) == [], name
