"""Settings of the version that kept them in Qt's ini file: all are taken over, nothing is run."""

import pickle
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.datasets.images import image_training
from engine.shared.config import TrainingConfig
from toydiff_gui.app.mode_switch import TRAININGS, ModeSwitch
from toydiff_gui.app.window import MainWindow
from toydiff_gui.export.choices import ExportChoices, load_choices
from toydiff_gui.modes.images.image_sets import ImageSets
from toydiff_gui.modes.images.mode import MODE as IMAGES
from toydiff_gui.modes.images.settings import (
    IMAGE_DATA,
    IMAGE_SAMPLING,
    IMAGE_ZOOM,
    ImageSampling,
)
from toydiff_gui.modes.points.mode import MODE as POINTS
from toydiff_gui.modes.points.settings import SAMPLING, Sampling
from toydiff_gui.state import earlier_settings, settings_file
from toydiff_gui.state.lanes import LANES, LaneSpec
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING_CONFIG
from toydiff_gui.state.view import LOOK, VIEW

WRITTEN = Path(__file__).parent / "earlier" / "ToyDiff.ini"
"""By the window of the version before, through QSettings."""
KEYS = {
    "export": ("what", "fps", "every_t", "folder"),
    "images": ("roots", "folder"),
    "modes": (r"model\2d", r"model\images", r"training\2d", r"training\images"),
    "runs": ("recent",),
    "state": ("sampling", "training", "lanes", "images", "image_view", "view"),
    "window": ("geometry", "hint_seen"),
}
"""All that is read from the file."""


@pytest.fixture
def earlier(tmp_path):
    return shutil.copy(WRITTEN, tmp_path / "ToyDiff.ini")


def read(tmp_path, text):
    path = tmp_path / "some.ini"
    path.write_bytes(text.encode())
    return earlier_settings.read(path)


@pytest.fixture
def window_with(qapp, tmp_path, fake_engine):
    """Opens a window over an earlier file."""
    made = []

    def open_window(earlier):
        settings = SettingsFile(tmp_path / "settings.json", earlier)
        window = MainWindow(settings, runs_folder=tmp_path / "runs")
        made.append(window)
        window.show()
        window.start_engine()
        window.link.get_ready()
        window.link.answer_all()
        return window

    yield open_window
    for window in made:
        window.close()
        window.deleteLater()


def test_a_window_begins_as_the_earlier_version_ended(window_with, earlier):
    window = window_with(earlier)
    state = window.state
    assert state.get(SAMPLING) == Sampling(
        seed=77, path="drawn", side="right", even=True, through=((0.5, -1.25), (1e-3, 2.0)),
        b=(3.0, 1.0), steps=40,
    )  # fmt: skip
    assert state.get(LANES)[-1] == LaneSpec(
        "lane-1", 'Mine, "ä" 100 % = \\ ;', "heun", 7, True, 0.25, 2**62, "geodesic",
        "gaussians8", exact=True,
    )  # fmt: skip
    assert [lane.key for lane in state.get(LANES)] == ["ddpm-shared", "ddim", "ddim-few", "lane-1"]
    assert state.get(LOOK).overlays == {"lane-1": ("field",), "latent": ("basin",)}
    assert state.get(LOOK).selected_lane == "lane-1"
    assert (state.get(VIEW).theme, state.get(VIEW).lab, state.get(VIEW).sample_dock) == (
        "light",
        True,
        False,
    )
    assert state.get(TRAINING_CONFIG) == TrainingConfig(dataset="moons", steps=1234)
    assert state.get(IMAGE_ZOOM) == 3
    kept = ImageSampling(
        count=100, path_images=20, steps=None, seed=2**62, eta=0.5, sampler="ddpm",
        path="norm-guided", tile_class="each", guidance=3.5,
    )  # fmt: skip
    assert state.get(IMAGE_SAMPLING) == kept
    assert window.height() == 720
    assert window.mode("2d").page._hint is None
    assert window.modes.model_for(POINTS) == "v"  # which has been opened since
    assert window.modes.model_for(IMAGES) == "digits"


def test_what_is_not_seen_at_once_is_kept_as_well(qapp, tmp_path, fake_engine, desk, earlier):
    settings = SettingsFile(tmp_path / "settings.json", earlier)
    assert settings.get("runs/recent", list[str]) == ["/data/Läufe 1, neu/@x"]
    assert settings.get("window/hint_seen", bool)
    assert load_choices(settings) == ExportChoices(
        what="frame", film_format="gif", still_format="svg", lane="*", preset="custom",
        width=640, height=480, fps=12.5, seconds=3.0, every_t=True, hold=0.5, reverse=True,
        theme="light", folder="/data/Bilder ä",
    )  # fmt: skip
    state = Store()
    data = ImageSets(state, desk.controllers.client, settings)
    assert state.get(IMAGE_DATA).roots == ("/data/größer; andere", "/data/sets")
    assert state.get(IMAGE_DATA).places == {"folder": "@home/images"}
    data._recall("me@far.example")
    assert state.get(IMAGE_DATA).roots == ("/far/sets",)
    assert state.get(IMAGE_DATA).places == {"folder": "/far/images"}
    ModeSwitch(state, settings)
    assert state.get(TRAININGS)["images"] == image_training("fashion")


def test_the_earlier_file_is_read_once_and_stays_as_it_is(tmp_path, earlier):
    before = earlier.read_bytes()
    settings = SettingsFile(tmp_path / "settings.json", earlier)
    settings.put("modes/model/2d", "gaussians8")
    settings.save()
    assert earlier.read_bytes() == before
    earlier.write_text("[modes]\nmodel\\2d=v\n[images]\nfolder=/other\n")
    again = SettingsFile(tmp_path / "settings.json", earlier)
    assert again.get("modes/model/2d", str) == "gaussians8"
    assert again.get("images/folder", str) == "@home/images"
    assert {path.name for path in tmp_path.iterdir()} >= {"settings.json", "ToyDiff.ini"}


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ("plain", "plain"),
        ("  spaces around  ", "spaces around"),
        ('"  kept "', "  kept "),
        (r'"a \"b\" \\ \n\t"', 'a "b" \\ \n\t'),
        (r"\x41\x20", "A "),
        (r"\101\0", "A\0"),
        ("one, two", ["one", "two"]),
        ('"one, two", three', ["one, two", "three"]),
        ("@@home, x", ["@home", "x"]),
        ("@@home", "@home"),
        ("öffnen", "öffnen"),
        ("first \\\nsecond", "first second"),
        ('"first\nsecond"', "first\nsecond"),
        ("text ; a comment", "text"),
        ('"text ; none"', "text ; none"),
        ("", ""),
        (r"@ByteArray(\x1\xd9\0\x30)", b"\x01\xd9\x000"),
        ("@ByteArray(ä\u20ac)", ValueError),
        ("@Invalid()", None),
        ("@Rect(0 0 4 4)", None),
        ("@Size(7 7), 3", None),
        ("x, @Variant(\\0)", None),
        ("\\", ""),
        ('"open', "open\n"),
    ],
    ids=str,
)
def test_a_value_is_read_as_qt_reads_it(stored, value):
    ((key, written),) = earlier_settings._entries(f"[group]\na\\b%20%U00e4={stored}\n")
    assert key == "group/a/b ä"
    if value is ValueError:
        with pytest.raises(ValueError, match="codec"):
            earlier_settings._value(written)
    else:
        assert earlier_settings._value(written) == value


def test_sections_and_comments(tmp_path):
    text = """\ufeff; runs\\recent=no
[General]
ignored=1
[runs]
 recent = a , b
; [state]
nothing
[images]\r
folder=c\r
[state]
sampling="{\\"seed\\": 3}"
view=no json
"""
    found = {"runs/recent": ["a", "b"], "images/folder": "c", "state/sampling": {"seed": 3}}
    assert read(tmp_path, text) == found


@given(st.text('[]=;,"\\@()x0147an %\n\r\tstate/wiodgeomryä', max_size=60))
def test_any_text_is_read_without_complaint(tmp_path_factory, text):
    read(tmp_path_factory.mktemp("any"), f"[state]\nview={text}\n[window]\ngeometry={text}\n{text}")


def test_what_cannot_be_read_is_done_without(tmp_path):
    place = tmp_path / "ToyDiff.ini"
    assert earlier_settings.read(place) == {}
    place.mkdir()
    assert earlier_settings.read(place) == {}
    deep = r"{\"a\":" * 20_000 + "1" + "}" * 20_000
    text = f'[state]\nview="{deep}"\n[modes]\nmodel\\2d=v\n[window]\ngeometry=@ByteArray(\u20ac)\n'
    assert read(tmp_path, text) == {"modes/model/2d": "v"}
    damaged = tmp_path / "damaged.ini"
    damaged.write_bytes(b"\xff\xfe[runs]\nrecent=\xe4\n[images]\nfolder=x\n")
    assert earlier_settings.read(damaged)["images/folder"] == "x"


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return open, (str(self.mark), "w")


def variant(mark):
    """As Qt for Python wrote an object into an ini file, to unpickle it when it is read."""
    code = pickle.dumps(Bomb(mark), 0)
    raw = b"\0\0\0\x7f\0\0\0\x18PySide::PyObjectWrapper\0" + len(code).to_bytes(4, "big") + code
    return "@Variant(" + "".join(f"\\x{byte:02x}" for byte in raw) + ")"


SPELLINGS = {
    "plain": lambda text: text,
    "escaped at": lambda text: text.replace("@", r"\x40"),
    "octal at": lambda text: text.replace("@", r"\100"),
    "escaped inside": lambda text: text.replace("Variant", r"V\x61riant"),
    "broken line": lambda text: text.replace("Variant", "Var\\\niant"),
    "quoted": lambda text: f'"{text}"',
    "in a list": lambda text: f"a, {text}",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_a_pickle_is_run(window_with, tmp_path, spelling):
    mark = tmp_path / "run"
    value = SPELLINGS[spelling](variant(mark))
    earlier = tmp_path / "ToyDiff.ini"
    lines = []
    for group, keys in KEYS.items():
        lines += [f"[{group}]", *(f"{key}={value}" for key in keys)]
    earlier.write_text("\n".join(lines), encoding="utf-8")
    window = window_with(earlier)
    assert window.isVisible()
    assert window.state.get(SAMPLING) == Sampling()
    window.show_export()
    window._export.close()
    window.close()
    assert not mark.exists()
    kept = (tmp_path / "settings.json").read_text(encoding="utf-8")
    assert "Variant" not in kept
    assert "PyObjectWrapper" not in kept


def test_the_mark_would_be_left(tmp_path):
    mark = tmp_path / "run"
    pickle.loads(pickle.dumps(Bomb(mark), 0)).close()
    assert mark.exists()


def test_the_places_are_in_the_folder_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    if sys.platform.startswith("linux"):
        shutil.copytree(WRITTEN.parent, tmp_path / "ToyDiff")
    settings = settings_file.open_settings()
    if sys.platform.startswith("linux"):
        assert settings.path == tmp_path / "ToyDiff" / "settings.json"
        assert settings.get("modes/model/2d", str) == "moons"
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if sys.platform != "win32":
        assert earlier_settings.place() == tmp_path / "home/.config/ToyDiff/ToyDiff.ini"
