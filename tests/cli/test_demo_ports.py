from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from armillary.cli.demo import installation as demo
from armillary.cli.demo.installation import DemoError, Installation, free_ports


@pytest.mark.skipif(sys.platform != "linux", reason="how Linux says which ports it gives away")
def test_free_ports_are_none_that_the_system_gives_to_whoever_connects_to_something() -> None:
    given_away = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    assert all(free_ports(4) + 3 < given_away for _ in range(50))


def test_a_port_on_which_somebody_listens_is_refused_by_its_number(tmp_path: Path) -> None:
    with socket.create_server(("localhost", free_ports(1))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"port {port} is in use; choose another one with --port"):
            Installation(tmp_path, port).require_free_ports()


def test_a_server_that_does_not_answer_is_named_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "_START_TIMEOUT_S", 0.3)
    installation = Installation(tmp_path, free_ports(1))
    installation.log_directory.mkdir()
    (installation.log_directory / "web.log").write_text("starting\nthe disk is full\n", encoding="utf-8")
    with pytest.raises(DemoError, match="the observatory server does not answer") as failure:
        installation.wait_until_served()
    assert str(failure.value).endswith("starting\nthe disk is full")
