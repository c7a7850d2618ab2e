"""Tags the version of the clone that it is called in, and says what a person does next: make release."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NEXT = """Tagged {tag}. dist/ has what make release-check has built and installed. What a person does next:
  git push origin {tag}
  decide where the package is published: it has no public home yet, and nothing publishes by itself
  put that home into pyproject.toml ([project.urls], authors), and only then: .venv/bin/twine upload dist/*"""


def version() -> str:
    """The version in pyproject.toml."""
    found = re.search(r'^version = "(.+)"$', Path("pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert found, "pyproject.toml has no version"
    return found[1]


def reasons_against(number: str) -> Iterator[str]:
    """Why this version can't be tagged."""
    heading = re.search(r"^## (.*)$", Path("CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    if not heading or not re.fullmatch(rf"{re.escape(number)} \(\d{{4}}-\d\d-\d\d\)", heading[1]):
        yield f"the top section of CHANGELOG.md is not called '{number} (YEAR-MONTH-DAY)'"
    if git("status", "--porcelain"):
        yield "there are changes that are not committed"
    if git("tag", "--list", f"v{number}"):
        yield f"there is a tag v{number} already"


def git(*words: str) -> str:
    """What git answers."""
    return subprocess.run(["git", *words], capture_output=True, check=True, encoding="utf-8").stdout


def main() -> int:
    """Tags, or says why not."""
    number = version()
    if against := [*reasons_against(number)]:
        print(f"Not tagged: {'; '.join(against)}.", file=sys.stderr)
        return 1
    git("tag", "--annotate", f"v{number}", "--message", f"sentinel-tasks {number}")
    print(NEXT.format(tag=f"v{number}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
