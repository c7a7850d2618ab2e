"""A program that calls itself docker-proxy and listens for a container, as another user sees it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.lab import Lab, is_open, until


def test_a_port_that_docker_publishes_offered_the_takeover_of_docker(lab: Lab, tmp_path: Path) -> None:
    port = lab.port()
    proxy = tmp_path / "docker-proxy"
    proxy.symlink_to(sys.executable)
    lab.spawn(str(proxy), "-m", "http.server", str(port), "--bind", "127.0.0.1", cwd=lab.folder)
    until(lambda: is_open(port))
    lab.configure(dev={"command": "docker compose up web", "port": port, "on_conflict": "takeover"})
    refused = lab.inv("dev.start")
    assert refused.code == 4
    assert "by which docker publishes a container's port" in refused.err
    assert "health: {command: …} instead of a port" in refused.err
    assert "takeover" not in refused.err
    assert is_open(port)
