"""Has Python keep the bytecode of what we import, although Invoke forbids it.

Invoke means the user's tasks file, and that stays as it wants it. But after an installer that compiles nothing (uv, or
pip with `--no-compile`) and in an editable install, every task would compile us and our libraries, for ever: two to
three times the processor time of an empty task.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

OURS = frozenset({
    "anyio", "certifi", "colorama", "dotenv", "filelock", "h11", "httpcore", "httpx", "idna", "invoke", "libtmux",
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
