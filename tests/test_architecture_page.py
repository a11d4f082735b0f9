"""The page for newcomers names what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PLACES = sorted(set(re.findall(r"`((?:engine|toydiff_gui|tests|scripts)/[\w/.]*)`", PAGE)))
IN_FILE = re.findall(r"`([A-Z_]+)`\s+(?:of|in)\s+`([\w/]+\.py)`", PAGE)
"""Tables and the files that they are said to be in."""


@pytest.mark.parametrize("place", PLACES)
def test_every_place_it_names_is_there(place):
    assert (ROOT / place).is_dir() if place.endswith("/") else (ROOT / place).is_file()


@pytest.mark.parametrize(("name", "file"), IN_FILE)
def test_every_table_it_names_is_where_it_says(name, file):
    assert re.search(rf"^{name}\b", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("package", ["engine", "toydiff_gui"])
def test_every_room_is_named(package):
    folders = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
    assert len(folders) > 10
    assert {name for name in folders if f"{name}/" not in PAGE} == set()


def test_its_picture_is_there():
    assert "](architecture.svg)" in PAGE
    assert (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8").startswith("<svg")
