"""Which files count for a service: its patterns, read as git reads a .gitignore. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pathspec import GitIgnoreSpec
from watchfiles import Change, DefaultFilter

SPECIAL = frozenset("*?[\\")
USUALLY_IGNORED = DefaultFilter()
"""What watchfiles leaves out: version control, caches, environments, node_modules, and what editors write meanwhile."""


class Patterns:
    """Paths are relative to the workspace, with `/`."""

    def __init__(self, wanted: Sequence[str], ignored: Sequence[str]) -> None:
        self._wanted, self._ignored = GitIgnoreSpec.from_lines(wanted), GitIgnoreSpec.from_lines(ignored)
        self._each = {each: GitIgnoreSpec.from_lines([each]) for each in wanted if not each.startswith("!")}
        self._named = {each for each in self._each if not SPECIAL & {*each}}

    def names(self, path: str) -> bool:
        """True for a file that is named as it is, such as `.env`: that counts although git ignores it."""
        return path in self._named

    def counts(self, path: str) -> bool:
        """True for a file whose change is to be told."""
        return self._wanted.match_file(path) and not self._ignored.match_file(path) and is_usual(path)

    def passes_over(self, folder: str) -> bool:
        """True for a folder below which nothing counts."""
        return self._ignored.match_file(f"{folder}/") or not is_usual(folder)

    def folders(self) -> set[str]:
        """The folders below which something may match; the empty one is the workspace."""
        return {_folder(each) for each in self._each}

    def unmatched(self, paths: Iterable[str]) -> list[str]:
        """The patterns that none of these files matches."""
        left = dict(self._each)
        for path in paths:
            if not left:
                break
            left = {each: spec for each, spec in left.items() if not spec.match_file(path)}
        return [*left]


def is_usual(path: str) -> bool:
    """False for what is left out wherever it is."""
    return USUALLY_IGNORED(Change.modified, path)


def _folder(pattern: str) -> str:
    """As far as it is certain: a pattern without a slash but at its end matches anywhere."""
    parts = pattern.rstrip("/").split("/")
    certain = [*parts]
    for place, part in enumerate(parts):
        if SPECIAL & {*part}:
            certain = parts[:place]
            break
    return "/".join(certain if len(certain) < len(parts) else parts[:-1])
