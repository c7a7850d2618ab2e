"""Builds the package, has it checked, and installs it as README says, each time in a fresh home: make release-check."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
GAPS = (
    "Your package does not have author-email data.",
    "Your package should have a 'url' field with a link to the project home page",
)
"""What pyroma may miss: nobody's address and no home page is invented."""
KEPT = ("LANG", "LOGNAME", "SSL_CERT_FILE", "TERM", "USER")


class Failed(Exception):
    """A check did not pass."""


def build(folder: Path) -> Path:
    """The wheel; a source archive lies beside it."""
    call("build", [sys.executable, "-m", "hatchling", "build", "-d", str(folder)])
    (wheel,) = folder.glob("*.whl")
    return wheel


def check(folder: Path, wheel: Path) -> None:
    """Asks the field's own checkers."""
    (source,) = folder.glob("*.tar.gz")
    call("twine check --strict", [f"{BIN}/twine", "check", "--strict", str(wheel), str(source)])
    call("check-wheel-contents", [f"{BIN}/check-wheel-contents", str(wheel)])
    call("validate-pyproject", [f"{BIN}/validate-pyproject", str(ROOT / "pyproject.toml")])
    said = call("pyroma", [f"{BIN}/pyroma", "--min", "1", str(source)])
    findings = [line for line in said.splitlines() if line.startswith("Your package")]
    if others := [line for line in findings if not line.startswith(GAPS)]:
        raise Failed("pyroma: " + " ".join(others))
    for line in findings:
        print(f"gap    {line}")


def installs(readme: str) -> Iterator[tuple[str, str]]:
    """README's ways to install: the tool, and the lines to type."""
    part = readme.partition("\n## Install\n")[2].partition("\n## ")[0]
    for section in part.split("\n### ")[1:]:
        for lines in re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S):
            yield section.partition("\n")[0], lines


def main_job(readme: str) -> str:
    """What README has a newcomer type in the first minute."""
    part = readme.partition("\n## One minute to healthy\n")[2].partition("\n## ")[0]
    return "".join(f"{command}\n" for command in re.findall(r"^\$ (.*)$", part, re.M))


def install(lines: str, job: str, wheel: Path, version: str) -> None:
    """Types the lines and the main job in an empty home; what then answers is this version, installed there."""
    with TemporaryDirectory(prefix="release") as name:
        folder = Path(name).resolve()
        environ = environment(folder, wheel)
        asked = "command -v inv sentinel >program\nsentinel --version\ninv doctor --json >doctor || true\n"
        script = f"set -e\n{lines}{job}{asked}"
        try:
            call("", ["bash", "-c", script], folder / "shop", environ)
        finally:
            subprocess.run(["tmux", "kill-server"], env=environ, capture_output=True, check=False)
        program, document = ((folder / "shop" / name).read_text(encoding="utf-8") for name in ("program", "doctor"))
        reasons = [each["reason"] for each in json.loads(document)["checks"] if each["name"] == "packages"]
        if [line for line in program.splitlines() if line.startswith(f"{folder}/")] != program.splitlines():
            raise Failed(f"inv and sentinel are {program}, not below {folder}")
        if reasons != [f"sentinel-tasks {version} and what it needs"]:
            raise Failed(f"the doctor says {reasons}, not {version}")


def environment(folder: Path, wheel: Path) -> dict[str, str]:
    """That of somebody who has nothing but this machine's Python, pip, uv, pipx and tmux."""
    for name in ("home", "shop", "tmux", "tools"):
        (folder / name).mkdir(mode=0o700)
    for tool in ("uv", "pipx"):
        (folder / "tools" / tool).symlink_to(BIN / tool)
    path = [each for each in os.environ["PATH"].split(os.pathsep) if Path(each) != BIN]
    taken = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(("PIP_", "UV_"))}
    own = {"HOME": f"{folder}/home", "TMUX_TMPDIR": f"{folder}/tmux", "SOURCE": str(wheel)}
    ports = {name: str(free_port()) for name in ("DEV_SERVER_PORT", "WORKER_API_PORT")}
    before = [f"{folder}/tools", f"{folder}/home/.local/bin"]
    return {**taken, **indexes(os.environ), **own, **ports, "PATH": os.pathsep.join([*before, *path])}


def indexes(environ: Mapping[str, str]) -> dict[str, str]:
    """Where pip and uv are told to look for packages: in files of the real home, which is another one here."""
    home = Path(environ.get("HOME", "/"))
    files = {"PIP_CONFIG_FILE": home / ".config/pip/pip.conf", "UV_CONFIG_FILE": home / ".config/uv/uv.toml"}
    return {name: str(path) for name, path in files.items() if path.exists() and name not in environ}


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(what: str, command: list[str], cwd: Path = ROOT, environ: Mapping[str, str] | None = None) -> str:
    """What the command printed; Failed if its exit code is not 0."""
    done = subprocess.run(
        command, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", check=False,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"{what or 'as README says'}: exit {done.returncode}\n{done.stdout}")
    if what:
        print(f"passed {what}")
    return done.stdout


def main() -> int:
    """Everything, in order; 1 at the first that does not pass."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folder = ROOT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        wheel = build(folder)
        check(folder, wheel)
        version = wheel.name.split("-")[1]
        for tool, lines in installs(readme):
            install(lines, main_job(readme), wheel, version)
            print(f"passed {tool}: {lines.strip().splitlines()[0]} …, then README's main job, {version}")
    except Failed as failed:
        print(f"FAILED {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
