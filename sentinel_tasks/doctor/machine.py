"""What must be installed: tmux, and packages in the versions that this one needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata

from .. import installation
from ..model import Finding, Service
from ..tmux.client import INSTALL as INSTALL_TMUX
from ..tmux.client import OLDEST
from .findings import failed, passed, passed_unless
from .look import Look

PACKAGE = "sentinel-tasks"
NEWEST_INVOKE_TRIED = "3.0.3"
REQUIREMENT = re.compile(r"([\w.-]+)\s*(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(?:;\s*(.*))?$")


def tmux(look: Look) -> list[Finding]:
    """tmux is there, and 3.2 or newer."""
    if not look.world.tmux.is_installed:
        return [failed("tmux", "tmux is not installed", f"{INSTALL_TMUX}, e.g. apt-get install tmux")]
    name, version = look.world.tmux.version()
    if version and version < OLDEST:
        return [failed("tmux", f"{name} is too old", INSTALL_TMUX)]
    if look.silent:
        return [failed("tmux", f"{name} can't be asked: {look.silent}", "see the lines on its socket below")]
    return [passed("tmux", name)]


def packages(look: Look) -> list[Finding]:
    """Every package that this one needs is installed in a version that it can use."""
    try:
        requirements = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return [passed("packages", f"{PACKAGE} was not installed as a package; versions are not known")]
    services = look.workspace.services
    extras = {
        "",
        "api" if any(map(_runs_embedded_api, services)) else "",
        "watch" if any(each.watch for each in services) else "",
    }
    wrong = [
        failed("packages", why, installation.command(installation.extra(extra), upgrade=True))
        for extra, name, wanted in _needed(requirements, extras)
        if (why := _unmet(name, wanted))
    ]
    return passed_unless("packages", wrong, f"{PACKAGE} {metadata.version(PACKAGE)} and what it needs")


def invoke(look: Look) -> list[Finding]:
    """Invoke has every private name that the tasks use."""
    version = look.given.invoke_version
    remedy = installation.command(f"invoke>=2.2,<={NEWEST_INVOKE_TRIED}")
    wrong = [
        failed("invoke", f"Invoke {version} has no {name}: {loss}", remedy, "warning") for name, loss in look.given.lost
    ]
    return passed_unless("invoke", wrong, f"Invoke {version} has every private name that the tasks use")


def _runs_embedded_api(service: Service) -> bool:
    return "sentinel_tasks.api" in service.command


def _needed(requirements: Iterable[str], extras: Iterable[str]) -> Iterable[tuple[str, str, str]]:
    """The extra, name and versions of every requirement that counts here."""
    for requirement in requirements:
        if found := REQUIREMENT.match(requirement):
            name, wanted, condition = found.groups()
            extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", condition or "")
            if (extra[1] if extra else "") in extras:
                yield extra[1] if extra else "", name, wanted


def _unmet(name: str, wanted: str) -> str:
    """What is wrong with the installed version; empty if nothing is."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"the package {name} is missing"
    return "" if satisfies(version, wanted) else f"{name} {version} is installed, but {wanted.strip()} is needed"


def satisfies(version: str, wanted: str) -> bool:
    """True if the version is in the range, which is given by `>=` and `<` as in this project's requirements."""
    bounds = re.findall(r"(>=|<)\s*([\d.]+)", wanted)
    own = _numbers(version)
    return all(own >= _numbers(bound) if sign == ">=" else own < _numbers(bound) for sign, bound in bounds)


def _numbers(version: str) -> tuple[int, ...]:
    leading = re.match(r"[\d.]*", version)
    numbers = [int(part) for part in (leading[0] if leading else "").split(".") if part]
    return tuple([*numbers, 0, 0, 0][:3])
