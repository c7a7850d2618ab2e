"""Small random workspaces whose services are witnesses: what they are told is as odd as a configuration may be."""

from __future__ import annotations

import random
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sentinel_tasks.export.secrets import cleaned
from sentinel_tasks.text.interpolation import names_in
from tests.export.workspaces import service

WITNESS = (sys.executable, "-I", "-S", str(Path(__file__).with_name("witness.py")))
ODD = [
    "'", '"', "\\", "%", "$", "`", "\n", " ", ";", "#", " ;", " #", "%%", "$$", "$HOME", "${HOME}", "$(id)", "%h",
    "%(here)s", "\\n", "\\", "é", "🚀", "{}", "[a]", "- ", ": ", "*", "~", "null", "=", "-x", "|", "a b", "word", "\t",
]  # fmt: skip
SECRET = "p@ss w0rd $HOME %"
SEVERAL = ("db", "job-2")
"""Those of which there may be several instances."""
Services = dict[str, dict[str, Any]]


def services(seed: int, folder: Path, free_port: Callable[[], int]) -> Services:
    """Two to four services of a workspace in this folder, each after some of those before it."""
    chosen = random.Random(seed)
    found: Services = {}
    shared = {"env_file": "some.env"} if chosen.random() < 0.4 else {}  # honcho gives every process the same files
    for name in ["web", "db", "migrate", "job-2"][: chosen.randint(2, 4)]:
        needed = [other for other in found if chosen.random() < 0.4]
        found[name] = {**_service(chosen, name, folder, free_port), "depends_on": needed, **shared}
    return found


def _service(chosen: random.Random, name: str, folder: Path, free_port: Callable[[], int]) -> dict[str, Any]:
    once = name in ("migrate", "job-2") and chosen.random() < 0.6
    port = None if once else chosen.choice([None, "auto", free_port(), free_port()])
    keys: dict[str, Any] = {
        "command": _command(chosen, once),
        "cwd": chosen.choice([".", "sub dir", "s'u;b #%d", "${SENTINEL_WORKSPACE}/sub dir", "${NOTHING:-sub dir}"]),
        "env": {
            "WITNESS": str(folder), "CODE": "0" if once else chosen.randint(0, 40), "ODD": _odd(chosen),
            "BOTH": "$ODD ${HOME} ${ITSELF:-}", "ITSELF": "it${ITSELF:-self}", "PATH": "bin:$PATH",
            **({"odd.name": _odd(chosen)} if chosen.random() < 0.3 else {}),
            **({"API_TOKEN": SECRET.replace("$", "$$")} if chosen.random() < 0.5 else {}),
        },
        "health": "exit" if once else chosen.choice(["tcp", "/health"]) if port else None,
        "stop_timeout": 5,
    }  # fmt: skip
    several = {"instances": chosen.randint(1, 2)} if name in SEVERAL and port in (None, "auto") else {}
    return {**keys, **several, **({"port": port} if port else {})}


def _command(chosen: random.Random, once: bool) -> str | list[str]:
    words = [*WITNESS, "once" if once else "serve", *(_odd(chosen) for _ in range(chosen.randint(0, 3)))]
    kind = chosen.choice(["list", "plain", "exec", "shell"])
    text = shlex.join(words)
    if kind == "list":
        return words
    return {"plain": text, "exec": f"exec {text}", "shell": f'A=\'%s\' && exec {text} "$A" "$ODD"'}[kind]


def _odd(chosen: random.Random) -> str:
    """A text of odd pieces that does not look like a secret."""
    while True:
        text = "".join(chosen.choice(ODD) for _ in range(chosen.randint(0, 5)))
        given = service(command=("serve", text), env=(("ODD", text),))
        is_known = {*names_in(text)} <= {"HOME"}  # up refuses a name that is not set
        if cleaned(given).service == given and is_known and not text.startswith("-"):
            return text
