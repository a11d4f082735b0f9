"""The docks of mode Images: what is set arrives in the state, what the state says is seen."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QInputDialog

from engine.datasets.images import DIGITS, folder_training, image_training, load_digits
from engine.shared.config import IMAGE_SETS, ScheduleConfig, TrainingConfig, UNetConfig, unet_preset
from engine.shared.trajectory import Trajectory
from toydiff_gui.app.installed_modes import mode_of
from toydiff_gui.modes.images import endpoints
from toydiff_gui.modes.images.panels.data_section import missing_text, progress_text
from toydiff_gui.modes.images.panels.preset_choice import duration_text, seconds_text, weights_text
from toydiff_gui.modes.images.panels.sample import ImageSamplePanel
from toydiff_gui.modes.images.panels.train import ImageTrainPanel
from toydiff_gui.modes.images.settings import (
    COSTS,
    IMAGE_CARD,
    IMAGE_DATA,
    IMAGE_INVERSION,
    IMAGE_SAMPLING,
    Cost,
    ImageDataRun,
)
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state import wording
from toydiff_gui.state.engine import ENGINE, EngineStatus
from toydiff_gui.state.lanes import LANE_RUNS, LANES, LaneRun, LaneSpec
from toydiff_gui.state.model import ModelInfo, show_model
from toydiff_gui.state.results import Inversion
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG, TrainingRun
from toydiff_gui.style import sheet
from toydiff_gui.style.theme import DARK

pytestmark = pytest.mark.usefixtures("app")

HERE = {"mnist": "/data/mnist", "fashion": "", "cifar10": ""}


def digits_model(**changes):
    digits = load_digits()
    model = ModelInfo(
        "digits",
        "digits",
        ScheduleConfig(name="cosine"),
        mean=tuple(digits.transform.mean.ravel().tolist()),
        std=tuple(digits.transform.std.ravel().tolist()),
        shape=(1, 8, 8),
        labels=DIGITS,
        attends=True,
    )
    return replace(model, **changes)


@pytest.fixture
def state(qapp):
    state = Store()
    state.set(ENGINE, EngineStatus("ready"))
    show_model(state, digits_model())
    state.set(TRAINING_CONFIG, image_training("mnist"))
    state.update(IMAGE_DATA, places=HERE)
    return state


def shown(qtbot, panel, width, height=704):
    qtbot.addWidget(panel)
    panel.resize(width, height)
    panel.show()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    return panel


@pytest.fixture
def train(qtbot, state):
    return shown(qtbot, ImageTrainPanel(state, mode_of), 296)


@pytest.fixture
def sample(qtbot, state):
    return shown(qtbot, ImageSamplePanel(state), 280)


def type_in(qtbot, box, text):
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box.lineEdit(), text)
    qtbot.keyClick(box, Qt.Key.Key_Return)


def click(qtbot, button, pos=None):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=pos or QPoint())


def give_samples(state, count=64):
    """Tiles that end in the bundled digits."""
    data = load_digits().standardised(slice(0, count))
    noise = np.random.default_rng(0).standard_normal(data.shape).astype(np.float32)
    meta = {endpoints.SEED: state.get(IMAGE_SAMPLING).seed}
    trajectory = Trajectory([250, 0], [noise, data], [data, data], meta)
    state.put(LANE_RUNS, endpoints.SAMPLES_KEY, LaneRun(trajectory, status="done"))
    return data


# Train: the data


@pytest.mark.parametrize("name", IMAGE_SETS)
def test_data_set_is_chosen_with_a_network_to_suit(qtbot, train, state, name):
    if name == "mnist":
        click(qtbot, train.data.cards["digits"])
    click(qtbot, train.data.cards[name])
    config = state.get(TRAINING_CONFIG)
    assert config.dataset == name
    assert [key for key, card in train.data.cards.items() if card.isChecked()] == [name]
    size = {"digits": 8, "mnist": 28, "fashion": 28, "cifar10": 32, "folder": 32}[name]
    classes = 0 if name == "folder" else 10
    assert config.unet == unet_preset("medium", size, classes)


def test_what_was_set_stays_when_other_data_are_chosen(qtbot, train, state):
    type_in(qtbot, train.network.fields.steps.box, "700")
    type_in(qtbot, train.network.fields.rate.box, "0.002")
    click(qtbot, train.network.presets.cards["small"])
    click(qtbot, train.data.cards["folder"])
    click(qtbot, train.data.cards["digits"])
    config = state.get(TRAINING_CONFIG)
    assert (config.steps, config.rate) == (700, 0.002)
    assert config.unet == unet_preset("small", 8, 10)  # classes are back after the folder


def test_real_images_are_drawn_where_there_are_some(qtbot, train, state):
    def greys(card):
        image = card.grab(QRect(6, 6, card.width() - 12, 32)).toImage()
        pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(32)]
        return sum(1 for c in pixels if c.red() == c.green() == c.blue() and c.red() > 200)

    assert greys(train.data.cards["digits"]) > 20  # bundled
    assert greys(train.data.cards["mnist"]) == 0
    state.update(IMAGE_DATA, thumbnails={"mnist": load_digits().images[:4]})
    assert greys(train.data.cards["mnist"]) > 20


def test_thumbnails_are_asked_for_once_where_the_data_are(qtbot, state):
    panel = ImageTrainPanel(state, mode_of)
    asked = []
    panel.data.thumbnails_requested.connect(asked.append)
    assert asked == []  # nobody looks yet
    shown(qtbot, panel, 296)
    assert asked == ["mnist"]
    state.update(IMAGE_DATA, places=HERE | {"fashion": "/data/fashion"})
    state.update(IMAGE_DATA, message="")
    assert asked == ["mnist", "fashion"]


def test_nothing_can_be_trained_without_its_data(qtbot, train, state):
    assert train.run.train_button.isEnabled()
    click(qtbot, train.data.cards["cifar10"])
    assert not train.run.train_button.isEnabled()
    assert "not on this computer" in train.run.train_button.toolTip()
    assert train.data.source_text.text() == "Not on this computer"
    click(qtbot, train.data.cards["folder"])
    assert "folder of images" in train.run.train_button.toolTip()
    assert not train.data.download_button.isVisible()
    state.update(IMAGE_DATA, places=HERE | {"folder": "/my/pictures"})
    assert train.run.train_button.isEnabled()
    click(qtbot, train.data.cards["digits"])
    assert train.run.train_button.isEnabled()
    assert train.data.source_text.text() == "Bundled"
    with qtbot.waitSignal(train.train_requested):
        click(qtbot, train.run.train_button)


def test_data_are_looked_for_before_they_are_said_to_be_missing():
    assert "looked for" in missing_text("mnist", ImageDataRun())
    assert "not on this computer" in missing_text("mnist", ImageDataRun(places={"mnist": ""}))
    assert missing_text("mnist", ImageDataRun(places={"mnist": "/x"})) == ""
    assert missing_text("digits", ImageDataRun()) == ""


def test_data_that_another_machine_does_not_have_are_said_with_its_name(qtbot, train, state):
    state.set(ENGINE, EngineStatus("ready", device="cpu", devices=("cpu",), host="ada@far"))
    state.update(IMAGE_DATA, places=HERE)
    click(qtbot, train.data.cards["cifar10"])
    assert train.data.source_text.text() == "Not on ada@far"
    assert "CIFAR-10 is not on ada@far" in train.run.train_button.toolTip()
    assert train.data.cards["cifar10"].toolTip().endswith("not on ada@far")
    click(qtbot, train.data.download_button)
    said = [label.text() for label in train.data.question.findChildren(type(train.title))]
    assert said[said.index("On") + 1] == "ada@far"
    qtbot.keyClick(train.data.question, Qt.Key.Key_Escape)


def test_nothing_is_downloaded_without_a_yes(qtbot, train, state):
    asked = []
    train.data.download_requested.connect(asked.append)
    click(qtbot, train.data.cards["cifar10"])
    state.update(IMAGE_DATA, download_root="/home/me/data")
    click(qtbot, train.data.download_button)
    question = train.data.question
    said = " ".join(label.text() for label in question.findChildren(type(train.title)))
    for part in ("CIFAR-10", "170 MB", "Toronto", "none is stated", "/home/me/data"):
        assert part in said
    assert question.cancel_button.isDefault()
    qtbot.keyClick(question, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: train.data.question is None)
    assert asked == []
    click(qtbot, train.data.download_button)
    qtbot.keyClick(train.data.question, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: train.data.question is None)
    assert asked == []
    click(qtbot, train.data.download_button)
    click(qtbot, train.data.question.download_button)
    assert asked == ["cifar10"]
    assert train.data.question is None


def test_a_download_shows_its_progress_and_can_be_cancelled(qtbot, train, state):
    assert not train.data.progress.isVisible()
    click(qtbot, train.data.cards["fashion"])
    state.update(IMAGE_DATA, fetching="fashion", done=7_750_000, total=31_000_000, remaining=42.0)
    assert train.data.progress_text.text() == "Fashion: 7.8 of 31 MB · 0:42 left"
    assert train.data.progress_bar.value() == 250
    assert not train.data.download_button.isEnabled()
    with qtbot.waitSignal(train.data.cancel_download_requested):
        click(qtbot, train.data.cancel_button)
    state.update(IMAGE_DATA, fetching="", message="The server has hung up")
    assert not train.data.progress.isVisible()
    assert train.data.source_text.text() == "The server has hung up"
    assert train.data.download_button.isEnabled()
    state.update(IMAGE_DATA, places=HERE | {"fashion": "/data/fashion"}, message="")
    assert train.data.source_text.text() == "In /data/fashion"
    assert not train.data.download_button.isVisible()


def test_images_that_cannot_be_browsed_are_not_said_in_train(qtbot, train, state):
    click(qtbot, train.data.cards["fashion"])
    state.update(IMAGE_DATA, browse_message="The data set is not here")
    assert train.data.source_text.text() == "Not on this computer"


def test_progress_of_unknown_size_is_told():
    assert progress_text(ImageDataRun(fetching="mnist", done=3_140_000)) == "MNIST: 3.1 MB"


def test_a_folder_on_another_machine_is_typed(qtbot, train, state, monkeypatch):
    asked = []

    def answer(parent, title, label, text):
        asked.append((label, text))
        return " /there/data ", True

    monkeypatch.setattr(QInputDialog, "getText", answer)
    state.set(ENGINE, EngineStatus("ready", host="ada@far"))
    with qtbot.waitSignal(train.data.data_root_requested) as said:
        click(qtbot, train.data.folder_button)
    assert said.args == ["/there/data"]
    assert asked == [("Folder with MNIST, on ada@far:", "/data/mnist")]


def test_a_folder_is_chosen_with_its_size_and_colours(qtbot, train, state, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: "/my/pictures")
    with qtbot.waitSignal(train.data.data_root_requested) as said:
        click(qtbot, train.data.folder_button)
    assert said.args == ["/my/pictures"]
    assert not train.data.folder_options.isVisible()
    click(qtbot, train.data.cards["folder"])
    assert train.data.folder_options.isVisible()
    with qtbot.waitSignal(train.data.folder_requested) as said:
        click(qtbot, train.data.folder_button)
    assert said.args == ["/my/pictures"]
    type_in(qtbot, train.data.size_box, "48")
    assert state.get(TRAINING_CONFIG).image_size == 48
    assert state.get(TRAINING_CONFIG).unet == unet_preset("medium", 48)
    train.data.colours.setFocus()
    qtbot.keyClick(train.data.colours, Qt.Key.Key_Down)
    assert state.get(TRAINING_CONFIG).channels == 1
    assert not train.network.classes.isEnabled()
    assert "no classes" in train.network.classes.toolTip()


def test_impossible_size_gets_a_sentence(qtbot, train, state, said):
    click(qtbot, train.data.cards["folder"])
    with qtbot.waitSignal(state.message_posted) as told:
        type_in(qtbot, train.data.size_box, "99")
    assert told.args == ["Image size must be between 8 and 64, got 99.", True]
    assert state.get(TRAINING_CONFIG).image_size == 32


# Train: the network and the run


def test_each_network_says_what_it_costs_before_training(qtbot, train, state):
    small, medium, _ = (train.network.presets.cards[name] for name in ("small", "medium", "large"))
    assert medium.lines == ("– weights", "measuring…")
    assert "being measured" in medium.toolTip()
    assert train.network.whole.text() == ""
    state.put(COSTS, "mnist/small", Cost(212_345, 0.053))
    state.put(COSTS, "mnist/medium", Cost(764_000, 0.61))
    assert small.lines == ("0.21 M", "53 ms / update")
    assert medium.lines == ("0.76 M", "0.61 s / update")
    assert train.network.whole.text() == "about 61 min in all"  # 6 000 of them
    qtbot.waitUntil(
        lambda: train.network.whole.width() >= train.network.whole.sizeHint().width()
    )  # not cut
    assert "5 min" in small.toolTip()
    type_in(qtbot, train.network.fields.steps.box, "100")
    assert train.network.whole.text() == "about 61 s in all"
    click(qtbot, small)
    assert state.get(TRAINING_CONFIG).unet == unet_preset("small", 28, 10)
    assert train.network.whole.text() == "about 5 s in all"
    click(qtbot, train.data.cards["fashion"])
    assert small.lines == ("– weights", "measuring…")  # not yet known of these data
    state.put(COSTS, "fashion/small", Cost(failed=True))
    assert small.lines == ("– weights", "not measured")
    assert "could not be measured" in small.toolTip()
    assert small.accessibleDescription() == small.toolTip()


def test_costs_are_told_apart_by_what_they_depend_on():
    assert wording.cost_key(image_training("mnist"), "small") == "mnist/small"
    assert wording.cost_key(folder_training(48, 1), "large") == "folder-1x48/large"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (61, "61 s"), (300, "5 min"), (6120, "1 h 42 min"), (300_000, "3 days")],
)
def test_long_times_are_told_in_words(seconds, text):
    assert duration_text(seconds) == text


def test_short_times_and_weights_are_told_in_few_digits():
    times = [seconds_text(s) for s in (0.0612, 0.61, 12.3, 312.0)]
    assert times == ["61 ms", "0.61 s", "12 s", "5 min"]
    assert [weights_text(n) for n in (940, 85_300, 1_234_567)] == ["940", "85 k", "1.23 M"]


def test_a_network_of_its_own_is_none_of_the_presets(train, state):
    own = UNetConfig(width=8, multipliers=(1, 2), attention=(1,), heads=2, embedding=8)
    state.update(TRAINING_CONFIG, unet=own)
    assert not any(card.isChecked() for card in train.network.presets.cards.values())
    state.update(TRAINING_CONFIG, unet=unet_preset("large", 28))
    assert train.network.presets.cards["large"].isChecked()


def test_arrow_keys_go_from_network_to_network(qtbot, train, state):
    train.network.presets.cards["medium"].setFocus()
    qtbot.keyClick(train.network.presets.cards["medium"], Qt.Key.Key_Right)
    assert state.get(TRAINING_CONFIG).unet == unet_preset("large", 28, 10)


def test_classes_are_learned_or_not(qtbot, train, state):
    assert train.network.classes.isChecked()
    click(qtbot, train.network.classes, QPoint(8, 11))
    assert state.get(TRAINING_CONFIG).unet == unet_preset("medium", 28, 0)
    click(qtbot, train.network.presets.cards["small"])
    assert state.get(TRAINING_CONFIG).unet == unet_preset("small", 28, 0)
    click(qtbot, train.network.classes, QPoint(8, 11))
    assert state.get(TRAINING_CONFIG).unet == unet_preset("small", 28, 10)


@pytest.mark.parametrize(
    ("field", "text", "read"),
    [
        ("timesteps", "100", lambda c: c.schedule.timesteps),
        ("steps", "2000", lambda c: c.steps),
        ("batch", "32", lambda c: c.batch_size),
        ("rate", "0.01", lambda c: c.rate),
        ("seed", "7", lambda c: c.seed),
    ],
)
def test_fields_write_to_the_state_and_can_be_reset(qtbot, train, state, field, text, read):
    default = read(image_training("mnist"))
    assert not train.network.header.reset.isVisible()
    type_in(qtbot, getattr(train.network.fields, field).box, text)
    assert read(state.get(TRAINING_CONFIG)) == pytest.approx(float(text))
    assert train.network.header.reset.isVisible()
    click(qtbot, train.network.header.reset)
    assert read(state.get(TRAINING_CONFIG)) == default


def test_schedule_of_images_is_cosine_unless_chosen(qtbot, train, state):
    assert train.schedule.cards["cosine"].isChecked()
    assert not train.schedule.header.reset.isVisible()
    click(qtbot, train.schedule.cards["linear"])
    assert state.get(TRAINING_CONFIG).schedule.name == "linear"
    click(qtbot, train.schedule.header.reset)
    assert state.get(TRAINING_CONFIG).schedule == ScheduleConfig(name="cosine")


def test_quality_is_told_beside_its_floor_and_all_is_locked_while_training(qtbot, train, state):
    quality = {
        "distance": 12.34,
        "distance_floor": 5.1,
        "recognised": 0.83,
        "recognised_floor": 0.99,
    }
    state.set(TRAINING, TrainingRun("running", 100, 6000, 60.0, 90.0, quality=quality))
    distance, recognised = train.run.figures
    assert distance.value.text() == "12.34"
    assert distance.floor.text() == "· floor 5.10"
    assert distance.bar.fraction == pytest.approx(12.34 / (5.5 * 5.1))
    assert recognised.value.text() == "83.0 %"
    assert not train.network.presets.cards["small"].isEnabled()
    assert not train.data.cards["digits"].isEnabled()
    assert not train.data.folder_button.isEnabled()
    with qtbot.waitSignal(train.pause_requested):
        click(qtbot, train.run.pause_button)
    with qtbot.waitSignal(train.stop_requested):
        click(qtbot, train.run.stop_button)


def test_a_training_of_points_is_measured_as_such(train, state):
    distance, second = train.run.figures
    assert distance.caption.text() == "Fréchet"
    quality = {"distance": 0.0818, "distance_floor": 0.018, "off_data": 0.02}
    state.set(TRAINING, TrainingRun("running", 3, 9, quality=quality, config=TrainingConfig()))
    assert (distance.caption.text(), distance.value.text()) == ("sliced W₂", "0.082")
    assert distance.floor.text() == "· floor 0.018"
    assert "Wasserstein" in distance.value.toolTip()
    assert (second.heading.text(), second.value.text()) == ("Off the data", "2.0 %")
    assert train.run.whose.isVisible()
    assert train.run.whose.text() == "Training of V, in mode 2D"
    state.set(TRAINING, TrainingRun("running", 3, 9, config=image_training("digits")))
    assert (distance.caption.text(), second.heading.text()) == ("Fréchet", "Recognised")
    assert not train.run.whose.isVisible()


def test_a_configuration_for_points_does_no_harm(train, state):
    state.update(TRAINING_CONFIG, dataset="v", unet=None)
    assert state.get(TRAINING_CONFIG).dataset == "v"
    state.set(TRAINING_CONFIG, image_training("digits"))
    assert train.data.cards["digits"].isChecked()


# Sample


def test_numbers_write_to_the_settings_of_images(qtbot, sample, state):
    type_in(qtbot, sample.start.count_field.box, "36")
    type_in(qtbot, sample.start.steps_field.box, "20")
    type_in(qtbot, sample.start.seed_field.box, "9")
    assert (
        state.get(IMAGE_SAMPLING).count,
        state.get(IMAGE_SAMPLING).steps,
        state.get(IMAGE_SAMPLING).seed,
    ) == (36, 20, 9)
    assert sample.lanes.rows["ddpm"].note.text() == "20 steps"
    with qtbot.waitSignal(state.message_posted) as said:
        type_in(qtbot, sample.start.count_field.box, "5000")
    assert said.args == ["Images N must be between 1 and 400, got 5000.", True]
    assert state.get(SAMPLING) == Store().get(SAMPLING)  # of the other mode


def test_eta_belongs_to_the_mode(qtbot, sample, state):
    sample.lanes.eta_slider.setFocus()
    qtbot.keyClick(sample.lanes.eta_slider, Qt.Key.Key_Right)
    assert (state.get(IMAGE_SAMPLING).eta, state.get(SAMPLING).eta) == (0.01, 0.0)


def test_a_lanes_settings_fall_back_to_those_of_images(qtbot, sample, state):
    state.update(IMAGE_SAMPLING, eta=0.25, seed=11)
    sample.edit_lane("ddim")
    editor = sample.editor
    assert editor.steps.box.lineEdit().placeholderText() == "50"
    assert editor.eta.box.lineEdit().placeholderText() == "0.25"
    assert editor.seed.box.lineEdit().placeholderText() == "11"
    editor.close()


def test_a_long_name_of_a_lane_is_cut_rather_than_the_dock(qtbot, sample, state):
    title = "DDIM, prior-preserving"
    state.set(LANES, (*state.get(LANES), LaneSpec("long", title=title, path="prior-preserving")))
    row, area = sample.lanes.rows["long"], sample.scroll_area
    qtbot.waitUntil(lambda: row.check.shown_text.endswith("…"))
    assert row.check.shown_text.startswith("DDIM, prior-pre")
    assert row.check.text() == title
    assert title in row.check.toolTip()
    assert area.verticalScrollBar().isVisible()
    assert area.widget().width() <= area.viewport().width()
    assert row.geometry().right() < area.widget().width()
    assert sample.lanes.rows["ddpm-shared"].check.shown_text == "DDPM, shared noise"


def test_endpoints_show_what_they_are(qtbot, sample, state):
    assert sample.path.rows["A"].button.name == "none yet"
    data = give_samples(state)
    endpoints.place_tile(state, 20, "A")
    row = sample.path.rows["A"]
    assert row.button.name == "Tile 21"
    assert row.button.accessibleName() == "Endpoint A: Tile 21"
    expected = load_digits().images[20]
    assert data.shape == (64, 1, 8, 8)
    assert np.array_equal(row.picture, expected)
    # Other samples come; what A looked like stays with it.
    state.update(IMAGE_SAMPLING, seed=6)
    state.put(LANE_RUNS, endpoints.SAMPLES_KEY, LaneRun(status="running"))
    assert np.array_equal(row.picture, expected)
    assert "seed 5" in row.button.name


def test_endpoints_keep_their_pictures_while_the_tiles_are_sampled_anew(sample, state):
    row = sample.path.rows["A"]
    data = give_samples(state)
    smear = np.zeros_like(data)
    begun = Trajectory([250, 125, 0], [data], [smear], {endpoints.SEED: 5})
    digit = load_digits().images[20]
    endpoints.place_tile(state, 20, "A")
    state.put(LANE_RUNS, endpoints.SAMPLES_KEY, LaneRun(begun, status="running"))  # with more steps
    assert np.array_equal(row.picture, digit)
    state.update(IMAGE_SAMPLING, seed=6)  # before they are done
    other = Trajectory([250, 0], [data], [smear], {endpoints.SEED: 6})
    state.put(LANE_RUNS, endpoints.SAMPLES_KEY, LaneRun(other, status="running"))
    assert np.array_equal(row.picture, digit)
    endpoints.place_tile(state, 3, "A")  # of which nothing better is known yet
    first = row.picture
    assert first is not None
    assert not np.array_equal(first, load_digits().images[3])
    other = other.with_frame(data, data)
    state.put(LANE_RUNS, endpoints.SAMPLES_KEY, LaneRun(other, status="done"))
    assert np.array_equal(row.picture, load_digits().images[3])


def test_a_tile_in_training_is_called_so_in_full(qtbot, sample, state):
    data = give_samples(state)
    preview = Trajectory([250, 0], [data, data], [data, data], {endpoints.SEED: 0})
    config = image_training("digits")
    state.set(TRAINING, TrainingRun("running", 3, 9, preview=preview, config=config))
    endpoints.place_tile(state, 5, "A")
    button = sample.path.rows["A"].button
    assert button.name == "Training, tile 6"
    assert button.text() == button.name  # nothing of it is cut
    state.set(TRAINING, TrainingRun("done", 9, 9, config=config))
    assert button.text() == "Training, tile 6"


def test_endpoints_are_chosen_from_the_menu(qtbot, sample, state):
    row = sample.path.rows["C"]
    row.menu.aboutToShow.emit()
    assert not row.random_action.isEnabled()
    assert not row.none_action.isEnabled()
    give_samples(state)
    state.update(IMAGE_CARD, pinned_tile=7)
    row.menu.aboutToShow.emit()
    assert row.pinned_action.text() == "Tile 8, shown large"
    row.pinned_action.trigger()
    assert state.get(IMAGE_SAMPLING).c.tile == 7
    assert sample.path.kind.button("drawn").isEnabled()
    row.menu.aboutToShow.emit()
    row.none_action.trigger()
    assert state.get(IMAGE_SAMPLING).c is None
    assert not sample.path.kind.button("drawn").isEnabled()
    assert "Choose C first" in sample.path.kind.button("drawn").toolTip()


def test_random_and_swapped_endpoints(qtbot, sample, state):
    assert not sample.path.swap_button.isEnabled()
    give_samples(state)
    click(qtbot, sample.path.random_button)
    a, b = state.get(IMAGE_SAMPLING).a, state.get(IMAGE_SAMPLING).b
    assert a.tile != b.tile
    state.update(IMAGE_SAMPLING, class_a=3)
    click(qtbot, sample.path.swap_button)
    assert (state.get(IMAGE_SAMPLING).a, state.get(IMAGE_SAMPLING).b) == (b, a)
    assert (state.get(IMAGE_SAMPLING).class_a, state.get(IMAGE_SAMPLING).class_b) == (None, 3)


def test_path_is_set_and_reset(qtbot, sample, state):
    click(qtbot, sample.path.kind.button("spherical"))
    type_in(qtbot, sample.path.count_box, "20")
    click(qtbot, sample.path.even, QPoint(8, 11))
    assert (
        state.get(IMAGE_SAMPLING).path,
        state.get(IMAGE_SAMPLING).path_images,
        state.get(IMAGE_SAMPLING).even,
    ) == (
        "spherical",
        20,
        True,
    )
    assert not sample.path.search.isVisible()
    click(qtbot, sample.path.kind.button("geodesic"))
    assert sample.path.search.isVisible()
    assert not sample.path.even.isEnabled()
    click(qtbot, sample.path.header.reset)
    assert (
        state.get(IMAGE_SAMPLING).path,
        state.get(IMAGE_SAMPLING).path_images,
        state.get(IMAGE_SAMPLING).even,
    ) == (
        "linear",
        12,
        False,
    )


def test_with_the_same_noise_there_is_one_path_only(qtbot, sample, state):
    click(qtbot, sample.path.kind.button("geodesic"))
    state.update(IMAGE_SAMPLING, class_b=3)
    click(qtbot, sample.classes.fixed, QPoint(8, 11))
    assert state.get(IMAGE_SAMPLING).fixed_noise
    told = "Same noise: only the class changes along the path"
    for button in (*(sample.path.kind.button(key) for key in wording.PATHS), sample.path.even):
        assert not button.isEnabled()
        assert button.toolTip() == told
    assert not sample.path.search.isVisible()
    assert not sample.path.even.isChecked()
    click(qtbot, sample.classes.fixed, QPoint(8, 11))
    assert sample.path.search.isVisible()
    assert sample.path.kind.button("linear").isEnabled()
    assert sample.path.kind.button("linear").toolTip() != told


def test_the_same_noise_can_be_turned_off_where_there_are_no_classes(qtbot, sample, state):
    state.update(IMAGE_SAMPLING, fixed_noise=True)
    show_model(state, digits_model(labels=()))
    assert sample.classes.fixed.isEnabled()
    assert not sample.classes.guidance.isEnabled()
    click(qtbot, sample.classes.fixed, QPoint(8, 11))
    assert not state.get(IMAGE_SAMPLING).fixed_noise
    assert not sample.classes.fixed.isEnabled()
    assert sample.path.kind.button("linear").isEnabled()


def test_classes_and_guidance(qtbot, sample, state):
    classes = sample.classes
    assert [classes.tiles.itemText(i) for i in range(3)] == ["any", "each in turn", "0"]
    state.update(IMAGE_SAMPLING, tile_classes=((3, 4),))
    classes.tiles.setFocus()
    qtbot.keyClick(classes.tiles, Qt.Key.Key_Down)
    assert state.get(IMAGE_SAMPLING).tile_class == "each"
    assert state.get(IMAGE_SAMPLING).tile_classes == ()
    assert not classes.fixed.isEnabled()
    assert "Choose classes" in classes.fixed.toolTip()
    classes.ends["B"].setFocus()
    qtbot.keyClick(classes.ends["B"], Qt.Key.Key_Down)
    assert (state.get(IMAGE_SAMPLING).class_a, state.get(IMAGE_SAMPLING).class_b) == (None, 0)
    click(qtbot, classes.fixed, QPoint(8, 11))
    assert state.get(IMAGE_SAMPLING).fixed_noise
    type_in(qtbot, classes.guidance, "2.5")
    assert state.get(IMAGE_SAMPLING).guidance == 2.5
    click(qtbot, classes.header.reset)
    assert state.get(IMAGE_SAMPLING) == Store().get(IMAGE_SAMPLING)


def test_classes_are_greyed_for_a_model_that_knows_none(sample, state):
    show_model(state, digits_model(labels=()))
    assert not sample.classes.tiles.isEnabled()
    assert sample.classes.tiles.toolTip() == "This model has learned no classes"


def test_overlays_turn_the_card_and_say_why_not(qtbot, sample, state):
    buttons = sample.overlays.buttons
    click(qtbot, buttons["attention"])
    assert state.get(IMAGE_CARD).face == "attention"
    click(qtbot, buttons["slice"])
    assert state.get(IMAGE_CARD).face == "slice"
    assert not buttons["attention"].isChecked()
    click(qtbot, buttons["slice"])
    assert state.get(IMAGE_CARD).face == "picture"
    click(qtbot, buttons["preview"])
    assert state.get(IMAGE_CARD).preview
    assert not buttons["warp"].isEnabled()
    assert "in the plane only" in buttons["warp"].toolTip()
    assert "Diagnostics" in buttons["difference"].toolTip()
    show_model(state, digits_model(attends=False))
    assert buttons["attention"].toolTip() == "This network has no attention"


def test_an_image_file_becomes_an_endpoint(qtbot, sample, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: ("/my/shoe.png", ""))
    with qtbot.waitSignal(sample.invert_file_requested) as said:
        sample.path.rows["B"].file_action.trigger()
    assert said.args == ["B", "/my/shoe.png"]
    with qtbot.waitSignal(sample.invert_file_requested) as said:
        sample.inversion.actions_by_name["file", "A"].trigger()
    assert said.args == ["A", "/my/shoe.png"]


def test_an_inversion_is_followed_and_stopped(qtbot, sample, state):
    state.set(IMAGE_INVERSION, Inversion(status="running", source="shoe.png"))
    assert sample.inversion.text.text() == "Finding the latent of shoe.png…"
    with qtbot.waitSignal(sample.cancel_inversion_requested):
        click(qtbot, sample.inversion.dismiss)
    assert not sample.inversion.text.isVisible()
    state.set(IMAGE_INVERSION, Inversion(status="done", source="shoe.png", errors=np.array([0.05])))
    assert sample.inversion.text.text().startswith("shoe.png comes back within 0.05")
    state.set(IMAGE_INVERSION, Inversion(status="failed", message="The file is no image."))
    assert sample.inversion.text.text() == "The file is no image."
    state.set(ENGINE, EngineStatus("dead"))
    assert not sample.inversion.button.isEnabled()
    sample.path.rows["A"].menu.aboutToShow.emit()
    assert not sample.path.rows["A"].browse_action.isEnabled()


# Both


@pytest.mark.parametrize("dock", ["train", "sample"])
def test_nothing_is_cut_off(qtbot, request, cut_texts, app, chosen, dock):
    panel = request.getfixturevalue(dock)
    sheet.apply(app, chosen)
    area = panel.scroll_area

    def nothing_is_cut():
        assert cut_texts(panel) == set()
        assert area.widget().width() <= area.viewport().width()

    qtbot.waitUntil(nothing_is_cut)


@pytest.mark.parametrize("dock", ["train", "sample"])
def test_every_control_has_a_name_and_tab_reaches_it(qtbot, request, dock):
    panel = request.getfixturevalue(dock)
    wanted = {
        widget
        for widget in panel.findChildren(QAbstractButton)
        if widget.isVisible() and widget.isEnabled()
    }
    assert all(widget.accessibleName() or widget.text() for widget in wanted)
    assert all(widget.toolTip() for widget in wanted if widget.isVisible())
    reached = set()
    widget = panel.hide_button
    widget.setFocus()
    for _ in range(200):
        reached.add(panel.focusWidget())
        panel.focusNextChild()
    groups = {button.group() for button in reached if isinstance(button, QAbstractButton)}
    for button in wanted:
        # Of an exclusive group Tab reaches the chosen one; arrows lead on.
        assert button in reached or (button.group() is not None and button.group() in groups)


def test_all_of_train_fits_into_the_usual_window(train):
    assert train.scroll_area.verticalScrollBar().maximum() == 0


def test_the_chosen_network_is_framed(train):
    card = train.network.presets.cards["medium"]
    image = card.grab().toImage()
    assert image.pixelColor(1, card.height() // 2) == QColor(DARK.accent)
