"""Has Python keep the bytecode of what we import, although Invoke forbids it.

Invoke means the user's tasks file, and that stays as it wants it. But after an installer that compiles nothing (uv, or
pip with `--no-compile`) and in an editable install, every task would compile us and our libraries, for ever: two to
three times the processor time of an empty task.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

OURS = frozenset({
    "anyio", "certifi", "colorama", "dotenv", "h11", "httpcore", "httpx", "idna", "invoke", "libtmux",
    "msgspec", "platformdirs", "psutil", "sentinel_tasks", "sniffio", "typing_extensions",
})  # fmt: skip


class KeepingLoader(SourceFileLoader):
    """Loads a module as ever, and keeps its bytecode where that can be written."""

    def get_code(self, fullname: str) -> CodeType | None:
        """The module's code; what Invoke forbids is allowed only for as long as it takes to get it."""
        before, sys.dont_write_bytecode = sys.dont_write_bytecode, False
        try:
            return super().get_code(fullname)
        finally:
            sys.dont_write_bytecode = before

    def set_data(self, path: str, data: Buffer, *, _mode: int = 0o666) -> None:
        """Keeps the bytecode in a folder that nobody else may write to, whatever the umask: it will be run."""
        with suppress(OSError):
            os.mkdir(os.path.dirname(path), 0o755)
        super().set_data(path, data, _mode=_mode)


class KeepingFinder:
    """Finds our modules and those of our libraries as Python does, to be loaded so that their bytecode is kept."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Python's own answer for a module of ours; None, so that Python goes on, for any other."""
        if name.partition(".")[0] not in OURS:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = KeepingLoader(spec.loader.name, spec.loader.path)
        return spec


def keep() -> None:
    """From now on our imports keep their bytecode, unless the user forbade it to Python itself."""
    forbidden_by_the_user = bool(sys.flags.dont_write_bytecode)
    if sys.dont_write_bytecode and not forbidden_by_the_user and KeepingFinder not in sys.meta_path:
        sys.meta_path.insert(0, KeepingFinder)
