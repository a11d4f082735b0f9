"""The settings of an earlier version, from the ini file in which Qt kept them.

Read by a parser of our own and never by Qt, which would unpickle an ``@Variant`` in it, however it
is spelt. Only what that version wrote is taken: text, lists of text, and ``@ByteArray``.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from platformdirs import user_config_path

MOST_BYTES = 2**20
ESCAPES = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True)) | {sign: sign for sign in "\"?'\\"}
LINE = re.compile(r';[^\r\n]*|(?:\\[\s\S]|"(?:\\[\s\S]|[^"\\])*(?:"|\\?\Z)|[^\\"\r\n;]+)+')
"""A comment or a line of Qt's ini format, which goes on within quotes and behind a backslash."""
PART = re.compile(r'\\x[0-9A-Fa-f]+|\\[0-7]+|\\(?:\r\n|\n\r|[\s\S])|[",]|[^\\",]+')
"""A part of a value: an escaped character, a quote, a comma, or plain text."""
CODED = re.compile(r"%[Uu]([0-9A-Fa-f]{4})|%([0-9A-Fa-f]{2})")
"""A character of a key."""
EXPORT = {
    **dict.fromkeys(("width", "height"), int),
    **dict.fromkeys(("fps", "seconds", "hold"), float),
    **dict.fromkeys(("every_t", "reverse"), bool),
}
"""What is no text among the choices for an export."""


def place() -> Path:
    """Where an earlier version kept the file."""
    if sys.platform == "win32":
        folder = user_config_path("ToyDiff", appauthor=False, roaming=True)
    else:  # elsewhere than platformdirs on a Mac
        folder = Path.home() / (os.environ.get("XDG_CONFIG_HOME") or ".config") / "ToyDiff"
    return folder / "ToyDiff.ini"


def read(path: Path) -> dict[str, Any]:
    """The settings in the file, as ``SettingsFile`` keeps them. Raises ``OSError``."""
    if not path.is_file():
        return {}
    with path.open("rb") as stream:
        text = stream.read(MOST_BYTES).decode("utf-8-sig", errors="replace")
    found: dict[str, Any] = {}
    for key, stored in _entries(text):
        try:
            value = _kept(key, _value(stored))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            continue
        if value is not None:
            found[key] = value
    return found


def _kept(key: str, value: str | list[str] | bytes | None) -> Any:
    """What is kept of a value from then; None for nothing. Raises ``ValueError``."""
    group, _, name = key.partition("/")
    match value:
        case bytes():
            return value if key == "window/geometry" else None
        case str() if group == "state" or key.startswith("modes/training/"):
            return msgspec.json.decode(value)
        case str() if group == "export":
            return msgspec.convert(value, EXPORT.get(name, str), strict=False)
        case str() if key.startswith(("modes/model/", "images/folder")):
            return value
        case str() if key == "window/hint_seen":
            return True
        case str() | list() if key == "runs/recent" or key.startswith("images/roots"):
            return value if isinstance(value, list) else [value]
    return None


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Keys and values as they are written, without quotes or escapes being understood."""
    group = ""
    for line in LINE.findall(text):
        stripped = line.strip(" \t\r\n")
        if stripped.startswith("["):
            name = _uncoded(stripped[1:].partition("]")[0].strip())
            group = "" if name.lower() == "general" else f"{name}/"
        elif "=" in line and not line.startswith(";"):
            key, _, stored = line.partition("=")
            yield group + _uncoded(key.strip()), stored


def _uncoded(key: str) -> str:
    plain = key.replace("\\", "/")
    return CODED.sub(lambda match: chr(int(match[1] or match[2], 16)), plain)


def _value(stored: str) -> str | list[str] | bytes | None:
    """The text, list of texts or bytes that is meant; None for anything else."""
    items = _items(stored)
    if len(items) == 1 and items[0].startswith("@ByteArray(") and items[0].endswith(")"):
        return items[0].removeprefix("@ByteArray(")[:-1].encode("latin-1")
    if any(item.startswith("@") and not item.startswith("@@") for item in items):
        return None
    texts = [item.removeprefix("@") for item in items]
    return texts[0] if len(texts) == 1 else texts


def _items(stored: str) -> list[str]:
    """The texts between the commas, without spaces around what is not quoted."""
    items = [""]
    within = quoted = False
    firm = 0
    """As much of the last item is quoted or escaped, so that no space is cut from it."""
    for part in PART.findall(stored):
        if part == '"':
            within, quoted, firm = not within, True, len(items[-1])
        elif part == "," and not within:
            items[-1] = _cut(items[-1], firm)
            items.append("")
            quoted, firm = False, 0
        elif part.startswith("\\"):
            items[-1] += _escaped(part)
            firm = len(items[-1])
        else:
            fresh = not within and (quoted or not items[-1])
            items[-1] += part.lstrip(" \t") if fresh else part
            if within:
                firm = len(items[-1])
    items[-1] = _cut(items[-1], firm)
    return items


def _cut(item: str, firm: int) -> str:
    return item[:firm] + item[firm:].rstrip(" \t\r\n")


def _escaped(part: str) -> str:
    """The character that is meant by a backslash and what follows; '' for none."""
    if len(part) > 2 and part[1] == "x":
        return chr(int(f"0{part[1:]}", 16) % 2**16)
    if part[1] in "01234567":
        return chr(int(part[1:], 8) % 2**16)
    return ESCAPES.get(part[1], "")
