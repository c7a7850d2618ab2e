"""What secrets are called and what they look like: names, shapes, and flags of programs that take one. Pure."""

import re
from typing import NamedTuple

WORD = r"pass(?:w(?:or)?d|phrase)|pwd|secret|token|cred(?:ential|s)|apikey|bearer|authorization|cookie|jwt"
KEY = r"(?:api|access|account|auth|private|secret|shared|signing|encryption|deploy|master|ssh)[-_]?key"
SHORT = r"pass|pat|pw|dsn"
"""What secrets are called, whatever the case: words that may end a longer one, keys, and words that stand alone."""

_ENDINGS = ("password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "authorization", "cookie")
_WHOLE = frozenset({*_ENDINGS, *SHORT.split("|"), "pwd", "creds", "bearer", "jwt", "auth", "requirepass", "masterauth"})
_PARTS = r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+"
_COUNTED = frozenset({"max", "min", "num", "n", "total", "context", "prompt", "completion", "new", "count", "limit"})
_HARMLESS_END = frozenset(
    {"name", "domain", "path", "samesite", "secure", "ttl", "age", "length", "type", "with", "no"}
)


class FlagsOfPrograms(NamedTuple):
    """Flags by which some programs, known by their names, are given a secret: glued to the flag, or after it."""

    programs: str
    flag: str
    value: str = r"\S+"


FLAGS_OF_PROGRAMS = (
    FlagsOfPrograms(r"(?:mysql|mariadb)[\w-]*|7za?", r"-p"),
    FlagsOfPrograms(r"(?:redis|valkey|keydb)-cli", r"(?:-a|--pass)(?:\s+|=)"),
    FlagsOfPrograms(r"curl", r"(?:-[uU]|--(?:proxy-)?user)(?:\s+|=)?[^\s:]*:"),
    FlagsOfPrograms(r"https?", r"(?:-a|--auth)(?:\s+|=)(?:[^\s:]*:)?"),
    FlagsOfPrograms(r"ab|wget", r"-A\s+[^\s:]*:"),
    FlagsOfPrograms(r"sshpass", r"-p\s*"),
    FlagsOfPrograms(r"docker\s+login|podman\s+login|sqlcmd|bcp", r"-[pP]\s*"),
    FlagsOfPrograms(r"unzip|zip", r"-P\s*"),
    FlagsOfPrograms(r"ldap\w+", r"-w\s*"),
    FlagsOfPrograms(r"smbclient", r"-U\s*[^\s%]*%"),
    FlagsOfPrograms(r"openssl", r"-pass(?:in|out)?\s+pass:"),
)

SHAPES = (
    r"gh[pousr]_[\w]{16,}|github_pat_[\w]{16,}|gl(?:pat|dt|rt|cbt)-[\w.-]{16,}",
    r"sk-[\w-]{16,}|[sr]k_(?:live|test)_\w{10,}|whsec_\w{16,}",
    r"xox[abeoprs]-[\w-]{10,}|A(?:KI|SI)A[A-Z0-9]{12,}|AIza[\w-]{30,}|ya29\.[\w-]{16,}",
    r"hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}|dckr_pat_[\w-]{16,}|shp(?:at|ss|ca)_\w{16,}",
    r"dop_v1_\w{16,}|SG\.[\w-]{16,}\.[\w-]{16,}|lin_api_\w{16,}|figd_[\w-]{16,}|tskey-[\w-]{16,}",
    r"eyJ[\w-]{8,}\.[\w.-]{8,}|eyJ[\w.-]{16,}|\b\d{8,10}:AA[\w-]{30,}",
)
"""What the keys of services look like wherever they stand."""

ADDRESSES = (
    r"(://)[^/\s]+(?=@)",
    r"(hooks\.slack\.com/services/)[\w/]+",
    r"(discord(?:app)?\.com/api/webhooks/\d+/)[\w-]+",
    r"(?i)([?&](?:sig|signature|x-amz-signature|x-amz-security-token|x-goog-signature|code|key)=)[^\s&;\"']+",
)


def is_secret(name: str) -> bool:
    """True if the name gives its value away as secret; words such as `author` and `tokenizer` do not."""
    if re.search(KEY, name, re.IGNORECASE):
        return True
    parts = [part.lower() for part in re.findall(_PARTS, name)]
    return any(_is_secret_part(parts, place) for place in range(len(parts)))


def _is_secret_part(parts: list[str], place: int) -> bool:
    part, before, after = parts[place], set(parts[:place]), set(parts[place + 1 :])
    single = part.removesuffix("s")
    if part.endswith("s") and single == "token" and before & _COUNTED:
        return False
    if after & _HARMLESS_END and {part, single} & {"cookie", "token", "pass", "auth"}:
        return False
    return part in _WHOLE or single in _WHOLE or single.endswith(_ENDINGS)
