"""Writes the pages of docs/reference that are made from the code: make reference. With --print, as JSON to stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import api_page
import configuration_page
import outcomes_page
import tasks_page

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
PAGES = (api_page, configuration_page, outcomes_page, tasks_page)


def main() -> None:
    """Makes every page."""
    texts = {each.NAME: each.page() for each in PAGES}
    if sys.argv[1:] == ["--print"]:
        print(json.dumps(texts))
        return
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
