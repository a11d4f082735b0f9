"""Keeps every test away from the real display and from the user's own files."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

# Their assertions tell the values, as those of the tests do.
pytest.register_assert_rewrite("tests.hands")

# Before anything imports Qt or asks for a folder; child processes inherit it.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# As ToyDiff's commands do (see engine.shared.command_line); before anything imports torch.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Side by side with other tests, each has one core; threads that share it wait for each other.
if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

_home = Path(tempfile.mkdtemp(prefix="toydiff-tests-"))
atexit.register(shutil.rmtree, _home, ignore_errors=True)
for _name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR"):
    _folder = _home / _name.lower()
    _folder.mkdir(mode=0o700)  # Qt refuses a runtime folder that others may read
    os.environ[f"XDG_{_name}"] = str(_folder)
