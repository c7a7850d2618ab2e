"""The command that adds a package to an environment, by whatever made that. Pure, standard library only."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Sequence

from .environment import PACKAGE, Environment

UV_CACHED = re.compile(r"/(archive|builds|environments)-v\d+/")
EXTRAS = re.compile(r"\[([^\[\]]+)\]")
REQUIREMENT = re.compile(r"\{[^{}]*\bname = \"(?P<name>[^\"]+)\"[^{}]*\}")
FIELD = re.compile(
    r"\b(?P<key>extras|specifier|directory|editable|path|url|git) = (?:\[(?P<list>[^\]]*)\]|\"(?P<text>[^\"]*)\")"
)


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
    known[_name(requirement)] = _with_extras(requirement, known.get(_name(requirement), ""))
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


def from_source(source: str, name: str) -> str:
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


def _with_extras(requirement: str, known: str) -> str:
    """The requirement with the extras that are there already, too: uv would remove them."""
    before, own = EXTRAS.search(known), EXTRAS.search(requirement)
    if before is None or own is None:
        return requirement
    return requirement.replace(own[0], f"[{','.join(dict.fromkeys([*before[1].split(','), *own[1].split(',')]))}]", 1)


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    return found[0] if found and not requirement.startswith("-e ") else PACKAGE


def _words(requirement: str) -> Sequence[str]:
    return ["-e", requirement.removeprefix("-e ")] if requirement.startswith("-e ") else [requirement]


def _typed(words: Sequence[str]) -> str:
    return shlex.join(words)
