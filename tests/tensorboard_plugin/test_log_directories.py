from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from graphdiag.tensorboard_plugin.log_directories import LogDirectory, log_directories
from tests.sources.event_files import scalar, write_log


def directories(**flags: str) -> list[LogDirectory]:
    return list(log_directories(argparse.Namespace(**{"logdir": "", "logdir_spec": "", **flags})))


def test_one_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert directories(logdir="~/logs") == [LogDirectory("/home/me/logs")]
    assert directories(logdir="logs") == [LogDirectory(os.path.abspath("logs"))]


def test_several_directories() -> None:
    assert directories(logdir_spec="old:/logs/a,/logs/b,/logs/c:d,new:s3://bucket/logs,gs://bucket") == [
        LogDirectory("/logs/a", "old"),
        LogDirectory("/logs/b"),
        LogDirectory("/logs/c:d"),
        LogDirectory("s3://bucket/logs", "new"),
        LogDirectory("gs://bucket"),
    ]


def test_no_directory() -> None:
    assert directories() == []
    assert log_directories(argparse.Namespace()) == []


def test_addresses() -> None:
    assert LogDirectory("s3://bucket/logs").is_remote
    assert LogDirectory("simplecache::s3://bucket/logs").is_remote
    assert not LogDirectory("/logs").is_remote


@pytest.mark.parametrize("specification", ["{0}", "first:{0},second:{1}", "{0},{1}"])
def test_runs_are_named_as_tensorboard_names_them(specification: str, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.data_ingester import _parse_event_files_spec
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

    for name in ("one", "two/train", "two/validation"):
        write_log(tmp_path / "a" / name / "events.out.tfevents.1.host", [scalar("loss")])
    write_log(tmp_path / "b" / "events.out.tfevents.1.host", [scalar("loss")])
    flag = specification.format(tmp_path / "a", tmp_path / "b")
    multiplexer = EventMultiplexer()
    for path, name in _parse_event_files_spec(flag).items():
        multiplexer.AddRunsFromDirectory(path, name)
    from graphdiag.tensorboard_plugin.files import list_directories

    found = [
        directory.run_name(each.relative)
        for directory in directories(logdir_spec=flag)
        for each in list_directories(directory.path, [str(tmp_path)])
    ]
    assert sorted(found) == sorted(multiplexer.Runs())
