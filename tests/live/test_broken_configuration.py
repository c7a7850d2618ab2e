"""A configuration that can't be read keeps nobody from seeing and ending what runs."""

from __future__ import annotations

from tests.lab import STAYS, Lab

BROKEN = ["sentinel: {services: {dev: {prot: 1}}}\n", "sentinel: ["]


def test_what_runs_is_seen_and_ended(lab: Lab) -> None:
    lab.own_default_ports()
    lab.configure(dev={"command": lab.server(), "port": lab.port()}, job=STAYS)
    assert lab.inv("up", "--only", "dev,job").code == 0
    for text in BROKEN:
        (lab.path / "invoke.yaml").write_text(text)
        for words in (["dev.status"], ["ps"]):
            told = lab.inv(*words)
            assert told.code == 0, (words, told.said)
            assert "invoke.yaml" in told.err or "sentinel.services" in told.err
    assert "dev" in lab.inv("ps").out
    assert lab.inv("dev.logs").code == 0
    assert lab.inv("dev.start").code == 2
    assert "would stop dev" in lab.inv("--dry", "dev.stop").out
    told = lab.inv("dev.stop")
    assert (told.code, "stopped" in told.out) == (0, True), told.said
    assert len(lab.services()) == 1
    assert lab.inv("down").code == 0
    assert (lab.services(), lab.windows()) == ([], [])
