"""What counts as a run or a model, told from names."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from graphdiag.errors import SourceError, UsageError
from graphdiag.scanning.discovery import find


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of all sorts; what is in them does not matter here."""
    names = [
        "logs/events.out.tfevents.1700000000.host",
        "logs/b/train/events.out.tfevents.1700000200.host.1.0.v2",
        "logs/b/train/events.out.tfevents.1700000100.host.1.0.v2",
        "logs/b/validation/events.out.tfevents.1700000150.host.1.1.v2",
        "logs/b/train/plugins/profile/1/host.xplane.pb",
        "logs/a/.git/events.out.tfevents.1",
        "models/saved/saved_model.pb",
        "models/saved/keras_metadata.pb",
        "models/saved/fingerprint.pb",
        "models/saved/variables/variables.index",
        "models/saved/assets/vocabulary.json",
        "models/saved2/saved_model.pbtxt",
        "models/net.keras",
        "models/net.weights.h5",
        "models/net.H5",
        "models/frozen.pb",
        "models/net.json",
        "models/notes.txt",
        "code/model.py",
        "code/model.ipynb",
        "code/__pycache__/model.py",
        "code/env/lib/python3.12/site-packages/net/model.json",
        "code/env/lib/python3.12/site-packages/net/model.py",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_runs_and_models_are_found_by_their_names(tree: Path) -> None:
    assert [(found.sort, found.shown) for found in find(["."])] == [
        ("run", "./logs"),
        ("run", "./logs/b/train"),
        ("run", "./logs/b/validation"),
        ("file", "./models/frozen.pb"),
        ("file", "./models/net.H5"),
        ("file", "./models/net.json"),
        ("file", "./models/net.keras"),
        ("saved_model", "./models/saved"),
        ("saved_model", "./models/saved2"),
    ]


def test_a_run_is_called_as_tensorboard_calls_it(tree: Path) -> None:
    runs = {found.run: found for found in find(["logs"])}
    assert list(runs) == [".", "b/train", "b/validation"]
    assert [file.name[-22:] for file in runs["b/train"].files] == ["1700000100.host.1.0.v2", "1700000200.host.1.0.v2"]
    assert runs["b/train"].written == 1_700_000_100
    assert runs["b/train"].address == str(tree / "logs/b/train")


def test_python_files_count_only_where_that_is_said(tree: Path) -> None:
    assert [found.shown for found in find(["code"], python=True)] == ["code/model.ipynb", "code/model.py"]
    assert list(find(["code"])) == []
    with pytest.raises(UsageError, match=r"code/model\.py: its code would be run; add --python"):
        list(find(["code/model.py"]))


def test_patterns_and_files_are_places(tree: Path) -> None:
    assert [found.shown for found in find(["models/*.p*", "logs/*"])] == [
        "models/frozen.pb",
        "logs/b/train",
        "logs/b/validation",
        "logs/events.out.tfevents.1700000000.host",
    ]
    (tree / "odd[1]").mkdir()
    (tree / "odd[1]" / "net.keras").write_text("x")
    assert [found.shown for found in find(["odd[1]"])] == ["odd[1]/net.keras"]


@pytest.mark.parametrize("path", ["nothing", "*.nothing", "mem*/nothing"])
def test_a_place_that_is_not_there(tree: Path, path: str) -> None:
    with pytest.raises(SourceError, match=r"does not exist|matches nothing"):
        list(find([path]))


def test_a_link_that_leads_up_is_followed_once(tree: Path) -> None:
    os.symlink("..", tree / "logs" / "up")
    assert len([found for found in find(["logs"]) if found.sort == "run"]) == 3


def test_a_directory_that_links_lead_to_is_found_once(tree: Path) -> None:
    outside = tree / "models"
    for name in ("1", "2"):
        os.symlink(outside, tree / "logs" / f"outside{name}")
    os.symlink("b", tree / "logs" / "a" / "of_b")
    os.symlink("../b", tree / "logs" / "a" / "really_of_b")
    os.symlink(".git", tree / "logs" / "a" / "hidden")
    os.symlink(tree, tree / "models" / "back")
    (tree / "models" / "saved" / "saved_model.pb").unlink()
    found = [found.shown for found in find(["logs"])]
    assert [name for name in found if "train" in name or "hidden" in name] == ["logs/a/hidden", "logs/b/train"]
    assert [name for name in found if name.endswith("net.keras")] == ["logs/outside1/net.keras"]
    assert len(found) == len(set(found))


def test_the_walk_holds_no_more_the_more_directories_there_are(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        top = tmp_path / str(count)
        for number in range(count):
            (top / str(number // 10) / str(number)).mkdir(parents=True)
        tracemalloc.start()
        try:
            assert list(find([str(top)])) == []
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few = peak(200)
    assert peak(2_000) - few < 1_800 * 40
