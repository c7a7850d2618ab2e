"""The application object of a Python web project that has no other way to say how it is run."""

from __future__ import annotations

import re
from pathlib import Path

from .interpreter import project_python

PLACES = ("main.py", "app.py", "app/main.py", "app/__init__.py", "src/main.py", "src/app.py", "wsgi.py", "asgi.py")
MADE = re.compile(r"^(?P<name>[A-Za-z_]\w*)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(?P<kind>FastAPI|Starlette|Flask)\(", re.M)
LARGEST = 1_000_000
RUN = {
    "FastAPI": "-m uvicorn {app} --reload --port $PORT",
    "Starlette": "-m uvicorn {app} --reload --port $PORT",
    "Flask": "-m flask --app {app} run --debug --port $PORT",
}


def app_command(folder: Path) -> tuple[str, str] | None:
    """The command that serves the first application that is made in one of PLACES, and why; None if there is none."""
    for place in PLACES:
        if found := MADE.search(_text(folder / place)):
            app = f"{place.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}:{found['name']}"
            python, _ = project_python(folder)
            return f"{python} {RUN[found['kind']].format(app=app)}", f"{place} makes a {found['kind']}"
    return None


def _text(path: Path) -> str:
    """What the file says; nothing if it is none of this project's making."""
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size < LARGEST else ""
    except (OSError, UnicodeError):
        return ""
