"""An S3 server on this machine: moto's, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_SERVER = """
import sys
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def s3_server() -> Iterator[Mapping[str, str]]:
    """Run a server that holds nothing yet.

    Yields:
        The environment variables by which every client of S3 finds it.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": "us-east-1",
            # Of the machine itself, nothing is asked.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        assert server.stdin is not None
        server.stdin.close()


def upload(directory: Path, address: str) -> None:
    """Copy a directory into a bucket, which is made."""
    from fsspec.core import url_to_fs

    system, path = url_to_fs(address)
    bucket = path.partition("/")[0]
    if not system.exists(bucket):
        system.mkdir(bucket)
    for file in sorted(directory.rglob("*")):
        if file.is_file():
            system.pipe_file(f"{path}/{file.relative_to(directory)}", file.read_bytes())
