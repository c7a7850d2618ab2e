"""Hook of MkDocs: the project's own pages become pages of the site, so that no text stands in two files."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "examples/README.md": "examples.md",
}
LINK = re.compile(r"(?<=\]\()(?!https?://|#)([^)#\s]+)")


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages that lie outside of the folder of the documentation."""
    for source, target in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        folder = posixpath.dirname(source)
        content = LINK.sub(lambda link, at=folder: in_the_site(posixpath.normpath(posixpath.join(at, link[1]))), text)
        files.append(File.generated(config, target, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Leads a page's links out of the folder of the documentation to the pages made of those files."""
    if page.file.generated_by:
        return markdown
    folder = posixpath.join("docs", posixpath.dirname(page.file.src_uri))

    def led(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, link[1]))
        return posixpath.relpath(PAGES[path], posixpath.dirname(page.file.src_uri) or ".") if path in PAGES else link[1]

    return LINK.sub(led, markdown)


def in_the_site(path: str) -> str:
    """The site's page for a path of the repository; any other path stays, for MkDocs to complain of."""
    return PAGES.get(path, path.removeprefix("docs/"))
