"""Every way to ask for the mode in shared code is found; what only looks like it is let pass."""

import re

import pytest

from scripts import check_modes
from scripts.check_modes import check, check_source

MODES = {"points", "images"}
ASKING = {
    "a flag": [
        "drawn = store.get(MODEL).images",
        "root = folder if self._config.images else ''",
        "if not wanted.images:\n    pass",
        "where = here and subject.is_points",
    ],
    "a kind or mode": [
        "same = config.kind == model.kind",
        "if self.modes.mode != self._mode:\n    pass",
        "there = config.resolved_kind in suited",
        "if mode_of(model) is not mode:\n    pass",
        "match model.kind:\n    case x:\n        pass",
    ],
    "a mode's key": [
        "here = mode == 'images'",
        "first = mode in ('2d', 'images')",
        "titles = {'2d': 'Points', 'images': 'Images'}",
        "title = TITLES['2d']",
        "title = TITLES['images' if wide else 'points']",
        "match key:\n    case 'points' | 'lines':\n        pass",
        "from engine.shared.catalogue import IMAGES\nplain = kind != IMAGES",
        "from engine.shared.catalogue import IMAGES\ntips = {IMAGES: 'a tip'}",
        "from engine import catalogue\nplain = kind is catalogue.IMAGES",
        "from toydiff_gui.modes.points.mode import KEY\nplain = key == KEY",
    ],
    "a mode's type": [
        "if isinstance(scene, ImageScene):\n    pass",
        "if isinstance(sampling, (str, Sampling)):\n    pass",
        "if isinstance(config.model, UNetConfig | None):\n    pass",
        "from toydiff_gui.modes.images.settings import Tiles\nknown = isinstance(x, Tiles)",
        "exact = type(scene) is ImageScene",
        "match scene:\n    case ImageScene(tiles=tiles):\n        pass",
        "@paint.register\ndef _(scene: ImageScene) -> None: ...",
        "paint.register(ImageScene, paint_images)",
    ],
    "a number of axes": [
        "tiles = len(model.shape) == 3",
        "flat = 1 == len(shape)",
        "batch = states.ndim > 2",
        "one = x[0].dim() >= 3",
        "suits = len(shape) in (3,)",
        "if data.ndim != 2:\n    data = data.reshape(len(data), -1)",
        "match shape:\n    case (channels, height, width):\n        pass",
    ],
}
HARMLESS = [
    "rows = images.images[:4]",
    "if scene.slice.images is not None:\n    pass",
    "along = sampling.mode == 'interpolation'",
    "told = config.kind is None",
    "if layer.kind == 'field':\n    pass",
    "network = NETWORKS[config.resolved_kind]",
    "pixels = arrays['images']",
    "arrays = {'points': grid}",
    "send(request, arrays={'points': grid})",
    "packet = Packet(message, {'images': images, 'labels': labels})",
    "if isinstance(value, str | Point):\n    pass",
    "match reply:\n    case Result(points=points):\n        pass",
    "if points.ndim != 2 or points.shape[1] != 2:\n    raise ValueError(points.shape)",
    "if mask.ndim == 2:\n    pass",
    "some = states.ndim > 0",
    "axes = len(spec.shape) > MOST_AXES",
    "label = 'images'",
]


@pytest.mark.parametrize(
    ("rule", "source"), [(rule, source) for rule, sources in ASKING.items() for source in sources]
)
def test_asking_for_the_mode_is_found(rule, source):
    found = check_source(source, "engine/x.py", MODES)
    assert [finding.rule for finding in found] == [rule]
    assert found[0].line in range(1, source.count("\n") + 2)


@pytest.mark.parametrize("source", HARMLESS)
def test_what_only_looks_like_it_is_let_pass(source):
    assert not check_source(source, "engine/x.py", MODES)


@pytest.fixture
def tree(tmp_path):
    """A checkout that asks in a mode's folder, in a table, and beside both."""
    asking = "tiles = len(shape) == 3\n"
    for place, text in {
        "toydiff_gui/modes/discs/__init__.py": "",
        "toydiff_gui/modes/discs/panels/path.py": asking + "known = key == 'discs'\n",
        "toydiff_gui/modes/tasks.py": "known = key == 'discs'\n",
        "toydiff_gui/panels/stripes.py": "from toydiff_gui.modes.discs.scene import Disc\n"
        "found = isinstance(x, Disc)\n",
        "engine/tables.py": f"MADE = [{asking.split('= ', 1)[1].strip()}]\n\n{asking}",
        "engine/rows.py": asking,
    }.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    return tmp_path


def test_a_mode_s_folder_and_the_tables_may_ask(tree, monkeypatch):
    monkeypatch.setattr(
        check_modes, "TABLES", {"engine/rows.py": "rows", "engine/tables.py:MADE": "a table"}
    )
    assert [(found.file, found.line, found.rule) for found in check(tree)] == [
        ("engine/tables.py", 3, "a number of axes"),
        ("toydiff_gui/modes/tasks.py", 1, "a mode's key"),
        ("toydiff_gui/panels/stripes.py", 2, "a mode's type"),
    ]


def test_it_says_where_and_ends_with_a_status(tree, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["check_modes", str(tree)])
    assert check_modes.main() == 1
    out = capsys.readouterr().out
    assert "toydiff_gui/modes/tasks.py:1: a mode's key: key == 'discs'\n" in out
    monkeypatch.setattr("sys.argv", ["check_modes", "--count", str(tree / "toydiff_gui" / "modes")])
    assert check_modes.main() == 0
    assert capsys.readouterr().out == "0 places in 0 files ask which mode is on\n"


def test_every_table_is_there():
    for entry in check_modes.TABLES:
        file, _, name = entry.partition(":")
        source = (check_modes.ROOT / file).read_text(encoding="utf-8")
        assert not name or re.search(rf"^(def )?{name}\b", source, re.MULTILINE), entry
