"""The same workspace under `inv up` and under its exports: `python -m tests.export.round_trip [ROUNDS] [SEED]`."""

from __future__ import annotations

import re
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sentinel_tasks.names import automatic_ports
from tests.export import engines
from tests.export.engines import Ends, Facts
from tests.export.random_workspaces import SECRET, Services, services
from tests.lab import TASKS, Lab

OF_THE_ENGINE = re.compile(
    r"TMUX(_PANE)?|TERM(_PROGRAM(_VERSION)?)?|COLUMNS|LINES|_|PWD|OLDPWD|SHLVL|SUPERVISOR_\w+|HONCHO_\w+|PYTHONUNBUFFERED"
    r"|SENTINEL_URL_\w+|LC_CTYPE"
)
STOPPED_BY = {"inv": "SIGINT", "supervisord": "SIGINT", "systemd": "SIGINT", "procfile": "SIGTERM"}


class Round:
    """One workspace, run by one engine after the other."""

    def __init__(self, lab: Lab, seed: int) -> None:
        self.lab, self.folder = lab, lab.path
        self.services: Services = services(seed, lab.path, lab.port)
        self.service_of = dict(_instances(self.services))
        self.witnessed = {name: lab.path / f"{name}.json" for name in self.service_of}
        self.ports: dict[str, int] = {}
        self._prepare()

    def _prepare(self) -> None:
        for name in ("sub dir", "s'u;b #%d"):
            (self.folder / name).mkdir()
        (self.folder / "some.env").write_text("# some\nFROM_FILE=here\nODD=file\nSENTINEL_SERVICE=file\n")
        names = ", ".join(f'service("{name}")' for name in self.services)
        tasks = (
            TASKS if not names else f"from sentinel_tasks import service, workspace\nnamespace = workspace({names})\n"
        )
        (self.folder / "tasks.py").write_text(tasks)
        self.lab.configure(**self.services)

    def export(self, target: str) -> Path:
        """The files of the target, with the secrets filled in where it looks for them."""
        folder = self.lab.folder / target
        done = self.lab.inv("export", target, "--to", str(folder))
        assert done.code == 0, done.said
        for example in folder.glob("*.example"):
            assert SECRET not in example.read_text()
            filled = re.sub(
                r"^(\w+)=$", lambda found: f"{found[1]}={shlex.quote(SECRET)}", example.read_text(), flags=re.M
            )
            example.with_suffix("").write_text(filled)
        return folder

    def has_moved(self) -> bool:
        """True if somebody had the first automatic port of a service, which is the one that its exports have."""
        automatic = [name for name, service in self.service_of.items() if self.services[service].get("port") == "auto"]
        return any(self.ports[name] != next(automatic_ports(str(self.folder), name)) for name in automatic)

    def run(self, engine: str) -> tuple[Facts, Ends]:
        """What the witnesses saw, and with which code each ended."""
        for path in self.witnessed.values():
            path.unlink(missing_ok=True)
        return engines.ENGINES[engine](self)

    def once(self) -> set[str]:
        """The services that are done once they exit 0."""
        return {name for name, service in self.service_of.items() if self.services[service]["health"] == "exit"}


def _instances(services_: Services) -> Iterator[tuple[str, str]]:
    """The name of each instance, and of the service that it is of."""
    for name, keys in services_.items():
        numbers = range(1, keys.get("instances", 0) + 1)
        yield from ((f"{name}-{number}", name) for number in numbers) if numbers else ((name, name),)


def differences(round_: Round, engine: str, ours: tuple[Facts, Ends], theirs: tuple[Facts, Ends]) -> Iterator[str]:
    """Each fact that is not the same as under `inv up`, in words."""
    for name in round_.service_of:
        for key in ("argv", "cwd"):
            if ours[0][name][key] != theirs[0][name][key]:
                yield f"{engine}: {name}: {key}: {theirs[0][name][key]} for {ours[0][name][key]}"
        one, other = _own(ours[0][name]["env"]), _own(theirs[0][name]["env"])
        wrong = sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
        yield from (f"{engine}: {name}: {key}: {other.get(key)} for {one.get(key)}" for key in wrong)
        expected = None if name in round_.once() else STOPPED_BY[engine]
        if theirs[0][name].get("signal") != expected:
            yield f"{engine}: {name}: ended by {theirs[0][name].get('signal')}, not {expected}"
        if theirs[1][name] != (wanted := _code(ours[1][name], engine)):
            yield f"{engine}: {name}: exit code {theirs[1][name]} for {wanted}"


def _code(ours: int | None, engine: str) -> int | None:
    """What is ended by a signal is ended by that of its engine."""
    return -signal.Signals[STOPPED_BY[engine]] if ours is not None and ours < 0 else ours


def _own(env: Mapping[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in env.items() if not OF_THE_ENGINE.fullmatch(name)}


@contextmanager
def a_lab() -> Iterator[Lab]:
    """A lab that must be empty at the end."""
    with tempfile.TemporaryDirectory(prefix="rt") as folder:
        lab = Lab(Path(folder))
        try:
            yield lab
        finally:
            left = lab.close()
        assert not left, left


def round_trip(seed: int) -> tuple[int, list[str]]:
    """How many services there were, and what differed."""
    with a_lab() as lab:
        round_ = Round(lab, seed)
        ours = round_.run("inv")
        if not round_.has_moved():
            found: list[str] = list(differences(round_, "inv", ours, ours))
            for engine in ("supervisord", "systemd", "procfile"):
                found += differences(round_, engine, ours, round_.run(engine))
            return len(round_.service_of), found
    return round_trip(seed)  # in another folder, which has other ports


def main(rounds: int = 40, seed: int = 1) -> int:
    """Exit code 1 if anything differed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job ignores
    began, count, wrong = time.monotonic(), 0, 0
    for number in range(seed, seed + rounds):
        services_, found = round_trip(number)
        count, wrong = count + services_, wrong + len(found)
        print(f"seed {number}: {services_} services: {'; '.join(found) or 'the same'}", flush=True)
    print(f"{rounds} workspaces, {count} services, {wrong} differences, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:])))
