"""Writes the pictures of the dashboard in docs/, of real services in every state: make pictures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.api.conftest import RunningApi, launched
from tests.api.page.scenes import scenes
from tests.browser import Look, chromium, sync_api, watched_page
from tests.docs.page import DOCS
from tests.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route, WebSocketRoute

COLOURS, NEAR = 64, 12
"""How many of them a picture has, and how far apart they are at least in red, green and blue together."""
DESK, PHONE, CARD = (1180, 900), (320, 860), (720, 400)


@dataclass(frozen=True)
class Shot:
    """One look at one state of the page; `whole` is as high as the page is."""

    scene: str
    look: Look
    caption: str = ""
    whole: bool = False


PICTURES = {
    "dashboard": [Shot("services", ("light", *DESK), whole=True)],
    "dashboard-dark": [Shot("services", ("dark", *DESK), whole=True)],
    "dashboard-service": [Shot("service", ("light", *DESK))],
    "dashboard-phone": [
        Shot("services", ("light", *PHONE), "light"),
        Shot("services", ("dark", *PHONE), "dark"),
        Shot("service", ("dark", *PHONE), "one service"),
        Shot("error", ("light", *PHONE), "an error"),
    ],
    "dashboard-states": [
        Shot("empty", ("light", *CARD), "no services yet"),
        Shot("wrong", ("dark", *CARD), "a key that is wrong"),
        Shot("broken", ("dark", *CARD), "a tasks file that can't be loaded"),
        Shot("error", ("light", *CARD), "tmux is missing"),
        Shot("lost", ("light", *CARD), "the connection is lost"),
        Shot("read-only", ("dark", *CARD), "a page that only shows"),
        Shot("token", ("dark", *CARD), "a token is asked for"),
        Shot("refused", ("light", *CARD), "it was another one"),
    ],
    "dashboard-4k": [Shot("services", ("dark", 3840, 2160), "3840 pixels wide")],
}
SHEET = """<!doctype html><style>
body {{ margin: 0; padding: 12px; display: grid; grid-template-columns: repeat({columns}, 1fr); gap: 12px;
  align-items: start; background: #8a93a1; font: 15px system-ui, sans-serif }}
figure {{ margin: 0 }} figcaption {{ padding: 4px 2px; color: #fff }} img {{ display: block; width: 100% }}
</style>"""
SHEETS = {"dashboard-phone": (4, 1300), "dashboard-states": (2, 1180), "dashboard-4k": (1, 1400)}
"""How many columns, and how wide."""
FIGURE = '<figure><figcaption>{caption}</figcaption><img src="data:image/png;base64,{content}"></figure>'
HOME = "/home/me"


class AtHome:
    """Tells the page of folders below a home of nobody's, wherever they are."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [str(each) for each in folders]

    def change(self, page: Page) -> None:
        page.route("**/api/workspace", self._document)
        page.route_web_socket("**/ws/**", self._stream)

    def _document(self, route: Route) -> None:
        try:
            answer = route.fetch()
        except sync_api.Error:  # lost, as is to be seen
            return route.abort()
        return route.fulfill(response=answer, body=self._at_home(answer.text()))

    def _stream(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda text: socket.send(self._at_home(str(text))))

    def _at_home(self, text: str) -> str:
        for folder in self._folders:
            text = text.replace(folder, HOME)
        return text


def shots(browser: Browser, folder: Path) -> dict[Shot, bytes]:
    """Every one, taken as its state comes."""
    wanted = [shot for each in PICTURES.values() for shot in each]
    lab, empty = Lab(folder, "shop"), folder / "new" / "shop"
    empty.mkdir(parents=True)
    taken = {}
    with ExitStack() as stack:
        stack.callback(lab.close)
        page = stack.enter_context(watched_page(browser))
        AtHome([empty.parent, folder]).change(page)

        def start(*, arguments: Sequence[str] = (), **environment: str) -> RunningApi:
            api = launched(empty, arguments, environment)
            stack.callback(api.end)
            return api

        for scene in scenes(page, lab, start, empty):
            taken.update({shot: _taken(page, shot) for shot in wanted if shot.scene == scene})
        lab.inv("down", "--all", "--yes")
    return taken


def _taken(page: Page, shot: Shot) -> bytes:
    scheme, width, height = shot.look
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("scrollTo(0, 0)")
    return page.screenshot(full_page=shot.whole)


def sheet(browser: Browser, captioned: dict[str, bytes], columns: int, width: int) -> bytes:
    """The pictures beside each other, each with its caption."""
    page = browser.new_page(viewport={"width": width, "height": 100})
    figures = [
        FIGURE.format(caption=caption, content=base64.b64encode(one).decode()) for caption, one in captioned.items()
    ]
    page.set_content(SHEET.format(columns=columns) + "".join(figures))
    made = page.screenshot(full_page=True)
    page.close()
    return made


def compact(picture: bytes) -> bytes:
    """The same in few colours: the most frequent ones, none near to another, so that a small sign keeps its own."""
    pillow: Any = import_module("PIL.Image")
    image, palette, made = pillow.open(BytesIO(picture)).convert("RGB"), pillow.new("P", (1, 1)), BytesIO()
    chosen: list[tuple[int, int, int]] = []
    for _, colour in sorted(image.getcolors(1 << 24), reverse=True):
        if len(chosen) < COLOURS and all(_distance(colour, other) >= NEAR for other in chosen):
            chosen.append(colour)
    palette.putpalette([value for colour in chosen for value in colour])
    image.quantize(palette=palette, dither=0).save(made, "PNG", optimize=True)
    return made.getvalue()


def _distance(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def main() -> None:
    """Writes them all."""
    with TemporaryDirectory() as name, chromium() as browser:
        taken = shots(browser, Path(name))
        for picture, wanted in PICTURES.items():
            captioned = {shot.caption: taken[shot] for shot in wanted}
            layout = SHEETS.get(picture)
            one = sheet(browser, captioned, *layout) if layout else taken[wanted[0]]
            (DOCS / f"{picture}.png").write_bytes(compact(one))


if __name__ == "__main__":
    main()
