"""`init`: the first tasks file and configuration of a folder, shown, asked for, and written beside what is there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .console import Console

if TYPE_CHECKING:
    from ..config.first_services import Folder, ReadYaml

OTHERS = {"tasks.py": ("tasks/__init__.py",), "invoke.yaml": ("invoke.yml", "invoke.json", "invoke.py")}
"""What stands for a file of that name where Invoke finds it instead."""
NO_COMPOSE = "`docker compose version` fails here: the services of the compose file need Docker and its compose plugin"
PATIENCE = 10.0
API = ("starlette", "uvicorn", "prometheus_client")


def write_first_files(console: Console, read_yaml: ReadYaml, yes: bool) -> int:
    """Writes what the folder has no file of yet (contract: Tasks, Init); with `--dry` it only shows."""
    from ..config.first_files import first_files
    from ..config.first_services import look

    folder = Path(os.getcwd())
    found, with_api = look(folder, read_yaml), _has_api()
    texts = first_files(found, with_api)
    there = {name: other for name in texts if (other := _standing_for(folder, name))}
    new = {name: text for name, text in texts.items() if name not in there}
    for note in found.notes:
        console.warning(note)
    if any("docker compose" in str(each.settings.get("command")) for each in found.services) and not _has_compose():
        console.warning(NO_COMPOSE)
    _show(console, folder, new)
    _tell_what_to_add(console, texts, there, found, with_api)
    written = [] if console.dry or not new else _write_if_wanted(console, folder, new, yes)
    console.document({"folder": str(folder), "files": texts, "there": sorted(there.values()), "written": written})
    if written:
        import shutil

        console.result(f"next: {'inv up' if shutil.which('inv') else console.typed.task('up')}")
    return 0 if written or console.dry or not new else 1


def _has_api() -> bool:
    """True if the extra `api` is installed beside us."""
    from importlib.util import find_spec

    return all(find_spec(name) for name in API)


def _has_compose() -> bool:
    """True if Docker is there with the plugin, whether or not its daemon runs."""
    import subprocess

    asked, nothing = ["docker", "compose", "version"], subprocess.DEVNULL
    try:
        done = subprocess.run(asked, stdin=nothing, stdout=nothing, stderr=nothing, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _standing_for(folder: Path, name: str) -> str:
    """The file that is there already in place of that one; empty if there is none."""
    return next((each for each in (name, *OTHERS[name]) if os.path.lexists(folder / each)), "")


def _show(console: Console, folder: Path, texts: Mapping[str, str]) -> None:
    from ..text.sanitize import plain

    for name, text in texts.items():
        console.result(plain(f"==> {folder / name} <=="))
        console.result("\n".join(map(plain, text.splitlines())) + "\n")


def _tell_what_to_add(
    console: Console, texts: Mapping[str, str], there: Mapping[str, str], found: Folder, with_api: bool
) -> None:
    """What a file that is there, and stays as it is, would need."""
    from ..config.first_files import TASKS, namespace
    from ..text.sanitize import plain

    for name, other in there.items():
        text = namespace(found, with_api) if name == TASKS else texts[name]
        console.result(f"{other} is there and stays as it is. What it needs of this, add to it:\n")
        console.result("\n".join(f"    {plain(line)}".rstrip() for line in text.splitlines()) + "\n")


def _write_if_wanted(console: Console, folder: Path, texts: Mapping[str, str], yes: bool) -> list[str]:
    from ..errors import SentinelError

    names = " and ".join(texts)
    if not yes and not console.can_ask:
        what = f"nobody is here to be asked whether {names} may be written"
        raise SentinelError(what, "--yes writes without asking", exit_code=2)
    if not yes and not console.ask(f"Write {names}?"):
        console.diagnostic("nothing was written")
        return []
    for name, text in texts.items():
        with open(folder / name, "x", encoding="utf-8") as file:  # never over another's, made meanwhile
            file.write(text)
    console.result(f"{console.out.sign('ok')} written: {names}")
    return [*texts]
