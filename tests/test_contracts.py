"""Who may import whom: seen from a fresh process, and in the tests' own sources."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

IMPORT_ALL = """
import importlib, pkgutil, sys, {package}
for module in pkgutil.walk_packages({package}.__path__, "{package}."):
    importlib.import_module(module.name)
"""


def loaded_after(code: str) -> set[str]:
    """The top-level packages that are loaded when ``code`` has run."""
    report = "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code + report],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_window_never_loads_torch():
    loaded = loaded_after(IMPORT_ALL.format(package="toydiff_gui"))
    assert {"PySide6", "pyqtgraph", "engine"} <= loaded
    assert not loaded & {"torch", "torchvision"}


def test_the_engine_never_loads_qt():
    loaded = loaded_after(IMPORT_ALL.format(package="engine"))
    assert "torch" in loaded
    assert not loaded & {"PySide6", "shiboken6", "pyqtgraph", "toydiff_gui"}


@pytest.mark.parametrize(
    "modules",
    [
        "engine, engine.shared.wire, engine.shared.trajectory, engine.shared.config",
        "engine.datasets",
        "engine.shared.command_help, engine.shared.files, engine.shared.noise_tables",
        # So that help and complaints are quick:
        "engine.commands.group, engine.shared.command_line",
    ],
)
def test_what_both_sides_share_does_without_torch(modules):
    assert not loaded_after(f"import {modules}") & {"torch", "torchvision", "PySide6"}


def test_models_are_loaded_without_the_compiler():
    """It takes seconds to load, in every engine and every command that samples."""
    loaded = loaded_after("import engine; [engine.load_checkpoint(n) for n in ('v', 'digits')]")
    assert "torch" in loaded
    assert "sympy" not in loaded


WITH_WIDGETS = ["toydiff_gui.state.remember"]  # windows' places and docks, besides what is set


def test_the_state_and_what_modes_set_are_data_without_widgets():
    """import-linter sees PySide6 as one: signals of the store are welcome, windows are not."""
    show = (
        "import importlib, pkgutil, sys, toydiff_gui.state, toydiff_gui.modes\n"
        "state = pkgutil.walk_packages(toydiff_gui.state.__path__, 'toydiff_gui.state.')\n"
        f"names = [module.name for module in state if module.name not in {WITH_WIDGETS}]\n"
        "modes = pkgutil.iter_modules(toydiff_gui.modes.__path__, 'toydiff_gui.modes.')\n"
        "names += [f'{module.name}.settings' for module in modes if module.ispkg]\n"
        "for name in names: importlib.import_module(name)\n"
        "assert len(names) > 4 and not {'PySide6.QtGui', 'PySide6.QtWidgets'} & set(sys.modules)\n"
    )
    assert "PySide6" in loaded_after(show)


def test_every_mode_is_kept_apart():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {one["id"]: one for one in settings["tool"]["importlinter"]["contracts"]}
    modes = {
        f"toydiff_gui.modes.{folder.parent.name}"
        for folder in (ROOT / "toydiff_gui/modes").glob("*/__init__.py")
    }
    assert len(modes) > 1
    assert set(contracts["modes-independent"]["modules"]) == modes
    assert set(contracts["no-mode-below"]["forbidden_modules"]) == modes
    settled = {f"{mode}.settings" for mode in modes}
    assert settled <= set(contracts["plain-data"]["source_modules"])


def imported_by(path: Path) -> set[str]:
    """The modules that a file names in its import statements."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{name.name}" for name in node.names}
    return names


def test_tests_never_import_benchmarks_which_use_their_hands_alone():
    """So that a benchmark may change or go without a test, and tests may move."""
    for path in (ROOT / "tests").rglob("*.py"):
        assert not {name for name in imported_by(path) if name.split(".")[0] == "bench"}, path
    borrowed = set()
    for path in (ROOT / "bench").rglob("*.py"):
        borrowed |= {name for name in imported_by(path) if name.split(".")[0] == "tests"}
    assert borrowed
    assert {name for name in borrowed if not name.startswith("tests.hands.")} == set()
