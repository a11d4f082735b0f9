"""The file that the user's settings are kept in: shared by windows, and never in the way of one."""

import base64
import json
import os
from dataclasses import dataclass

import pytest
from filelock import FileLock

from engine.shared.config import TrainingConfig
from toydiff_gui.state import settings_file
from toydiff_gui.state.settings_file import SettingsFile

DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000
LESS_DEEP = '{"a":' * 5_000 + "1" + "}" * 5_000


@dataclass(frozen=True)
class Kept:
    number: int
    pair: tuple[float, float] = (0.0, 0.0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "Ordner ä" / "settings.json"


def again(settings):
    """As another window finds it."""
    settings.save()
    return SettingsFile(settings.path)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_values_of_every_kind_come_back(path):
    values = {
        "text": ('größer, "quoted"; \\ @x\nline', str),
        "texts": (["one, two", "", "@"], list[str]),
        "bool": (True, bool),
        "number": (2**63 - 1, int),
        "bytes": (bytes(range(256)), bytes),
        "nested": (Kept(3, (0.5, -1.0)), Kept),
        "config": (TrainingConfig(dataset="moons"), TrainingConfig),
    }
    settings = SettingsFile(path)
    for key, (value, _) in values.items():
        settings.put(key, value)
    for found in (settings, again(settings)):
        assert {key: found.get(key, kind) for key, (_, kind) in values.items()} == {
            key: value for key, (value, _) in values.items()
        }
    held = json.loads(path.read_bytes())
    assert held["nested"] == {"number": 3, "pair": [0.5, -1.0]}
    assert held["bytes"] == base64.b64encode(bytes(range(256))).decode()


@pytest.mark.parametrize(
    "text",
    ["7", "[]", '{"number": "3"}', '{"number": 3, "pair": [1]}', DEEP, f'{{"x": {DEEP}}}'],
    ids=lambda text: text[:30],
)
def test_a_value_that_is_not_what_is_wanted_is_none(path, text):
    write(path, f'{{"a": {text}, "b": 1}}')
    assert SettingsFile(path).get("a", Kept) is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "7", '{"a": }', '{"a": 1} x', "\x00", DEEP, "[" * 100_000, "ä" * 99],
    ids=lambda text: text[:9],
)
def test_a_damaged_file_is_set_aside(path, text):
    write(path, text)
    settings = SettingsFile(path)
    assert settings.get("a", int) is None
    settings.put("a", 2)
    assert again(settings).get("a", int) == 2
    assert path.with_name("settings.json.damaged").read_text(encoding="utf-8") == text


def test_a_file_that_is_no_text_or_far_too_large_is_set_aside(path, monkeypatch):
    write(path, "")
    path.write_bytes(b'{"a": "\xff\xfe"}')
    assert SettingsFile(path).get("a", str) is None
    monkeypatch.setattr(settings_file, "MOST_BYTES", 100)
    write(path, json.dumps({"a": "x" * 100}))
    assert SettingsFile(path).get("a", str) is None
    assert not path.exists()


def test_what_is_no_regular_file_is_done_without(path):
    path.mkdir(parents=True)
    settings = SettingsFile(path)
    settings.put("a", 2)
    settings.save()
    assert settings.get("a", int) == 2
    path.rmdir()
    os.mkfifo(path)
    assert SettingsFile(path).get("a", int) is None  # and is not waited for


def test_a_folder_that_cannot_be_made_is_done_without_and_tried_again(tmp_path):
    (tmp_path / "file").touch()
    settings = SettingsFile(tmp_path / "file" / "settings.json")
    settings.put("a", 2)
    settings.save()
    (tmp_path / "file").unlink()
    assert again(settings).get("a", int) == 2


def test_what_cannot_be_read_is_not_written_over(path, monkeypatch):
    settings = SettingsFile(path)
    settings.put("a", 1)
    settings.save()

    def unreadable(path):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(settings_file, "_read", unreadable)
        blind = SettingsFile(path)
        assert blind.get("a", int) is None
        blind.put("b", 2)
        blind.save()
    assert SettingsFile(path).get("b", int) is None
    assert again(blind).get("a", int) == 1
    assert SettingsFile(path).get("b", int) == 2


def test_of_two_windows_the_last_that_changed_a_key_wins(path):
    first = SettingsFile(path)
    first.put("theme", "dark")
    first.put("seed", 1)
    first.save()
    second = SettingsFile(path)
    first.put("seed", 2)
    second.put("theme", "light")
    second.save()
    first.put("theme", "dark")  # as it has been here all along
    first.save()
    found = SettingsFile(path)
    assert (found.get("theme", str), found.get("seed", int)) == ("light", 2)
    assert first.get("theme", str) == "light"
    second.put("seed", 3)
    second.save()
    first.put("seed", 4)
    assert again(first).get("seed", int) == 4


def test_two_windows_take_turns_in_writing(path, monkeypatch):
    monkeypatch.setattr(settings_file, "PATIENCE", 0.01)
    settings = SettingsFile(path)
    settings.put("a", 1)
    settings.save()
    settings.put("a", 2)
    with FileLock(path.with_name(".settings.json.lock")):  # which hangs, and is not waited for
        settings.save()
    assert SettingsFile(path).get("a", int) == 2


def test_nothing_is_written_where_nothing_has_changed(path):
    settings = SettingsFile(path)
    settings.save()
    assert not path.parent.exists()
    told = []
    settings.on_change = lambda: told.append(1)
    settings.put("a", (1, 2))
    settings.put("a", [1, 2])
    assert told == [1]
    settings.save()
    before = path.stat().st_mtime_ns
    settings.put("a", [1, 2])
    settings.save()
    assert path.stat().st_mtime_ns == before
    assert told == [1]


def test_a_link_to_the_file_stays_one(path, tmp_path):
    write(tmp_path / "dotfiles" / "toydiff.json", '{"a": 1}')
    path.parent.mkdir()
    path.symlink_to(tmp_path / "dotfiles" / "toydiff.json")
    settings = SettingsFile(path)
    settings.put("b", 2)
    settings.save()
    assert path.is_symlink()
    assert SettingsFile(tmp_path / "dotfiles" / "toydiff.json").get("b", int) == 2


def test_what_is_nested_deeply_is_carried_along_or_set_aside(path):
    write(path, f'{{"a": {LESS_DEEP}, "b": {{"number": 1, "x": {LESS_DEEP}}}}}')
    settings = SettingsFile(path)
    settings.get("a", dict)
    settings.get("b", Kept)
    settings.put("c", 3)
    assert again(settings).get("c", int) == 3


def test_a_value_too_deep_for_where_it_is_asked_for_is_none(path):
    deep = '{"a":' * 600 + "1" + "}" * 600
    write(path, f'{{"a": {{"number": 1, "x": {deep}}}}}')
    settings = SettingsFile(path)

    def asked(frames):
        return asked(frames - 1) if frames else settings.get("a", Kept)

    assert asked(0) == Kept(1)
    assert asked(500) in (None, Kept(1))  # from Python 3.12 on, frames do not count


def test_a_name_that_is_no_unicode_is_not_kept(path):
    settings = SettingsFile(path)
    settings.put("a", "old")
    settings.put("a", "\udcff")
    assert again(settings).get("a", str) == "old"
