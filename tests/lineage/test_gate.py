"""Every signal of the package goes through the gate: whoever sends one elsewhere is found here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import sentinel_tasks

PACKAGE = Path(sentinel_tasks.__file__).parent
SENDS = frozenset({"kill", "killpg", "pidfd_send_signal", "send_signal", "terminate"})
OTHERWISE = {
    "lineage/gate.py": "it is the gate",
    "health/command.py": "a parent ends its own child, whose pid is its own until it is reaped",
    "api/program.py": "a parent ends its own child that only looks, in the same way: Popen asks whether it is reaped",
    "logs/grep.py": "a parent ends its own child that only reads, until it is waited for",
    "mcp/program.py": "a parent ends its own child and what that runs in the foreground, as long as it is not reaped",
    "tmux/running.py": "a parent ends its own child, in the same way",
    "supervisor/capture.py": "signal 0, which only asks whether a process is there",
}


def sends(path: Path) -> Iterator[str]:
    """What the file calls or hands on that sends a signal: `os.kill`, `process.terminate`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in SENDS and not is_of_the_gate(node):
            yield f"{ast.unparse(node)} in line {node.lineno}"


def is_of_the_gate(node: ast.Attribute) -> bool:
    """True for the gate's own `kill` and for World's, which leads there."""
    return ast.unparse(node.value) in ("gate", "world.processes", "self.world.processes")


def test_no_signal_is_sent_past_the_gate() -> None:
    found = {str(path.relative_to(PACKAGE)): [*sends(path)] for path in sorted(PACKAGE.rglob("*.py"))}
    assert {name: calls for name, calls in found.items() if calls and name not in OTHERWISE} == {}
    assert [name for name in OTHERWISE if not found[name]] == []
