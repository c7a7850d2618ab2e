"""The command that adds a package to the very environment of this Python, by whatever made that. Standard library only.

`pip install` puts it into another Python where a person's `inv` is a tool of uv's or pipx's, and is refused where the
system's packages are managed by others.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path
from typing import NamedTuple

PACKAGE = "sentinel-tasks"
UV_RECEIPT, PIPX_RECEIPT = "uv-receipt.toml", "pipx_metadata.json"
UV_CACHED = re.compile(r"/(archive|builds|environments)-v\d+/")
REQUIREMENT = re.compile(r"\{[^{}]*\bname = \"(?P<name>[^\"]+)\"[^{}]*\}")
FIELD = re.compile(
    r"\b(?P<key>extras|specifier|directory|editable|path|url|git) = (?:\[(?P<list>[^\]]*)\]|\"(?P<text>[^\"]*)\")"
)
PROJECTS = {"uv.lock": "uv add", "poetry.lock": "poetry add", "pdm.lock": "pdm add"}
"""What adds a package to a project, by the lock file beside its environment."""


class Environment(NamedTuple):
    """Where this Python is, and what is known of who made its environment.

    `source` is what pip recorded of where this package came from, if that is no index (PEP 610), `tool` the receipt of
    the tool installer, `adds` the command of the project manager.
    """

    prefix: str
    python: str
    installer: str = "pip"
    source: str = ""
    tool: str = ""
    adds: str = ""
    is_managed: bool = False
    has_pip: bool = True


def command(requirement: str, upgrade: bool = False) -> str:
    """What a person types so that this Python has the package; `upgrade` where one is there that is too old."""
    return installing(_here(), requirement, upgrade)


def extra(name: str) -> str:
    """This package with that extra (or none), from where it was installed, as a requirement."""
    return _from_source(_source(), name)


# What is known


def _here() -> Environment:
    prefix, in_itself = Path(sys.prefix), sys.prefix == sys.base_prefix
    managed = in_itself and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists()
    has_pip = util.find_spec("pip") is not None
    return Environment(
        str(prefix), _python(), _installer(), _source(), _receipt(prefix), _adds(prefix), managed, has_pip
    )


def _python() -> str:
    found = shutil.which("python")
    return "python" if found and os.path.abspath(found) == os.path.abspath(sys.executable) else sys.executable


def _told(file: str) -> str:
    try:
        return metadata.distribution(PACKAGE).read_text(file) or ""
    except metadata.PackageNotFoundError:
        return ""


def _installer() -> str:
    return (_told("INSTALLER").split() or ["pip"])[0]


def _source() -> str:
    """Where this package came from, as PEP 610 records it; empty for an index."""
    return _told("direct_url.json")


def _receipt(prefix: Path) -> str:
    found = (prefix / name for name in (UV_RECEIPT, PIPX_RECEIPT))
    return next((path.read_text("utf-8") for path in found if path.is_file()), "")


def _adds(prefix: Path) -> str:
    """What adds a package to the project whose environment this is; a tool of its own belongs to none."""
    folder = prefix.parent
    adds = next((typed for lock, typed in PROJECTS.items() if (folder / lock).is_file()), "")
    return f"{adds} --dev" if adds.startswith("uv") and _is_of_development(folder) else adds


def _is_of_development(folder: Path) -> bool:
    """True if this package stands in the project's group `dev`."""
    try:
        text = (folder / "pyproject.toml").read_text("utf-8")
    except OSError:
        return False
    return bool(re.search(rf"^dev = \[[^\[\]]*{PACKAGE}", text, re.MULTILINE))


# What follows from it


def installing(here: Environment, requirement: str, upgrade: bool = False) -> str:
    """The command for that environment."""
    if here.tool.lstrip().startswith("{"):
        return _by_pipx(here, requirement)
    if here.tool:
        return _by_uv_tool(here, requirement, upgrade)
    newer = ["--upgrade"] if upgrade else []
    if UV_CACHED.search(f"{here.prefix}/"):
        return _typed(["uv", "run", "--with", requirement, "inv"])
    if here.adds:
        return _typed([*here.adds.split(), *newer, *_words(requirement)])
    if here.installer == "uv" or not here.has_pip:
        return _typed(["uv", "pip", "install", *newer, "--python", here.python, *_words(requirement)])
    broken = ["--break-system-packages"] if here.is_managed else []
    return _typed([here.python, "-m", "pip", "install", *newer, *broken, *_words(requirement)])


def _by_pipx(here: Environment, requirement: str) -> str:
    """The tool itself is installed anew; what was put beside it is put there again, or it is passed over."""
    tool = str(json.loads(here.tool).get("main_package", {}).get("package") or "invoke")
    if _name(requirement) == tool:
        return _typed(["pipx", "install", "--force", *(["--include-deps"] if tool == PACKAGE else []), requirement])
    return _typed(["pipx", "inject", "--force", tool, *_words(requirement)])


def _by_uv_tool(here: Environment, requirement: str, upgrade: bool) -> str:
    """uv forgets what was put beside a tool unless it is named again."""
    needed = here.tool.partition("entrypoints")[0]
    known = {found["name"]: _as_requirement(found["name"], found[0]) for found in REQUIREMENT.finditer(needed)}
    tool = os.path.basename(here.prefix)
    known.setdefault(tool, tool)
    known[_name(requirement)] = requirement
    beside = [word for name, each in known.items() if name != tool for word in _with(each)]
    return _typed(["uv", "tool", "install", *(["--upgrade"] if upgrade else []), known[tool], *beside])


def _with(requirement: str) -> Sequence[str]:
    flag = "--with-editable" if requirement.startswith("-e ") else "--with"
    return [flag, requirement.removeprefix("-e ")]


def _as_requirement(name: str, receipt: str) -> str:
    """One requirement of uv's receipt as uv takes it."""
    told = {found["key"]: found["list"] or found["text"] for found in FIELD.finditer(receipt)}
    extras = ",".join(re.findall(r'"([^"]+)"', told.get("extras", "")))
    named = f"{name}[{extras}]" if extras else name
    folder = told.get("directory") or told.get("editable") or told.get("path")
    where = f"file://{folder}" if folder else f"git+{told['git']}" if "git" in told else told.get("url", "")
    return f"{named} @ {where}" if where else f"{named}{told.get('specifier', '')}"


def _from_source(source: str, name: str) -> str:
    """This package with an extra; an editable one as pip and uv want it."""
    package = f"{PACKAGE}[{name}]" if name else PACKAGE
    found = json.loads(source) if source else {}
    url = str(found.get("url", ""))
    if not url:
        return package
    if found.get("dir_info", {}).get("editable"):
        return f"-e {url.removeprefix('file://')}{package.removeprefix(PACKAGE)}"
    vcs = found.get("vcs_info", {})
    return f"{package} @ {vcs['vcs']}+{url}@{vcs['commit_id']}" if vcs else f"{package} @ {url}"


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    return found[0] if found and not requirement.startswith("-e ") else PACKAGE


def _words(requirement: str) -> Sequence[str]:
    return ["-e", requirement.removeprefix("-e ")] if requirement.startswith("-e ") else [requirement]


def _typed(words: Sequence[str]) -> str:
    return shlex.join(words)
