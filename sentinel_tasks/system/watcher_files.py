"""The files by which tasks, launchers and the watcher of a workspace know of each other."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from .decoding import from_json
from .state_folder import READ, private_folder

WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Watched(Struct, frozen=True):
    """One service as the watcher tells it: the launch that it watches for, and the patterns that match nothing."""

    launch: str
    unmatched: tuple[str, ...] = ()


class Told(Struct, frozen=True):
    """What the watcher told last: for whom it watches, or why it could not."""

    error: str = ""
    services: dict[str, Watched] = {}


class WatcherFiles(Struct, frozen=True):
    """Those of one workspace, in its state folder."""

    state: Path

    @property
    def folder(self) -> Path:
        """What is the watcher's own."""
        return self.state / "watcher"

    def orders(self, service: str) -> Path:
        """The FIFO that the service's launcher listens at."""
        return self.state / f"{service}.orders"

    def wish(self, service: str, wish: Mapping[str, object] | None) -> None:
        """Writes down what is to be watched for a launch of the service; None for nothing."""
        path = self.folder / f"{service}.wish"
        if wish is None:
            with suppress(OSError):
                path.unlink()
            return
        draft = path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            private_folder(self.folder)
            with open(os.open(draft, WRITE | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(wish, file)
            os.replace(draft, path)

    def is_wished(self, service: str, launch: str | None) -> bool:
        """True if this launch of the service wants files watched."""
        try:
            with open(os.open(self.folder / f"{service}.wish", READ), "rb") as file:
                return bool(json.load(file)["launch"] == launch)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def is_alive(self) -> bool:
        """True while the watcher lives: it alone reads its FIFO."""
        return self._write(b"")

    def has_it_look_anew(self) -> bool:
        """Has the watcher see for whom it has to watch now; false if there is none."""
        return self._write(b"look\n")

    def _write(self, what: bytes) -> bool:
        try:
            descriptor = os.open(self.folder / "watcher.fifo", WRITE)
        except OSError:
            return False
        try:
            os.write(descriptor, what)
        except BlockingIOError:
            return True  # it has enough to do as it is
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def forget(self) -> None:
        """Takes away what a watcher told that has ended."""
        with suppress(OSError):
            (self.folder / "watching.json").unlink()

    def told(self) -> Told:
        """What it told last."""
        try:
            with open(os.open(self.folder / "watching.json", READ), "rb") as file:
                return from_json(file.read(), Told)
        except (OSError, ValueError):
            return Told()
