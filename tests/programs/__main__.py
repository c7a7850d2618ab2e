"""`python -m tests.programs [--json] [NAME…]`: every program (or those whose name contains a NAME) × every fault."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.lab import Lab
from tests.packages import INTERPRETERS, copy_packages
from tests.programs.catalogue import CATALOGUE, ORDINARY_USER, PATH, Program, program
from tests.programs.cell import FAULTS, Cell, Row
from tests.watch import Watch, below_a_warden

ROOT = Path(__file__).parent.parent.parent
HEAD = ("program", "fault", "start", "status after 1 s", "lives on", "status then", "stop", "left")


def rows_of(each: Program) -> Iterator[Row]:
    """One row a fault; an ordinary user's by another run of this program as one."""
    if each.as_ordinary_user and os.getuid() == 0:
        yield from rows_as_ordinary_user(each)
        return
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            lab = Lab(Path(folder))
            lab.real = True
            with Watch(Path(folder), os.getppid()) as watch:
                yield Cell(each, lab, watch).row(fault)


def rows_as_ordinary_user(each: Program) -> Iterator[Row]:
    """The rows of another run of this, as a user that has its own copy of what the tasks need."""
    account, folder = pwd.getpwnam(ORDINARY_USER), Path(tempfile.mkdtemp())
    user = [program("setpriv"), f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "env"]
    lay_out(folder)
    for path in (folder, *folder.rglob("*")):
        os.lchown(path, account.pw_uid, account.pw_gid)
    own = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": f"{folder}/lib:{ROOT}"}
    run = [*user, f"{folder}/bin/python", "-B", "-m", "tests.programs", "--json", each.name]
    done = subprocess.run(
        run, env={**own, "PATH": PATH, "LANG": "C.UTF-8"}, stdout=subprocess.PIPE, text=True, check=False
    )
    shutil.rmtree(folder, ignore_errors=True)
    yield from (Row(*json.loads(line)) for line in done.stdout.splitlines())
    if not done.stdout:
        yield Row(each.name, "none", f"its own run ended in {done.returncode}", "", "", "", "", "")


def lay_out(folder: Path) -> None:
    """Puts an interpreter that everybody may run, `inv`, and all that it needs into the folder."""
    copy_packages(folder / "lib", "pexpect", "ptyprocess")
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(INTERPRETERS[-1])
    inv = folder / "bin" / "inv"
    inv.write_text(f"#!{folder}/bin/python\nfrom invoke.main import program\n\nprogram.run()\n")
    inv.chmod(0o755)


def main() -> int:
    words = [word for word in sys.argv[1:] if word != "--json"]
    as_json = "--json" in sys.argv
    began, bad = time.monotonic(), 0
    if not as_json:
        print("|".join(("", *HEAD, "")), "|" + "---|" * len(HEAD), sep="\n", flush=True)
    for each in CATALOGUE:
        if words and not any(word in each.name for word in words):
            continue
        if missing := each.missing():
            print(f"{each.name}: left out, there is no {', '.join(missing)}", file=sys.stderr)
            bad += 1
            continue
        for row in rows_of(each):
            bad += not row.is_good
            print(json.dumps(row) if as_json else "|".join(("", *map(str, row), "")), flush=True)
    if not as_json:
        print(f"\n{bad} rows are not as they should be, or were left out; {time.monotonic() - began:.0f} s")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(below_a_warden(main))
