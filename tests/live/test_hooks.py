"""Commands that are told what becomes of a service, as a person meets them."""

from __future__ import annotations

from tests.lab import Lab, until

SERVES = "trap 'exit 0' INT; echo serving; while :; do sleep 0.05; done"


def test_hooks_run_when_it_is_ready_and_when_it_was_stopped(lab: Lab) -> None:
    hooks = {"ready": "echo seeding; echo no such table; exit 4", "stop": "echo $SENTINEL_EVENT $PORT >told"}
    lab.configure(dev={"command": SERVES, "port": None, "health": {"log": "serving"}, "hooks": hooks})
    assert lab.inv("dev.start", "--no-wait").code == 0
    assert lab.inv("dev.wait").code == 0
    until(lambda: "its ready hook failed (exit 4): no such table" in lab.inv("dev.status").out)
    assert lab.inv("dev.status").code == 0
    assert lab.inv("dev.start").code == 0
    panes = lab.tmux("list-panes", "-a", "-F", "#{pane_id} #{@sentinel_service}").splitlines()
    (window,) = (each.split()[0] for each in panes if each.endswith(" dev"))
    assert "ready hook: seeding" in lab.tmux("capture-pane", "-p", "-t", window)
    assert lab.inv("dev.stop").code == 0
    assert (lab.path / "told").read_text() == "stop\n", "a stop has waited for it, and nothing was ready twice"
    assert lab.sentinel("logs", "dev").out.splitlines() == ["serving"]
