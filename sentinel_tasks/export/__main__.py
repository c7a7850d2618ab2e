"""Makes the table in docs/how-to/hand-over.md anew: `python -m sentinel_tasks.export docs/how-to/hand-over.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from . import TARGETS
from .table import in_page

if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(in_page(path.read_text(encoding="utf-8"), list(TARGETS.values())), encoding="utf-8")
