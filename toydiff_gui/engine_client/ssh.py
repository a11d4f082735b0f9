"""An engine on another machine: its address, the command that starts it, and why it has ended.

The connection is the system's own OpenSSH client: keys, known hosts, agents and jump hosts are the
user's, set up as for ``ssh`` itself. No port is opened and no password is ever asked for.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

SCHEME = "ssh://"
PYTHON = "python3"
OPTIONS_VARIABLE = "TOYDIFF_SSH_OPTIONS"
"""Its words are given to ``ssh`` before all others, such as '-F FILE' or '-i KEY'."""
SSH_ENDED = 255
"""The status with which ``ssh`` ends of itself; any other is that of the command there."""

OPTIONS = (
    "-T",
    *("-o", "BatchMode=yes"),  # never asks: there may be no terminal to ask on
    *("-o", "ConnectTimeout=15"),
    *("-o", "ServerAliveInterval=10"),
    *("-o", "ServerAliveCountMax=3"),
    *("-o", "ControlMaster=no"),  # a master in the background would outlive the window
    *("-o", "ClearAllForwardings=yes"),
    *("-o", "ForwardAgent=no"),
    *("-o", "ForwardX11=no"),
    *("-o", "PermitLocalCommand=no"),
    *("-o", "RequestTTY=no"),
    *("-o", "LogLevel=ERROR"),
)

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._\-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._\-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")


@dataclass(frozen=True)
class Address:
    """Where the engine is: ``ssh://[user@]host[:port][?python=PATH]``.

    ``python`` is the interpreter there that has ToyDiff; a relative path starts at the user's home.
    """

    host: str
    user: str = ""
    port: int | None = None
    python: str = PYTHON

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        python = "" if self.python == PYTHON else f"?python={quote(self.python)}"
        return f"{SCHEME}{user}{host}{port}{python}"

    @property
    def login(self) -> str:
        """As a person would write it."""
        return f"{self.user}@{self.host}" if self.user else self.host


def parse_address(text: str) -> Address:
    """The address that ``text`` is; raises ``ValueError`` with what cannot be meant by it."""
    if not text.startswith(SCHEME):
        raise ValueError(f"{text!r} is not of the form ssh://user@host")
    if not text.isprintable() or any(character.isspace() for character in text):
        raise ValueError(f"{text!r} is not an address: it has blanks in it")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is not an address: {error}") from None
    user, host = unquote(parts.username or ""), parts.hostname or ""
    if parts.password is not None:
        raise ValueError(f"{parts.hostname!r}: a password has no place in an address; use a key")
    if parts.path.strip("/") or parts.fragment:
        raise ValueError(f"{text!r}: there is something after the host")
    if "@" in parts.netloc and not _USER.fullmatch(user):
        raise ValueError(f"{user!r} is not the name of a user")
    # Written by hand, capitals may matter to ~/.ssh/config; urlsplit has lowered them.
    written = parts.netloc.rpartition("@")[2]
    host = next((part for part in [written.rsplit(":", 1)[0]] if part.lower() == host), host)
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} is not the name of a host")
    if port == 0:
        raise ValueError(f"{text!r}: there is no port 0")
    return Address(host, user, port, _python(parts.query))


def _python(query: str) -> str:
    if not query:
        return PYTHON
    name, _, value = query.partition("=")
    if name != "python" or "&" in value:
        raise ValueError(f"?{query}: only ?python=PATH can follow the host")
    python = unquote(value)
    if not python or python[0] in "-~" or not python.isprintable():
        raise ValueError(f"?python={python}: not a path; a relative one starts at the home folder")
    return python


def remote_command(
    address: Address, device: str = "auto", environ: Mapping[str, str] = os.environ
) -> list[str]:
    """The command here that runs the engine there."""
    extra = shlex.split(environ.get(OPTIONS_VARIABLE, ""))
    # -P: a file engine.py in the home folder must not be taken for ours.
    there = [address.python, "-P", "-m", "engine", "serve", "--remote", "--device", device]
    where = [] if address.port is None else ["-p", str(address.port)]
    who = ["-l", address.user] if address.user else []
    return ["ssh", *extra, *OPTIONS, *where, *who, "--", address.host, shlex.join(there)]


@dataclass(frozen=True)
class Ending:
    """Why an engine over there is gone. ``broke``: it may be there again on another try."""

    text: str
    broke: bool = False


def why_ended(address: Address, code: int, errors: Sequence[str], *, was_ready: bool) -> Ending:
    """What the end of ``ssh`` with status ``code`` and these lines of ``errors`` means."""
    where, lines = address.login, [line.strip() for line in errors if line.strip()]
    text, last = "\n".join(lines), lines[-1] if lines else ""
    if code == SSH_ENDED or code < 0:
        if "REMOTE HOST IDENTIFICATION HAS CHANGED" in text:
            return Ending(
                f"the key of the host {where} is not the one that is known, as if another machine "
                f"answered for it: see what `ssh {where}` says"
            )
        if "host key verification failed" in text.lower():
            return Ending(
                f"the key of the host {where} is not known yet: connect once with "
                f"`ssh {where}` and check it"
            )
        if "Permission denied" in text or "Too many authentication failures" in text:
            return Ending(
                f"{where} does not let us in ({last.rpartition(': ')[2]}): it must know a key of "
                "yours that asks for no password"
            )
        said = f": {last}" if last else ""
        if was_ready:
            return Ending(f"the connection to {where} broke{said}", broke=True)
        return Ending(f"no connection to {where}{said}", broke=True)
    if "No module named" in text and "engine" in last:
        return Ending(
            f"ToyDiff is not installed on {where} for {address.python}: "
            "name the Python that has it with ?python=PATH"
        )
    if code == 127 or (code == 126 and not was_ready):
        return Ending(
            f"there is no {address.python} that runs on {where}: name one with ?python=PATH"
        )
    if re.search(r"unknown option:? -?P", text, re.IGNORECASE):
        return Ending(f"{address.python} on {where} is older than Python 3.11, which ToyDiff needs")
    if "No such option" in text and "--remote" in text:
        return Ending(f"ToyDiff on {where} is an older version: install the same there as here")
    said = f": {last.removeprefix('toydiff: ')}" if last else ""
    return Ending(f"the engine on {where} ended with status {code}{said}")


def other_version(address: Address, there: str, here: str) -> str:
    """What to say of an engine that is not of the window's version."""
    return f"ToyDiff on {address.login} is version {there}, and here it is {here}: install the same"


def noise_instead(address: Address, why: str, noise: bytes) -> str:
    """What to say when a login there writes and no engine begins."""
    first = noise.decode(errors="replace").strip().splitlines()
    said = f"; it began with {first[0][:80]!r}" if first else ""
    return f"no engine has begun on {address.login}: {why}{said}"
