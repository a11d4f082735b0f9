"""Where trainings live: a folder that somebody has damaged is as one that cannot be read."""

import pytest

from engine.shared.config import TrainingConfig
from toydiff_gui.controllers.runs import Runs
from toydiff_gui.state.settings_file import SettingsFile

DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000


@pytest.fixture
def runs(tmp_path):
    return Runs(SettingsFile(tmp_path / "settings.json"), tmp_path / "Läufe")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"dataset": "x"}', DEEP, f'{{"other": {DEEP}}}'], ids=lambda t: t[:12]
)
def test_a_configuration_that_makes_no_sense_is_none(runs, text):
    folder = runs.new_folder(TrainingConfig(dataset="moons"))
    assert runs.config(folder) == TrainingConfig(dataset="moons")
    (folder / "config.json").write_text(text, encoding="utf-8")
    assert runs.config(folder) is None


@pytest.mark.parametrize("kept", [7, "one", [1], {"a": []}])
def test_a_damaged_list_of_models_is_empty(runs, tmp_path, kept):
    runs._settings.put("runs/recent", kept)
    assert runs.recent() == []
    file = tmp_path / "a.safetensors"
    file.touch()
    runs.remember(file)
    assert runs.recent() == [str(file)]
