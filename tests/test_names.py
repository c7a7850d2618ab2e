import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.names import (
    SERVICE,
    SESSION,
    mark,
    port_variable,
    session_name,
    session_with_suffix,
    slug,
    state_name,
    unmarked,
)

PATHS = st.text(st.characters(codec="utf-8") | st.sampled_from("\udc80\udcff\\␞"))
KEPT = set(string.ascii_letters + string.digits + "-_")


def by_the_letter(name: str) -> str:
    """Step by step: white space to `-`, drop the rest, collapse, trim, `workspace` if nothing is left."""
    with_dashes = "".join("-" if character.isspace() else character for character in name)
    kept = "".join(character for character in with_dashes if character in KEPT)
    while "--" in kept:
        kept = kept.replace("--", "-")
    return f"sentinel-{kept.strip('-') or 'workspace'}"


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("/home/ann/APPENDIX", "sentinel-APPENDIX"),
        ("/home/ann/APPENDIX/", "sentinel-APPENDIX"),
        ("/p/my app", "sentinel-my-app"),
        ("/p/my \t app", "sentinel-my-app"),
        ("/p/snake_case-9", "sentinel-snake_case-9"),
        ("/p/--a--b--", "sentinel-a-b"),
        ("/p/v1.2.3", "sentinel-v123"),
        ("/p/café", "sentinel-caf"),
        ("/p/日本", "sentinel-workspace"),
        ("/p/$(reboot);#{x}:1.0", "sentinel-rebootx10"),
        ("/", "sentinel-workspace"),
        ("/p/new\nline", "sentinel-new-line"),
        ("/p/___", "sentinel-___"),
        ('/p/o\'neil "app"', "sentinel-oneil-app"),
        ("/p/semi;", "sentinel-semi"),
        ("/p/#{pane_id}", "sentinel-pane_id"),
        ("/p/#(touch injected)", "sentinel-touch-injected"),
        ("/p/%H:%M", "sentinel-HM"),
        ("/p/$HOME`id`", "sentinel-HOMEid"),
        ("/p/🚀", "sentinel-workspace"),
        ("/p/проект", "sentinel-workspace"),
        ("/p/---", "sentinel-workspace"),
        ("/p/app.v2", "sentinel-appv2"),
        ("/p/a:b", "sentinel-ab"),
        ("/p/-n", "sentinel-n"),
        ("/p/back\\slash", "sentinel-backslash"),
        ("/p/not-utf8-\udcff", "sentinel-not-utf8"),
        ("/p/#[fg=red]##", "sentinel-fgred"),
        (f"/p/{'x' * 255}", f"sentinel-{'x' * 255}"),
    ],
)
def test_session_name(folder: str, name: str) -> None:
    assert session_name(folder) == name


@given(st.text(alphabet=st.characters(exclude_characters="/")))
def test_session_name_is_the_rule_of_the_spec_for_any_folder(name: str) -> None:
    assert session_name(f"/p/{name}") == (by_the_letter(name) if name else "sentinel-p")


@given(PATHS)
def test_every_name_of_a_session_is_well_formed(folder: str) -> None:
    for name in (session_name(folder), session_with_suffix(folder)):
        assert re.fullmatch(r"sentinel-[A-Za-z0-9_-]+", name)
        assert re.match(SESSION, name)


def test_two_folders_of_one_name_differ_in_suffix_and_in_state_folder() -> None:
    one, two = "/a/app", "/b/app"
    assert session_name(one) == session_name(two)
    assert session_with_suffix(one) != session_with_suffix(two)
    assert state_name(one) != state_name(two)


def test_state_folder_of_a_long_name_can_be_made() -> None:
    """A name that is as long as a file's may be, and the digest, made one that no disk would take."""
    assert len(state_name(f"/{'n' * 255}")) == 255
    assert state_name(f"/a/{'n' * 255}") != state_name(f"/b/{'n' * 255}")


@given(st.text())
def test_a_mark_gives_its_path_back(path: str) -> None:
    assert unmarked(mark(path)) == path


def test_suffix_is_the_same_from_run_to_run() -> None:
    assert session_with_suffix("/home/ann/app") == "sentinel-app-93f06d"


@pytest.mark.parametrize("name", ["dev", "a", "web-2", "a1-"])
def test_names_a_service_may_have(name: str) -> None:
    assert re.match(SERVICE, name)


@pytest.mark.parametrize("name", ["", "Web", "2web", "my_web", "-a", "a.b", "a b", "é", "web\n"])
def test_names_a_service_may_not_have(name: str) -> None:
    assert not re.match(SERVICE, name)


@given(PATHS)
def test_mark_fits_in_one_field_of_one_line(path: str) -> None:
    shown = mark(path)
    assert not re.search(r"[\x00-\x1f\x7f\ud800-\udfff␞]", shown)


@given(PATHS, PATHS)
def test_two_paths_never_share_a_mark(one: str, two: str) -> None:
    assert (mark(one) == mark(two)) == (one == two)


def test_ordinary_path_is_its_own_mark() -> None:
    assert mark("/home/ann/my app/été 🚀") == "/home/ann/my app/été 🚀"


def test_port_variable() -> None:
    assert port_variable("my-web") == "SENTINEL_PORT_MY_WEB"


@given(st.text())
def test_slug_is_stable(folder: str) -> None:
    assert slug(slug(folder)) == slug(folder)
