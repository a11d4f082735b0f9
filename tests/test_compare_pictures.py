"""Two versions' pictures are told apart by every pixel, but for figures that are measured anew."""

import numpy as np
import pytest
from PIL import Image

from scripts.compare_pictures import ABOVE, LEFT, RIGHT, Box, boxes_of, compare, main, measured

SIZE = (60, 240)


def write(folder, name="a.png", size=SIZE, **marks):
    """A grey picture in which each mark, (left, top, right, bottom), is white."""
    pixels = np.full((*size, 3), 90, np.uint8)
    for left, top, right, bottom in marks.values():
        pixels[top:bottom, left:right] = 255
    folder.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture
def before(tmp_path):
    """Two runs of one version: a figure of other width in the header."""
    return [
        write(tmp_path / "one", figure=(150, 10, 160, 18)),
        write(tmp_path / "two", figure=(148, 10, 160, 18)),
    ]


def test_equal_pictures_are_equal(before, tmp_path):
    after = write(tmp_path / "after", figure=(150, 10, 160, 18))
    (found,) = compare(before, after)
    assert not found.what
    assert not found.boxes
    assert not found.passed
    assert main([*map(str, before), str(after)]) == 0


def test_a_measured_figure_may_have_other_digits(before, tmp_path):
    after = write(tmp_path / "after", figure=(140, 10, 160, 18))
    (found,) = compare(before, after)
    assert not found.what
    assert found.passed == (Box(140, 10, 150, 18),)


@pytest.mark.parametrize(
    "mark",
    [
        pytest.param((20, 40, 21, 41), id="a single pixel elsewhere"),
        pytest.param((4, 10, 14, 18), id="far to the left in the same line"),
        pytest.param((230, 10, 231, 11), id="to the right of it"),
        pytest.param((150, 23, 160, 24), id="in the next line"),
    ],
)
def test_any_other_pixel_counts(before, tmp_path, capsys, mark):
    after = write(tmp_path / "after", figure=(150, 10, 160, 18), other=mark)
    (found,) = compare(before, after)
    assert found.boxes == (Box(*mark),)
    shown = tmp_path / "shown"
    assert main([*map(str, before), str(after), "--show", str(shown)]) == 1
    assert str(Box(*mark)) in capsys.readouterr().out
    assert [file.name for file in shown.iterdir()] == ["a-1.png"]


def test_one_folder_before_lets_nothing_pass(before, tmp_path):
    (found,) = compare(before[:1], before[1])
    assert found.boxes == (Box(148, 10, 150, 18),)


def test_a_picture_that_is_missing_new_or_of_another_size_counts(before, tmp_path):
    for folder in before:
        write(folder, "gone.png")
        write(folder, "size.png")
    after = write(tmp_path / "after", figure=(150, 10, 160, 18))
    write(after, "new.png")
    write(after, "size.png", size=(60, 241))
    found = {difference.name: difference.what for difference in compare(before, after)}
    assert found["a.png"] == ""
    assert "after" in found["gone.png"]
    assert "one" in found["new.png"]
    assert found["size.png"] == "has several sizes: 240 x 60, 241 x 60"


def test_folders_without_pictures_are_refused(tmp_path, capsys):
    assert main([str(tmp_path), str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_near_differences_are_told_as_one():
    mask = np.zeros(SIZE, bool)
    mask[5, 10], mask[5, 18], mask[40, 10] = True, True, True
    assert boxes_of(mask) == (Box(10, 5, 19, 6), Box(10, 40, 11, 41))


def test_what_is_learned_is_the_line_around_a_figure():
    one = np.zeros((*SIZE, 4), np.uint8)
    other = one.copy()
    other[20:22, 150:153] = 9
    mask = measured([one, other])
    assert mask[20 - ABOVE : 22 + ABOVE, 150 - LEFT : 153 + RIGHT].all()
    assert mask.sum() == (2 + 2 * ABOVE) * (3 + LEFT + RIGHT)
