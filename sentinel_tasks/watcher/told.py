"""What tasks can read of the watcher: whom it watches for, which patterns match nothing, and why it could not watch."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path


class Told:
    """The file `watching.json`, written whole each time it changes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "watching.json"
        self._last = ""

    def watches(self, services: Mapping[str, tuple[str, Sequence[str]]]) -> None:
        """For these services: the launch of each, and the patterns that no file matches."""
        found = {name: {"launch": launch, "unmatched": [*unmatched]} for name, (launch, unmatched) in services.items()}
        self._write({"error": "", "services": found})

    def failed(self, why: str) -> None:
        """Nothing is watched any more."""
        self._write({"error": why, "services": {}})

    def _write(self, document: object) -> None:
        text = json.dumps(document)
        if text == self._last:
            return
        draft = f"{self._path}.{os.getpid()}"
        with contextlib.suppress(OSError):
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
                file.write(text)
            os.replace(draft, self._path)
            self._last = text
