"""What a command line gives away as secret is shown nowhere: neither by the tasks nor by the API."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.text.masking import LONGEST, masked


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["mysql", "--password=hunter2", "-u", "bob"], "mysql --password=*** -u bob"),
        (["mysql", "--password", "two words"], "mysql --password ***"),
        (["app", "--api-key", "hunter2", "--port", "80"], "app --api-key *** --port 80"),
        (["app", "--token", "--verbose"], "app --token --verbose"),
        (["env", "DB_PASSWORD=hunter2", "PGPASSWORD=hunter2", "run"], "env DB_PASSWORD=*** PGPASSWORD=*** run"),
        (["sh", "-c", "SECRET_KEY='hunter2 x' run --auth-token hunter2"], "sh -c SECRET_KEY=*** run --auth-token ***"),
        (["psql", "postgres://bob:hunter2@db/app"], "psql postgres://***@db/app"),
        (["psql", "postgres://bob:hun@ter2@db/app"], "psql postgres://***@db/app"),
        (["redis-cli", "-u", "redis://:hunter2@db"], "redis-cli -u redis://***@db"),
        (["curl", "-H", "Authorization: Bearer hunter2hunter2"], "curl -H Authorization: ***"),
        (["curl", "-H", "Authorization: Token hunter2", "http://x"], "curl -H Authorization: *** http://x"),
        (["curl", "-H", "Cookie: a=hunter2; b=hunter2"], "curl -H Cookie: ***"),
        (
            ["sh", "-c", "curl -H 'Authorization: Digest hunter2' http://x"],
            "sh -c curl -H 'Authorization: ***' http://x",
        ),
        (["redis-server", "--requirepass", "hunter2", "--port", "1"], "redis-server --requirepass *** --port 1"),
        (["mysql", "--password=hunter2 and more", "--port", "1"], "mysql --password=*** --port 1"),
        (["sh", "-c", "DB_PASS=hunter2 GITHUB_PAT=hunter2 run"], "sh -c DB_PASS=*** GITHUB_PAT=*** run"),
        (["env", "SIGNING_KEY=hunter2", "SENTRY_DSN=hunter2", "run"], "env SIGNING_KEY=*** SENTRY_DSN=*** run"),
        (["env", "AWS_CREDS=hunter2", "run", "--bearer", "hunter2"], "env AWS_CREDS=*** run --bearer ***"),
        (["jest", "--passWithNoTests", "src", "--path", "x"], "jest --passWithNoTests src --path x"),
        (["curl", "http://x/?token=hunter2&page=2"], "curl http://x/?token=***&page=2"),
        (["curl", "-d", '{"password": "hunter2", "user": "bob"}'], 'curl -d {"password": ***, "user": "bob"}'),
        (["curl", "http://x/?access_token=hunter2&page=2"], "curl http://x/?access_token=***&page=2"),
        (["curl", "-d", r'{"password": "a\"hunter2"}'], 'curl -d {"password": ***}'),
        (["python", "-c", "run(token=abc123)"], "python -c run(token=***"),
        (["run", "ghp_" + "a" * 36], "run ***"),
        (["python", "-m", "http.server", "8000"], "python -m http.server 8000"),
        (["node", "--max-old-space-size=512", "server.js"], "node --max-old-space-size=512 server.js"),
        (["curl", "http://localhost:3000/api"], "curl http://localhost:3000/api"),
        ([], ""),
    ],
)
def test_secrets_of_a_command_line_are_masked_and_nothing_else(words: list[str], shown: str) -> None:
    assert " ".join(masked(words)) == shown


@given(
    st.sampled_from(["PASSWORD=", "--token=", "api_key: ", "x=1&secret="]),
    st.from_regex(r"[a-z0-9]{8,20}", fullmatch=True),
)
def test_what_a_name_gives_away_is_never_shown(name: str, secret: str) -> None:
    assert secret not in " ".join(masked(["app", f"{name}{secret}"]))
    assert secret not in " ".join(masked(["sh", "-c", f"app {name}{secret} --flag"]))


@pytest.mark.parametrize("part", ["token-", "a-", "auth ", "'", '"', "--a", "://x", "=", "-_."])
def test_long_command_line_is_cut_rather_than_searched_for_ever(part: str) -> None:
    assert all(len(shown) <= 2 * LONGEST for shown in masked([part * 2_000_000, part * 2_000_000]))
