"""What the engines' own checkers say of the exports, and that they would say so: `python -m tests.export.check`.

systemd-analyze, the compose-spec JSON Schema (check-jsonschema) and kubernetes-validate; each is shown a planted fault
as well, which it must refuse. `make check-exports` installs the last two, which are too large for every test run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from sentinel_tasks.export import Options, export
from sentinel_tasks.model import Workspace
from tests.export.workspaces import every_kind, put, service, several, workspace

Checker = Callable[[Path], str]
BIN = Path(sys.executable).parent


def _said(*words: str | Path, **environ: str) -> str:
    """What is wrong in the checker's words; empty if nothing is. Its standard error counts."""
    done = subprocess.run(words, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode == 0 else f"exit {done.returncode}: {done.stdout}{done.stderr}"


def systemd(folder: Path) -> str:
    """`systemd-analyze verify`: it answers 0 to much, so a word on standard error is a refusal too."""
    units = sorted([*folder.glob("*.service"), *folder.glob("*.target")])
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    command = ("systemd-analyze", "verify", "--user", "--recursive-errors=yes", "--man=no")
    return _said(*command, *units, XDG_RUNTIME_DIR=str(runtime))


def compose(folder: Path) -> str:
    """The JSON Schema of the Compose specification."""
    return _said(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", folder / "compose.yaml")


def kubernetes(folder: Path) -> str:
    """Kubernetes' own schemas; a key that they do not know is refused."""
    return _said(BIN / "kubernetes-validate", "--strict", "--quiet", *sorted(folder.glob("*.yaml")))


CHECKERS: dict[str, Checker] = {"systemd": systemd, "compose": compose, "kubernetes": kubernetes}
FAULTS = {
    "systemd": [
        ("KillSignal=SIGINT", "KillSignal=SIGNOTHING"),
        ("Type=exec", "Type=execute"),
        ("TimeoutStartSec=30s", "TimeoutStartSec=30x"),
        ("ExecStart=/usr/bin/env ", "ExecStart=/usr/bin/env \"%"),
        ("ExecStart=/usr/bin/env ", "ExecStart=/no/such/env "),
        ("WorkingDirectory=/", "WorkingDirectory="),
        ("KillMode=", "KilMode="),
        ("Requires=sentinel-app-", "Requires=sentinel-apt-"),
    ],
    "compose": [
        ("condition: service_started", "condition: started"),
        ("stop_signal:", "stop_sign:"),
        ("init: true", "init: 3"),
    ],
    "kubernetes": [
        ("containerPort: ", "containerPort: x"),
        ("workingDir:", "workDir:"),
        ("backoffLimit:", "backoffLimits:"),
    ],
}  # fmt: skip


def refusals(target: str, given: Workspace, fault: tuple[str, str] | None = None) -> str:
    """What the checker says of the export, with one text in it replaced by another."""
    with tempfile.TemporaryDirectory() as made:
        files = export(given, target, Options(folder=made, metrics=target != "systemd")).files
        if fault is not None:
            assert any(fault[0] in text for text in files.values()), f"nowhere: {fault[0]}"
            files = {path: text.replace(*fault) for path, text in files.items()}
        return CHECKERS[target](put(Path(made), files))


def main() -> int:
    """Exit code 1 if a checker refuses an export, or takes a planted fault."""
    wrong = 0
    for target in CHECKERS:
        for given in (every_kind(), several(), workspace(service("web"))):
            said = refusals(target, given)
            wrong += bool(said)
            print(f"{target}: {len(given.services)} services: {said or 'accepted'}")
        for fault in FAULTS[target]:
            taken = not refusals(target, every_kind(), fault)
            wrong += taken
            print(f"{target}: {fault[1]!r} for {fault[0]!r}: {'TAKEN' if taken else 'refused, as it should be'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
