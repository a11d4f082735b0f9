"""The README's examples are run as they stand, so that they stay true."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.commands import group
from engine.shared import command_line
from engine.shared.command_help import COMMANDS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
LINES = [
    line.strip()
    for line in README.splitlines()
    if re.match(r" {4}toydiff (?!train|fetch)[a-z]", line)
]


def test_the_exercise_can_be_done_with_the_commands_of_the_readme(tmp_path, monkeypatch, qapp):
    from toydiff_gui.__main__ import toydiff

    monkeypatch.chdir(tmp_path)
    assert len(LINES) > 10
    for line in LINES:
        arguments = shlex.split(line)[1:]
        if "mnist" in arguments:  # as the small digits: 28 x 28 pixels take minutes
            arguments[arguments.index("mnist")] = "digits"
            arguments += ["--steps", "4"]
        if arguments[0] in COMMANDS:
            assert command_line.run(group.commands, arguments) == 0, line
        else:
            # A film of full size takes long and shows nothing more here.
            small = ["--size", "160x120"] if arguments[-1].endswith(".mp4") else []
            assert command_line.run(toydiff, [*arguments, *small]) == 0, line
        assert Path(arguments[arguments.index("--out") + 1]).stat().st_size > 1000
    down = np.load("1d.npz")
    assert down["x"].shape == (251, 500, 2)
    np.testing.assert_array_equal(down["latents"][[0, -1]], [[-1, 2], [-1, -2]])
    assert json.loads(str(down["meta"]))["sampler"]["name"] == "ddim"


def test_the_python_examples_do_what_they_say(capsys):
    names: dict[str, Any] = {}
    for example in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(example, "README.md", "exec"), names)
    assert names["denoiser"]("cpu").shape == (1, 28, 28)  # a network of one's own
    path = np.asarray(names["latents"])  # the geodesic
    assert path.shape == (500, 2)
    np.testing.assert_array_equal(path[[0, -1]], [[-2, 0], [2, 0]])
    assert np.abs(path[250, 0]) < 1  # it goes round the middle
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[0]) for line in (lines[0], lines[-1])] == [250, 0]
    # The V is standardised: its samples have a deviation of about one.
    assert float(lines[-1].split()[1]) == pytest.approx(1, abs=0.1)


def test_every_picture_of_the_readme_exists():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert len(pictures) > 10
    for picture in pictures:
        assert (Path(__file__).parents[1] / picture).is_file(), picture
