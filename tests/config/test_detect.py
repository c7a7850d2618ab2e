"""What `dev` runs in a project that says nothing: the first match of the contract's list (Configuration)."""

import json
import shlex
from pathlib import Path

import pytest

from sentinel_tasks.config.detect import dev_command
from sentinel_tasks.config.interpreter import LOCK_FILES as INTERPRETER_LOCK_FILES
from sentinel_tasks.config.package_json import SCRIPTS
from sentinel_tasks.config.script import port_flags


def package_json(folder: Path, **scripts: str) -> None:
    (folder / "package.json").write_text(json.dumps({"scripts": scripts}))


def test_first_match_wins(tmp_path: Path) -> None:
    assert "file_server.py" in dev_command(tmp_path)[0]
    (tmp_path / "Procfile").write_text("web: serve\n")
    assert dev_command(tmp_path) == ("serve", "the Procfile has a line web")
    (tmp_path / "manage.py").write_text("")
    assert dev_command(tmp_path)[0].endswith(" manage.py runserver 127.0.0.1:$PORT")
    for script in reversed(SCRIPTS):
        package_json(tmp_path, **dict.fromkeys(SCRIPTS[SCRIPTS.index(script) :], "x"))
        assert dev_command(tmp_path) == (f"npm run {script}", f"package.json has the script {script}")


@pytest.mark.parametrize(
    ("lock", "runner"),
    [
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("package-lock.json", "npm"),
        ("other.lock", "npm"),
    ],
)
def test_package_manager_whose_lock_file_is_there(tmp_path: Path, lock: str, runner: str) -> None:
    package_json(tmp_path, dev="node server.js")
    (tmp_path / lock).write_text("")
    assert dev_command(tmp_path)[0].removeprefix("corepack ") == f"{runner} run dev"


def test_the_package_manager_that_package_json_names_counts_before_a_lock_file(tmp_path: Path) -> None:
    """`packageManager` (Corepack) was not read: npm ran in a project of pnpm's."""
    (tmp_path / "package.json").write_text(
        json.dumps({"scripts": {"dev": "x"}, "packageManager": "pnpm@9.1.0+sha512.0"})
    )
    (tmp_path / "package-lock.json").write_text("")
    command, why = dev_command(tmp_path)
    assert command in ("pnpm run dev", "corepack pnpm run dev")
    assert why == "package.json has the script dev, and packageManager is pnpm"


@pytest.mark.parametrize("engines", [{"name": "yarn"}, [{"name": "yarn", "version": "4"}, {"name": "npm"}]])
def test_the_package_manager_of_dev_engines_counts_too(tmp_path: Path, engines: object) -> None:
    document = {"scripts": {"dev": "x"}, "devEngines": {"packageManager": engines}}
    (tmp_path / "package.json").write_text(json.dumps(document))
    assert "yarn run dev" in dev_command(tmp_path)[0]


@pytest.mark.parametrize("named", [5, None, "", "@", "cargo@1", ["pnpm"], {"name": "pnpm"}])
def test_a_package_manager_that_nobody_knows_is_passed_over(tmp_path: Path, named: object) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"scripts": {"dev": "x"}, "packageManager": named}))
    assert dev_command(tmp_path)[0] == "npm run dev"


def test_the_lock_file_of_a_monorepo_lies_in_its_root(tmp_path: Path) -> None:
    package = tmp_path / "packages" / "web"
    package.mkdir(parents=True)
    package_json(package, dev="x")
    package_json(tmp_path)
    (tmp_path / "bun.lock").write_text("")
    command, why = dev_command(package)
    assert command == "bun run dev"
    assert why == f"package.json has the script dev, and there is {tmp_path / 'bun.lock'}"
    (package / "package-lock.json").write_text("")
    assert dev_command(package)[0] == "npm run dev", "the nearest counts"


def test_a_lock_file_above_the_repository_is_somebody_elses(tmp_path: Path) -> None:
    package = tmp_path / "repository" / "web"
    package.mkdir(parents=True)
    package_json(package, dev="x")
    package_json(tmp_path)
    (tmp_path / "bun.lock").write_text("")
    assert dev_command(package)[0] == "bun run dev"
    (tmp_path / "repository" / ".git").mkdir()
    assert dev_command(package)[0] == "npm run dev"


def test_a_lock_file_in_a_home_is_an_accident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    package = tmp_path / "app"
    package.mkdir()
    package_json(package, dev="x")
    package_json(tmp_path)
    (tmp_path / "bun.lock").write_text("")
    assert dev_command(package)[0] == "npm run dev"


VITE, OTHER = "--port $PORT --strictPort", "--port $PORT"


SERVERS = [
    ("vite", VITE),
    ("vite dev", VITE),
    ("vite --host", VITE),
    ("vite ./client --open", VITE),
    ("vite preview", VITE),
    ("X=1 vite", VITE),
    ("NODE_OPTIONS='--max-old-space-size=4096 --inspect' vite", VITE),
    ("cross-env NODE_ENV=development X=2 vite", VITE),
    ("env -u X Y=1 vite", VITE),
    ("npx vite", VITE),
    ("npx --yes vite dev", VITE),
    ("bunx --bun vite", VITE),
    ("bun --bun vite", VITE),
    ("bun run --bun vite", VITE),
    ("NODE_ENV=x npx --yes vite", VITE),
    ("env X=1 vite", VITE),
    ("env-cmd -f .env.local vite", VITE),
    ("node --env-file=.env -r ./hook.js node_modules/.bin/vite", VITE),
    ("pnpm exec vite", VITE),
    ("npm exec -- vite", VITE),
    ("yarn vite", VITE),
    ("pnpm run vite", VITE),
    ("dotenv -e .env.local -- vite", VITE),
    ("dotenv -- cross-env A=b vite", VITE),
    ("node_modules/.bin/vite", VITE),
    ("node node_modules/vite/bin/vite.js", VITE),
    ("tsc -b && vite", VITE),
    ("npm run build; vite preview", VITE),
    ("vite > dev.log 2>&1", VITE),
    ("astro dev", OTHER),
    ("ng serve", OTHER),
    ("react-router dev", OTHER),
    ("remix vite:dev", OTHER),
    ("webpack serve --mode development", OTHER),
    ("vitepress dev docs", OTHER),
    ("docusaurus start", OTHER),
    ("wrangler dev src/index.ts", OTHER),
    ("rspack serve", OTHER),
    ("pnpm start:vite", VITE),
    ("yarn run start:vite", VITE),
    ("npm run start:vite", f"-- {VITE}"),
    ("npm run start:npm", f"-- -- {VITE}"),
    ("vite --port 5173", ""),
    ("vite --port=5173", ""),
    ("npm run start:own", ""),
    ("npm run circle", ""),
    ("npm run missing", ""),
    ("pnpm --filter web dev", ""),
    ("npm exec vite", ""),
    ("vite build", ""),
    ("vite build && node server.js", ""),
    ("vite && echo", ""),
    ("vite &", ""),
    ("vite | tee log", ""),
    ("(vite)", ""),
    ("vite # here", ""),
    ("echo `vite`", ""),
    ("echo 'vite", ""),
    ("concurrently vite tsc", ""),
    ("npx -c 'vite'", ""),
    ("env -S 'X=1 vite'", ""),
    ("sh -c vite", ""),
    ("dotenv -e .env vite", ""),
    ("pnpm --filter web vite", ""),
    ("wrangler deploy", ""),
    ("ng build", ""),
    ("next dev", ""),
    ("node vite", ""),
    ("X=1", ""),
    ("npx", ""),
    ("", ""),
]
"""Scripts, and the flags that tell their server its port."""


def test_the_port_reaches_a_server_that_does_not_read_it_from_the_environment() -> None:
    """Only a script that was `vite` and nothing else was told its port."""
    scripts = {
        "start:vite": "vite", "start:npm": "npm run start:vite", "start:own": "vite --port 1",
        "circle": "npm run circle",
    }  # fmt: skip
    assert [(script, port_flags(script, scripts)) for script, _ in SERVERS] == SERVERS


@pytest.mark.parametrize(
    ("lock", "command"),
    [
        ("package-lock.json", "npm run dev -- --port $PORT --strictPort"),
        ("bun.lock", "bun run dev --port $PORT --strictPort"),
        ("pnpm-lock.yaml", "pnpm run dev --port $PORT --strictPort"),
        ("yarn.lock", "yarn run dev --port $PORT --strictPort"),
    ],
)
def test_each_package_manager_passes_the_flags_on_in_its_own_way(tmp_path: Path, lock: str, command: str) -> None:
    package_json(tmp_path, dev="X=1 vite")
    (tmp_path / lock).write_text("")
    assert dev_command(tmp_path)[0].removeprefix("corepack ") == command


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"5",
        b"\xff\xfe",
        b'{"scripts": null}',
        b'{"scripts": ["dev"]}',
        b'{"scripts": {"test": "x"}}',
        b"[" * 100_000,
    ],
)
def test_package_json_that_says_nothing_is_passed_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "package.json").write_bytes(content)
    assert "file_server.py" in dev_command(tmp_path)[0]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_package_json_that_can_not_be_read_is_not_told_to_be_missing(tmp_path: Path, content: bytes) -> None:
    """After a slip in package.json the folder's files were served, because "there is no package.json script"."""
    (tmp_path / "package.json").write_bytes(content)
    assert dev_command(tmp_path)[1].startswith("package.json is no JSON that can be read")
    (tmp_path / "package.json").write_bytes(b"{}")
    assert dev_command(tmp_path)[1].startswith("there is no package.json script")


def test_folder_called_manage_py_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "manage.py").mkdir()
    assert "file_server.py" in dev_command(tmp_path)[0]


def test_procfile_without_web_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("worker: work\n")
    command, why = dev_command(tmp_path)
    assert "file_server.py" in command
    assert "served" in why


# The Python of a project


@pytest.fixture
def django(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Django project whose `inv` is installed elsewhere, as pipx and uv do; nothing is activated."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    project = tmp_path / "project"
    project.mkdir()
    (project / "manage.py").write_text("")
    return project


def environment(folder: Path) -> Path:
    """A virtual environment, as far as it is looked at."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch(0o755)
    (folder / "pyvenv.cfg").touch()
    return folder


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
def test_a_django_project_is_run_by_its_own_python(django: Path, name: str) -> None:
    """With `inv` of pipx or `uv tool`, the system's Python ran it: no module named django."""
    environment(django / name)
    command, why = dev_command(django)
    assert command == f"{name}/bin/python manage.py runserver 127.0.0.1:$PORT"
    assert why == f"there is a manage.py, run with the Python of {name}"


def test_an_environment_of_condas_counts_too(django: Path) -> None:
    (environment(django / "env") / "pyvenv.cfg").unlink()
    assert dev_command(django)[0].startswith(("python ", "python3 ")), "a folder called env is no environment yet"
    (django / "env" / "conda-meta").mkdir()
    assert dev_command(django)[0].startswith("env/bin/python ")


def test_an_environment_that_is_activated_counts_first(django: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(django / ".venv")
    monkeypatch.setenv("VIRTUAL_ENV", str(environment(django.parent / "activated")))
    assert dev_command(django)[0].startswith(("python manage.py", "python3 manage.py"))
    monkeypatch.setenv("VIRTUAL_ENV", str(django.parent / "deleted since"))
    assert dev_command(django)[0].startswith(".venv/bin/python manage.py")


def test_a_part_of_a_monorepo_has_the_environment_of_its_root(django: Path) -> None:
    environment(django.parent / ".venv")
    (django.parent / "pyproject.toml").touch()
    python = shlex.quote(str(django.parent / ".venv" / "bin" / "python"))
    assert dev_command(django)[0] == f"{python} manage.py runserver 127.0.0.1:$PORT"


@pytest.mark.parametrize("lock", ["uv.lock", "poetry.lock", "Pipfile", "pdm.lock"])
def test_a_tool_whose_lock_file_is_there_knows_the_python(
    django: Path, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    tool, programs = INTERPRETER_LOCK_FILES[lock], django.parent / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    (django / lock).touch()
    assert dev_command(django)[0].startswith("python"), "the tool is not installed"
    (programs / tool).touch(0o755)
    command, why = dev_command(django)
    assert command == f"{tool} run python manage.py runserver 127.0.0.1:$PORT"
    assert why == f"there is a manage.py, run by {tool}, for there is {lock}"
