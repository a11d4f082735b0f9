"""An OpenSSH server on loopback with keys made for the test, and a client that knows it alone."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
MISSING = "these tests need OpenSSH's client and server: apt install openssh-client openssh-server"

SERVER = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
SetEnv XDG_DATA_HOME={folder}/data PYTHONPATH={root}
"""

CLIENT = """
Host plain closed unknown changed
    IdentityFile {folder}/user_key
Host closed
    Port {closed}
Host stranger
    IdentityFile {folder}/stranger_key
Host noisy
    IdentityFile {folder}/noisy_key
Host chatterbox
    IdentityFile {folder}/chatterbox_key
Host unknown
    UserKnownHostsFile /dev/null
Host changed
    UserKnownHostsFile {folder}/changed_hosts
Host *
    HostName 127.0.0.1
    Port {port}
    User {user}
    IdentitiesOnly yes
    IdentityAgent none
    HostKeyAlias loopback
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
"""

WELCOME = r"printf 'Welcome!\nno end of line'"
KEYS = {
    "user": "",
    # Logins that write before the command runs, a little and without end.
    "noisy": f'command="{WELCOME}; exec sh -c \\"$SSH_ORIGINAL_COMMAND\\"" ',
    "chatterbox": 'command="exec yes la" ',
}


class Sshd:
    """The server, with its own folder for keys, configuration and the data of engines."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data" / "ToyDiff"
        found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if found is None or shutil.which("ssh") is None:
            pytest.fail(MISSING)
        self._make_keys()
        self.port, closed = free_port(), free_port()
        places = {"folder": folder, "root": ROOT, "port": self.port, "closed": closed}
        (folder / "server").write_text(SERVER.format(**places))
        (folder / "client").write_text(CLIENT.format(**places, user=getpass.getuser()))
        if os.geteuid() == 0:  # where it locks itself in before it knows the user
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self._process = subprocess.Popen(
            [found, "-D", "-e", "-f", folder / "server"], stderr=subprocess.PIPE, text=True
        )
        said = ""
        while "Server listening" not in said:
            line = self._process.stderr.readline()
            assert line, f"sshd has not started: {said}"
            said += line

    def _make_keys(self) -> None:
        lines = []
        for name in ("host", *KEYS, "stranger"):
            path = self.folder / f"{name}_key"
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path]
            subprocess.run(command, check=True)
            if name in KEYS:
                lines.append(KEYS[name] + path.with_suffix(".pub").read_text())
        (self.folder / "authorized_keys").write_text("".join(lines))
        for name, key in (("known_hosts", "host_key"), ("changed_hosts", "stranger_key")):
            public = (self.folder / f"{key}.pub").read_text()
            (self.folder / name).write_text(f"loopback {public}")

    @property
    def options(self) -> str:
        """For ``TOYDIFF_SSH_OPTIONS``."""
        return f"-F {self.folder / 'client'}"

    def break_connections(self) -> None:
        """As when a cable is pulled: nobody says goodbye."""
        for session in psutil.Process(self._process.pid).children():
            for process in [*session.children(recursive=True), session]:
                if "sshd" in process.name():
                    process.kill()

    def engines(self) -> list[psutil.Process]:
        """What runs for us on the other machine, which is this one."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("XDG_DATA_HOME") == str(self.data.parent)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def stop(self) -> None:
        """End the server and what it has started."""
        self.break_connections()
        self._process.terminate()
        self._process.communicate()
        for process in self.engines():
            process.kill()


def free_port() -> int:
    """A port on loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def script(folder: Path, name: str, text: str) -> Path:
    """A program to run there in place of Python."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text.replace('PYTHON', sys.executable)}\n")
    path.chmod(0o755)
    return path
