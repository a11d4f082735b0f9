"""Prepares .venv and the system libraries for `make run` and `make test`; needs Python alone.

A stamp in .venv says that all is done, so the second call costs a tenth of a second. The syntax
stays readable for Python 3.7, so that an old interpreter gets a sentence and not a traceback.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
PLATFORM_CHECK = ROOT / "toydiff_gui" / "app" / "platform_check.py"
OLDEST = (3, 11)
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
REQUIREMENTS = {"run": ".", "test": ".[test,dev]"}
SERVICES = Path("/run/systemd/system")
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")


class SetupError(Exception):
    """Set-up cannot go on; the message says what would help."""


def main(arguments: list[str]) -> int:
    """Prepares for one purpose, `run` or `test`; returns the exit status."""
    purpose = arguments[0] if arguments else ""
    if purpose not in REQUIREMENTS:
        print("usage: bootstrap.py run | test", file=sys.stderr)
        return 2
    try:
        require_version(sys.version_info[:3])
        if not is_prepared(purpose):
            prepare(purpose)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next call goes on from here.", file=sys.stderr)
        return 130
    return 0


def require_version(version: tuple[int, ...]) -> None:
    """Refuses an interpreter that is too old, and names a newer one if there is one."""
    if version[:2] >= OLDEST:
        return
    newer = next(filter(shutil.which, (f"python3.{n}" for n in range(20, 10, -1))), "")
    advice = (
        f"call make again with PYTHON={newer}"
        if newer
        else "install a newer one and name it, as in `make run PYTHON=python3.12`"
    )
    found = ".".join(map(str, version))
    raise SetupError(
        f"ToyDiff needs Python 3.11 or newer, and {sys.executable} is {found}: {advice}."
    )


# The stamp


def digest() -> str:
    """What the environment depends on: these files, the Python version, the place of the folder."""
    state = sha256(f"{ROOT}\n{VERSION}".encode())
    for path in (ROOT / "pyproject.toml", Path(__file__), PLATFORM_CHECK):
        state.update(path.read_bytes())
    return state.hexdigest()


def stamp(purpose: str) -> Path:
    """The file that holds the digest of the last complete set-up."""
    return VENV / (".prepared-" + purpose)


def is_prepared(purpose: str) -> bool:
    """Whether set-up was completed for this purpose and nothing has changed since."""
    try:
        return stamp(purpose).read_text() == digest() and VENV_PYTHON.exists()
    except OSError:
        return False


def prepare(purpose: str) -> None:
    """Does what is missing, and writes the stamp when all of it worked."""
    complete = prepare_system(purpose)
    # The tests' environment can run the program as well.
    if not is_prepared("test"):
        prepare_venv()
        install_packages(purpose)
    if complete:
        stamp(purpose).write_text(digest())


# System packages


def prepare_system(purpose: str) -> bool:
    """Installs missing system packages if it may, else names them; False to look again next time.

    `run` goes on without the window's libraries: the commands do without, and the window itself
    explains what it lacks.
    """
    missing = missing_packages(purpose)
    if not missing:
        return True
    complete = True
    apt = apt_command()
    if apt is not None:
        complete = apt_install(apt, missing)
        missing = missing_packages(purpose)
        if not missing:
            return True
    advice = explain_missing(purpose, missing)
    if not has_venv() or (purpose == "test" and missing_libraries(purpose)):
        raise SetupError(advice)
    print(advice, file=sys.stderr)
    return complete


def has_venv() -> bool:
    """Whether this Python can make virtual environments; Debian splits that off."""
    importlib.invalidate_caches()
    return all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))


def has_fonts() -> bool:
    """Whether there is a font for what the bundled one lacks."""
    return any(
        name.endswith((".ttf", ".otf", ".ttc", ".pfb"))
        for folder in FONT_FOLDERS
        for _, _, names in os.walk(Path(folder).expanduser())
        for name in names
    )


def missing_ssh() -> list[str]:
    """What the tests of an engine on another machine lack: OpenSSH's client and server.

    Where services are managed, the server's package would open this machine to the network: there
    it is left to its owner, and the tests say what they lack.
    """
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    lacking = [] if shutil.which("ssh") else ["openssh-client"]
    if not shutil.which("sshd", path=path) and not SERVICES.is_dir():
        lacking.append("openssh-server")
    return lacking


def missing_libraries(purpose: str) -> list[Any]:
    """The libraries that Qt lacks for this purpose; empty off Linux."""
    spec = importlib.util.spec_from_file_location("platform_check", str(PLATFORM_CHECK))
    assert spec is not None
    assert spec.loader is not None
    check = importlib.util.module_from_spec(spec)
    sys.modules["platform_check"] = check  # dataclasses look their module up
    spec.loader.exec_module(check)
    environ = dict(os.environ)
    if purpose == "test":
        environ["QT_QPA_PLATFORM"] = "offscreen"
    elif not check.platforms(environ, lambda: True):
        environ["QT_QPA_PLATFORM"] = "xcb"  # no display yet, as in a container
    missing: list[Any] = check.missing_libraries(environ, wayland_plugin=lambda: True)
    return missing


def missing_packages(purpose: str) -> list[tuple[str, ...]]:
    """The Debian packages to install, each with its other names."""
    missing: list[tuple[str, ...]] = []
    if not has_venv():
        missing.append((f"python{VERSION}-venv", "python3-venv"))
    if sys.platform.startswith("linux"):
        missing += [library.debian for library in missing_libraries(purpose)]
        if not has_fonts():
            missing.append(("fonts-dejavu-core",))
        if purpose == "test":
            missing += [(name,) for name in missing_ssh()]
    return list(dict.fromkeys(missing))


def explain_missing(purpose: str, packages: list[tuple[str, ...]]) -> str:
    """Names what is missing and the commands that install it."""
    libraries = missing_libraries(purpose)
    lines = ["ToyDiff needs system packages that are not here:"]
    lines.append("  Debian, Ubuntu:  sudo apt install " + " ".join(names[0] for names in packages))
    fedora = dict.fromkeys(library.fedora for library in libraries)
    if fedora:
        lines.append("  Fedora:          sudo dnf install " + " ".join(fedora))
    return "\n".join(lines)


def apt_command() -> list[str] | None:
    """How apt-get can be called here: as root, through sudo, or (None) not at all."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    if subprocess.call(["sudo", "-n", "true"], stderr=subprocess.DEVNULL) == 0:
        return ["sudo", "-n"]
    # With somebody at the terminal, sudo may ask for the password.
    return ["sudo"] if sys.stdin.isatty() and sys.stderr.isatty() else None


def apt_install(prefix: list[str], packages: list[tuple[str, ...]]) -> bool:
    """Installs packages through apt, under the names that this release knows."""
    print("Updating the package lists of apt ...", flush=True)
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    subprocess.call([*apt, "update"], stdout=subprocess.DEVNULL)
    names = list(dict.fromkeys(choose_name(names) for names in packages))
    print("Installing", *names, "...", flush=True)
    done = subprocess.run(
        [*apt, "install", "-y", "--no-install-recommends", *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        print(tail(done.stdout), file=sys.stderr)
    return done.returncode == 0


def choose_name(names: tuple[str, ...]) -> str:
    """The first name that this release has a package for; Ubuntu 24.04 renamed some to ...t64."""
    return next((name for name in names if len(names) > 1 and apt_knows(name)), names[0])


def apt_knows(name: str) -> bool:
    """Whether a real package has this name; a virtual one prints nothing."""
    shown = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return bool(shown.stdout.strip())


# Python packages


def prepare_venv() -> None:
    """Makes .venv, unless a usable one for this Python is there."""
    if is_usable():
        return
    print(f"Creating .venv with Python {VERSION} ...", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetupError(f"The environment could not be made:\n{tail(done.stdout)}")


def is_usable() -> bool:
    """Whether .venv has pip, our Python version, and was made in this very folder."""
    try:
        # The scripts in it hold the path; past a certain length in their second line.
        with (VENV / "bin" / "pip").open(encoding="utf-8") as script:
            if str(VENV) + os.sep not in script.readline() + script.readline():
                return False
        answer = subprocess.run(
            [str(VENV_PYTHON), "-c", "import pip, sys; print('%d.%d' % sys.version_info[:2])"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return answer.stdout.strip() == VERSION


def install_packages(purpose: str) -> None:
    """Installs ToyDiff, editable, with what it depends on."""
    print("Installing PyTorch and Qt, about two minutes on first run ...", flush=True)
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", "--editable", REQUIREMENTS[purpose]]
    # A user's pip may be told to install elsewhere; inside .venv that is an error.
    environ = dict(os.environ, PIP_USER="0", PYTHONNOUSERSITE="1")
    status = follow(command, environ)
    if status:
        raise SetupError(
            f"{tail(LOG.read_text(encoding='utf-8', errors='replace'))}\n"
            f"The packages could not be installed; the whole output is in {LOG.relative_to(ROOT)}. "
            "The next call goes on from here."
        )


def follow(command: list[str], environ: dict[str, str]) -> int:
    """Runs a command with its output in the log, and its last line on a terminal."""
    live = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns - 1
    process = subprocess.Popen(
        command,
        cwd=str(ROOT),
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    with process, LOG.open("w", encoding="utf-8") as log:
        for line in process.stdout or ():
            log.write(line)
            if live:
                print("\r\033[K" + line.strip()[:width], end="", flush=True)
    if live:
        print("\r\033[K", end="", flush=True)
    return process.returncode


def tail(text: str, lines: int = 15) -> str:
    """The end of a long output."""
    return "\n".join(text.rstrip().splitlines()[-lines:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
