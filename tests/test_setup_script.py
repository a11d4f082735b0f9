"""The set-up behind `make run` and `make test`, on machines that are made up."""

import ast
import importlib.util
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "bootstrap.py"


class Machine:
    """A machine whose libraries, packages and permissions a test decides; notes what is run."""

    def __init__(self, script, monkeypatch, folder):
        self.script = script
        self.venv = True
        self.missing = []
        self.apt = None
        self.apt_works = True
        self.pip_works = True
        self.done = []
        project = folder / "project"
        project.mkdir()
        (project / "pyproject.toml").write_text("")
        (project / "platform_check.py").write_text("")
        venv = project / ".venv"
        monkeypatch.setattr(sys, "platform", "linux")
        for name, value in {
            "ROOT": project,
            "VENV": venv,
            "VENV_PYTHON": venv / "bin" / "python",
            "LOG": venv / "setup.log",
            "PLATFORM_CHECK": project / "platform_check.py",
            "has_venv": lambda: self.venv,
            "has_fonts": lambda: True,
            "missing_ssh": list,
            "missing_libraries": lambda purpose: list(self.missing),
            "apt_command": lambda: self.apt,
            "apt_install": self.apt_install,
            "prepare_venv": self.prepare_venv,
            "follow": self.follow,
        }.items():
            monkeypatch.setattr(script, name, value)

    def apt_install(self, prefix, packages):
        self.done.append(("apt", *packages))
        if self.apt_works:
            self.missing.clear()
            self.venv = True
        return self.apt_works

    def prepare_venv(self):
        self.done.append(("venv",))
        self.script.VENV_PYTHON.parent.mkdir(parents=True, exist_ok=True)
        self.script.VENV_PYTHON.touch()

    def follow(self, command, environ):
        self.done.append(("pip", command[-1]))
        self.script.LOG.write_text("the end of pip's output")
        return 0 if self.pip_works else 1

    def make(self, purpose):
        """Runs the script; returns the exit status and what it did."""
        self.done.clear()
        return self.script.main([purpose]), list(self.done)


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def machine(script, monkeypatch, tmp_path):
    return Machine(script, monkeypatch, tmp_path)


CURSOR = SimpleNamespace(debian=("libxcb-cursor0",), fedora="xcb-util-cursor")


@pytest.mark.parametrize(
    ("here", "managed", "lacking"),
    [
        ({"ssh", "sshd"}, False, []),
        (set(), False, ["openssh-client", "openssh-server"]),
        ({"ssh"}, True, []),  # a server that would start by itself is its owner's to install
    ],
)
def test_the_tests_get_openssh(script, monkeypatch, tmp_path, here, managed, lacking):
    monkeypatch.setattr(script.shutil, "which", lambda name, path=None: name in here or None)
    monkeypatch.setattr(script, "SERVICES", tmp_path if managed else tmp_path / "none")
    assert script.missing_ssh() == lacking


def test_openssh_is_for_tests_alone(machine, monkeypatch):
    monkeypatch.setattr(machine.script, "missing_ssh", lambda: ["openssh-server"])
    assert machine.script.missing_packages("run") == []
    assert machine.script.missing_packages("test") == [("openssh-server",)]


def test_second_call_does_nothing(machine):
    assert machine.make("run") == (0, [("venv",), ("pip", ".")])
    assert machine.make("run") == (0, [])


def test_environment_of_the_tests_runs_the_program(machine):
    assert machine.make("test") == (0, [("venv",), ("pip", ".[test,dev]")])
    assert machine.make("run") == (0, [])


@pytest.mark.parametrize("name", ["pyproject.toml", "platform_check.py"])
def test_a_change_sets_up_again(machine, name):
    machine.make("run")
    (machine.script.ROOT / name).write_text("# changed")
    assert machine.make("run") == (0, [("venv",), ("pip", ".")])


def test_another_python_sets_up_again(machine, monkeypatch):
    machine.make("run")
    monkeypatch.setattr(machine.script, "VERSION", "3.99")
    assert machine.make("run")[1] == [("venv",), ("pip", ".")]


def test_a_lost_interpreter_sets_up_again(machine):
    machine.make("run")
    machine.script.VENV_PYTHON.unlink()
    assert machine.make("run")[1] == [("venv",), ("pip", ".")]


def test_failure_is_explained_and_resumed(machine, capsys):
    machine.pip_works = False
    assert machine.make("test")[0] == 1
    message = capsys.readouterr().err
    assert "the end of pip's output" in message
    assert ".venv/setup.log" in message
    machine.pip_works = True
    assert machine.make("test") == (0, [("venv",), ("pip", ".[test,dev]")])


def test_installs_system_packages_when_it_may(machine):
    machine.missing, machine.venv, machine.apt = [CURSOR], False, []
    status, done = machine.make("run")
    venv = (f"python{machine.script.VERSION}-venv", "python3-venv")
    assert done[0] == ("apt", venv, ("libxcb-cursor0",))
    assert status == 0
    assert machine.make("run") == (0, [])


def test_without_permission_run_goes_on_and_names_them(machine, capsys):
    machine.missing = [CURSOR]
    assert machine.make("run")[0] == 0
    message = capsys.readouterr().err
    assert "sudo apt install libxcb-cursor0" in message
    assert "sudo dnf install xcb-util-cursor" in message


def test_without_permission_the_tests_stop(machine, capsys):
    machine.missing = [CURSOR]
    assert machine.make("test") == (1, [])
    assert "sudo apt install libxcb-cursor0" in capsys.readouterr().err


def test_without_venv_all_missing_packages_are_named_at_once(machine, capsys):
    machine.venv, machine.missing = False, [CURSOR]
    assert machine.make("run") == (1, [])
    assert f"python{machine.script.VERSION}-venv libxcb-cursor0" in capsys.readouterr().err


def test_looks_again_after_apt_failed(machine):
    machine.missing, machine.apt, machine.apt_works = [CURSOR], [], False
    assert machine.make("run")[0] == 0
    machine.apt_works = True
    assert ("apt", ("libxcb-cursor0",)) in machine.make("run")[1]


def test_old_python_gets_one_sentence(script, monkeypatch):
    monkeypatch.setattr(script.shutil, "which", lambda name: None)
    with pytest.raises(script.SetupError, match=r"3\.11 or newer, and \S+ is 3\.9\.2: install"):
        script.require_version((3, 9, 2))
    monkeypatch.setattr(script.shutil, "which", lambda name: name == "python3.12")
    with pytest.raises(script.SetupError, match=r"PYTHON=python3\.12"):
        script.require_version((3, 9, 2))
    script.require_version((3, 11, 0))


def test_old_python_can_read_the_script():
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 7))


def test_takes_the_name_that_the_release_knows(script, monkeypatch):
    names = ("libglib2.0-0", "libglib2.0-0t64")
    monkeypatch.setattr(script, "apt_knows", lambda name: name.endswith("t64"))
    assert script.choose_name(names) == "libglib2.0-0t64"
    monkeypatch.setattr(script, "apt_knows", lambda name: not name.endswith("t64"))
    assert script.choose_name(names) == "libglib2.0-0"
    monkeypatch.setattr(script, "apt_knows", lambda name: False)
    assert script.choose_name(names) == "libglib2.0-0"


def test_an_environment_that_was_moved_is_not_used(script, monkeypatch, tmp_path):
    if sys.platform == "win32":
        pytest.skip("the folder is bin")
    old, new = tmp_path / "old", tmp_path / "new"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", old], check=True)
    # pip itself is not needed: its start-up script and an importable module of that name will do.
    (old / "bin" / "pip").write_text(f"#!{old}/bin/python\n")
    next(old.glob("lib/python*/site-packages")).joinpath("pip.py").touch()

    def usable(folder):
        monkeypatch.setattr(script, "VENV", folder)
        monkeypatch.setattr(script, "VENV_PYTHON", folder / "bin" / "python")
        return script.is_usable()

    assert usable(old)
    old.rename(new)
    assert not usable(new)


def test_a_wheel_holds_every_bundled_file():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = config["tool"]["setuptools"]["package-data"]["resources"]
    files = [
        path.relative_to(ROOT / "resources").as_posix()
        for path in (ROOT / "resources").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    ]
    assert "fonts/Inter.ttf" in files
    assert [
        name for name in files if "/" in name and not any(fnmatch(name, p) for p in patterns)
    ] == []
