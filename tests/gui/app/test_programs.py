"""Networks of the user's own are programs: what is remembered of them is never run unasked."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from engine.datasets.images import image_training
from engine.shared import messages
from tests.hands.mouse_and_keys import click, key
from tests.hands.window import lanes_done, settle, wait_until
from toydiff_gui.modes.images.mode import MODE as IMAGES
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state.lanes import LANE_RUNS, LaneSpec, add_lane, lane_of, update_lane
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.remember import KeptLanes

SOURCE = """\
from pathlib import Path

import torch

import engine

Path(__file__).with_name("mark").touch()


def denoiser(device):
    class Still(torch.nn.Module):
        def forward(self, x, t):
            return torch.zeros_like(x)

    schedule = engine.make_schedule("linear", timesteps=20)
    return engine.OwnModel(engine.NetworkDenoiser(Still(), schedule, "noise"), (2,), "v")
"""


@pytest.fixture
def program(tmp_path):
    """A network's file that leaves a mark beside it when it is run."""
    file = tmp_path / "netz ä.py"
    file.write_text(SOURCE, encoding="utf-8")
    return file


def keep(workshop, **values):
    settings = workshop.settings()
    for key_, value in values.items():
        settings.put(key_, value)
    settings.save()


def with_lane(workshop, program, *, exact=False):
    lane = LaneSpec("own", checkpoint=f"python:{program}", exact=exact)
    keep(workshop, **{"state/lanes": KeptLanes((LaneSpec("ddim"), lane))})


def begun(window):
    window.link.get_ready()
    window.link.answer_all()
    settle()
    return window


def opened(window):
    return [request.checkpoint for request in window.link.asked(messages.Open)]


def named(window, program):
    """What has been sent that names the program."""
    return [packet.message for packet in window.link.sent if str(program) in str(packet.message)]


def offers(window):
    """The messages that have a button."""
    return [message for message in window.messages.messages if message.action is not None]


@pytest.mark.parametrize("exact", [False, True])
def test_a_lane_of_last_time_does_not_run_its_program(workshop, fake_engine, program, exact):
    with_lane(workshop, program, exact=exact)
    window = begun(workshop.open())
    assert not named(window, program)
    assert window.state.at(LANE_RUNS, "ddim").status == "done"
    run = window.state.at(LANE_RUNS, "own")
    assert run.status == "failed"
    assert run.message.startswith("Not opened: netz ä.py is a program.")
    assert window.mode("2d").page.scene.lane("own").message == run.message
    (message,) = offers(window)
    assert message.text == f"{program}, the model of a lane, is a program and was not opened."
    assert message.action.text() == "Run netz ä.py"
    window.state.update(SAMPLING, seed=8)
    window.link.answer_all()
    assert not named(window, program)
    assert [message.times for message in offers(window)] == [1]


def test_a_button_runs_it(workshop, fake_engine, program):
    with_lane(workshop, program)
    window = begun(workshop.open())
    click(offers(window)[0].action)
    window.link.answer_all()
    assert opened(window)[-1] == f"python:{program}"
    assert window.state.at(LANE_RUNS, "own").status == "done"
    settle()
    assert not offers(window)
    update_lane(window.state, "own", shown=False)
    key_ = add_lane(window.state, LaneSpec("", checkpoint=f"python:{program}"))
    window.link.answer_all()
    assert (
        window.state.at(LANE_RUNS, key_).status == "done"
    )  # who has said so once is not asked again


def test_the_reference_is_kept_and_asked_about_in_every_window(workshop, fake_engine, program):
    with_lane(workshop, program)
    window = begun(workshop.open())
    click(offers(window)[0].action)
    window.link.answer_all()
    workshop.close(window)
    again = begun(workshop.open())
    assert lane_of(again.state, "own").checkpoint == f"python:{program}"
    assert not named(again, program)
    assert len(offers(again)) == 1


def test_the_question_comes_again_with_another_engine(workshop, fake_engine, program):
    with_lane(workshop, program)
    window = begun(workshop.open())
    click(offers(window)[0].close_button)
    window.link.die("the engine was ended by signal 9")
    settle()
    (message,) = offers(window)
    assert message.action.text() == "Restart engine"
    click(message.action)
    begun(window)
    (message,) = offers(window)
    assert message.action.text() == "Run netz ä.py"


def test_choosing_it_again_for_the_lane_asks_again(workshop, fake_engine, program):
    with_lane(workshop, program)
    window = begun(workshop.open())
    click(offers(window)[0].close_button)
    settle()
    assert not offers(window)
    check = window.mode("2d").sample_dock.lanes.rows["own"].check
    check.setFocus()
    key(check, Qt.Key.Key_F2)
    box = window.mode("2d").sample_dock.editor.denoiser
    assert box.currentText() == "netz ä.py"
    box.activated.emit(box.currentIndex())
    assert not named(window, program)
    click(offers(window)[0].action)
    window.link.answer_all()
    assert window.state.at(LANE_RUNS, "own").status == "done"


def test_strips_of_images_ask_as_well(workshop, fake_engine, program):
    with_lane(workshop, program)
    window = begun(workshop.open())
    window.show_mode("images")
    window.link.answer_all()
    assert window.state.at(LANE_RUNS, "ddim").status == "done"
    assert window.state.at(LANE_RUNS, "own").message.startswith(
        "Not opened: netz ä.py is a program."
    )
    assert not named(window, program)
    click(offers(window)[0].action)
    settle()
    assert opened(window)[-1] == f"python:{program}"


def test_switching_the_mode_opens_a_bundled_model_instead(workshop, fake_engine, program):
    keep(workshop, **{"modes/model/images": f"python:{program}"})
    window = begun(workshop.open())
    click(window.toolbar.mode.button("images"))
    assert not named(window, program)
    assert opened(window)[-1] == "mnist"
    window.link.answer_all()
    assert window.state.get(MODEL).ref == "mnist"
    (message,) = offers(window)
    assert message.text == f"{program} is a program and was not opened."
    workshop.close(window)
    again = begun(workshop.open())  # and is still asked for
    again.show_mode("images")
    again.link.answer_all()
    click(offers(again)[0].action)
    assert opened(again)[-1] == f"python:{program}"
    again.link.describe(again.link.asked(messages.Open)[-1].job, image_training("digits"))
    assert again.state.get(MODEL).ref == f"python:{program}"
    assert again.modes.program_for(IMAGES) is None
    again.show_mode("2d")
    again.link.answer_all()
    settle()
    assert again.modes.model_for(IMAGES) == f"python:{program}"  # as the user has let it run


def test_another_model_takes_its_place_for_the_mode(workshop, fake_engine, program):
    keep(workshop, **{"modes/model/images": f"python:{program}"})
    window = begun(workshop.open())
    window.show_mode("images")
    window.link.answer_all()
    window.models.open("fashion")
    window.link.answer_all()
    assert window.modes.program_for(IMAGES) is None
    assert workshop.settings().get("modes/model/images", str) == "fashion"


def test_the_list_of_models_asks_before_it_runs_one_of_last_time(workshop, fake_engine, program):
    keep(workshop, **{"runs/recent": [f"python:{program}"]})
    window = begun(workshop.open())
    window.toolbar.entry(f"model.python:{program}").trigger()
    assert not named(window, program)
    click(offers(window)[0].action)
    window.link.answer_all()
    assert window.state.get(MODEL).ref == f"python:{program}"


def test_a_file_that_is_chosen_is_run_at_once(window, program, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(program), ""))
    window.ask_for_checkpoint()
    window.link.answer_all()
    assert window.state.get(MODEL).ref == f"python:{program}"
    assert not offers(window)


def test_one_that_is_named_at_the_start_is_run_at_once(workshop, fake_engine, program):
    window = begun(workshop.open(open_ref=f"python:{program}"))
    assert window.state.get(MODEL).ref == f"python:{program}"
    assert not offers(window)


def test_a_true_engine_runs_nothing_until_the_button_is_pressed(workshop, program):
    with_lane(workshop, program)
    mark = program.with_name("mark")
    window = workshop.open(engine="inline")
    wait_until(lambda: window.state.at(LANE_RUNS, "ddim").status == "done", "the lane beside it")
    assert window.state.at(LANE_RUNS, "own").status == "failed"
    assert not mark.exists()
    click(offers(window)[0].action)
    wait_until(lambda: lanes_done(window), "the program's lane")
    assert mark.exists()
