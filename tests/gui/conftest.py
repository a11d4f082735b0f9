"""Windows to test: with settings and runs of their own, and nothing left behind when they go."""

import threading
from dataclasses import dataclass, field

import msgspec
import numpy as np
import psutil
import pytest
from PySide6.QtCore import QObject, QSettings, QThread, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from engine import datasets, protocol
from engine.config import TrainingConfig, sampler_times
from engine.datasets.images import INFOS, image_training, info_of
from engine.protocol import Packet
from tests.hands.window import settle, wait_until
from toydiff_gui import main_window, theme
from toydiff_gui.comparer import Comparer
from toydiff_gui.controllers.assembly import Controllers
from toydiff_gui.layers import LayerKeeper
from toydiff_gui.main_window import MainWindow
from toydiff_gui.modes.images.attention import AttentionRequests
from toydiff_gui.modes.images.costs import NetworkCosts
from toydiff_gui.modes.images.image_sets import ImageSets
from toydiff_gui.modes.images.inversion import ImageInversion
from toydiff_gui.modes.images.lane_requests import ImageLanes
from toydiff_gui.modes.images.slice import SliceRequests
from toydiff_gui.modes.points.inversion import PointInversion
from toydiff_gui.modes.points.lane_requests import PointLanes
from toydiff_gui.panels.sample import SamplePanel
from toydiff_gui.playback import Playback
from toydiff_gui.runs import Runs
from toydiff_gui.state.lanes import LANE_RUNS
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.theme import DARK, LIGHT, Theme


@pytest.fixture
def app(qapp):
    """The application in the default theme, which a test may change."""
    theme.apply(qapp, Theme())
    yield qapp
    theme.set_theme(Theme())
    qapp.setStyleSheet("")


@pytest.fixture(
    params=[Theme(), Theme(LIGHT, False), Theme(DARK, True, 1.35, 1.6)],
    ids=["dark", "light", "presentation"],
)
def chosen(request):
    """Each of the looks there are."""
    return request.param


@pytest.fixture
def app_state(qapp):
    """A state without a window."""
    return Store()


@pytest.fixture
def sample_dock(qtbot, app, app_state):
    """The dock 'Sample' in a window of its own, as high as in the usual window."""
    dock = SamplePanel(app_state)
    qtbot.addWidget(dock)
    dock.resize(280, 704)
    dock.show()
    dock.activateWindow()
    qtbot.waitUntil(dock.isActiveWindow)
    return dock


@pytest.fixture
def said(app_state):
    """What the state has told the user, as (text, is_error)."""
    messages = []
    app_state.message_posted.connect(lambda *message: messages.append(message))
    return messages


@pytest.fixture
def cut_texts():
    """A function that gives the texts in a widget which have less room than they need."""

    def find(widget):
        texts = [*widget.findChildren(QLabel), *widget.findChildren(QAbstractButton)]
        return {
            text.text()
            for text in texts
            if text.isVisible() and text.text() and text.width() < text.minimumSizeHint().width()
        }

    return find


def active_timers(window):
    """Timers of the window that would go off."""
    return [timer for timer in window.findChildren(QTimer) if timer.isActive()]


def visible_windows():
    """Windows that are on the screen."""
    return [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]


def engine_process(window):
    """The process of the window's engine; None if there is none."""
    number = getattr(window.link.thread_in_charge, "process_id", None)
    return psutil.Process(number) if number is not None else None


class FakeEngine(QObject):
    """Stands in for ``EngineLink``: answers when and what the test wants.

    Signals:
        received: as the real one.
        died: as the real one.
        reconnecting: as the real one.
    """

    received = Signal(object)
    died = Signal(str)
    reconnecting = Signal(str)
    address = None

    def __init__(self, kind="process", device="auto", parent=None):
        super().__init__(parent)
        self.kind, self.device = kind, device
        self.sent = []
        self.starts = 0
        self.stopped = False
        self.thread_in_charge = None
        self._job = 0
        self._answered = 0
        self.shape = (2,)  # of a state of the model that was described last

    def start(self):
        self.starts += 1

    def stop(self):
        self.stopped = True

    def next_job(self):
        self._job += 1
        return self._job

    def send(self, packet):
        self.sent.append(packet)

    # What the test says in its place

    def report(self, message, arrays=None):
        self.received.emit(Packet(message, arrays or {}))

    def get_ready(self):
        self.report(protocol.Ready(version="0", device="cpu", devices=["cpu"]))

    def die(self, why):
        self.died.emit(why)

    def asked(self, kind):
        """What has been sent of one kind, in order."""
        return [packet.message for packet in self.sent if isinstance(packet.message, kind)]

    def describe(self, job, config=None, step=6000):
        """Answer an ``Open``."""
        config = config or TrainingConfig()
        info = {"config": msgspec.to_builtins(config), "step": step}
        if config.images:
            self.shape = info_of(config).shape
            channels = self.shape[0]
            info |= {"mean": [0.3] * channels, "std": [0.4] * channels, "shape": list(self.shape)}
        else:
            transform = datasets.load(config.dataset).transform
            self.shape = transform.mean.shape
            info |= {"mean": transform.mean.tolist(), "std": transform.std.tolist()}
        self.report(protocol.Result(job=job, info=info))

    def latents(self, request, arrays):
        if "latents" in arrays:
            return arrays["latents"]
        if isinstance(request, protocol.Interpolate):
            return np.linspace(arrays["start"], arrays["end"], request.points, dtype=np.float32)
        # Each row by itself, as the engine: more of them leave the first ones as they are.
        rows = np.random.default_rng(request.seed).normal(size=(request.count, *self.shape))
        return rows.astype(np.float32)

    def frames(self, packet, first=0, last=None, timesteps=250):
        """Send the frames of a request from ``first`` up to, not with, ``last``: x shrinks."""
        request = packet.message
        times = sampler_times(timesteps, request.sampler.steps or timesteps)
        if getattr(request, "last", False):
            times = times[-1:]
        start = self.latents(request, packet.arrays)
        for index in range(first, len(times) if last is None else last):
            x = start * np.float32(0.5 + 0.5 * times[index] / timesteps)
            frame = protocol.Frame(job=request.job, index=index, times=times if index == 0 else [])
            self.report(frame, {"x": x, "x0": x})

    def finish(self, packet):
        self.report(protocol.Result(job=packet.message.job, seconds=0.25))

    def answer(self):
        """Answer all that has been asked since the last time; says how much that was."""
        new = self.sent[self._answered :]
        self._answered = len(self.sent)
        for packet in new:
            if isinstance(packet.message, protocol.Open):
                name = packet.message.checkpoint
                images = name in INFOS
                self.describe(packet.message.job, image_training(name) if images else None)
            elif isinstance(packet.message, protocol.FindData):
                places = {"mnist": "", "fashion": "", "cifar10": "", "download_root": "/data"}
                self.report(protocol.Result(job=packet.message.job, info=places))
            elif isinstance(packet.message, protocol.Sample | protocol.Interpolate):
                self.frames(packet)
                self.finish(packet)
        return len(new)

    def answer_all(self):
        """Answer until nothing more is asked."""
        settle()
        while self.answer():
            settle()


@dataclass
class Workshop:
    """Makes windows that share one settings file and one folder, and sees them off."""

    folder: object
    made: list = field(default_factory=list)
    threads: set = field(default_factory=lambda: set(threading.enumerate()))
    processes: set = field(default_factory=lambda: set(psutil.Process().children(recursive=True)))
    seen: set = field(default_factory=lambda: set(visible_windows()))

    @property
    def runs_folder(self):
        return self.folder / "Läufe 1"

    def settings(self):
        self.folder.mkdir(exist_ok=True)
        return QSettings(str(self.folder / "Einstellungen ä.ini"), QSettings.Format.IniFormat)

    def open(self, *, hint=False, start=True, size=(1440, 900), **options):
        settings = self.settings()
        if not hint:
            settings.setValue(main_window.HINT_SEEN, True)
        window = MainWindow(settings, runs_folder=self.runs_folder, **options)
        self.made.append(window)
        if size:
            window.resize(*size)
        window.show()
        window.activateWindow()
        wait_until(window.isActiveWindow, "the window")
        settle()
        if start:
            window.start_engine()
        return window

    def close(self, window):
        """Close a window and see that nothing of it stays."""
        self.made.remove(window)
        process = engine_process(window)
        window.close()
        assert window.link.thread_in_charge is None
        assert process is None or not process.is_running()
        settle()
        wait_until(lambda: not active_timers(window), "the last timers")
        assert not [thread for thread in window.findChildren(QThread) if thread.isRunning()]
        window.deleteLater()
        settle()

    def lock_up(self):
        """Close what is still open; nothing may be left of any of them."""
        for window in list(self.made):
            self.close(window)
        left = {
            thread
            for thread in set(threading.enumerate()) - self.threads
            if not isinstance(thread, threading._DummyThread)  # traces of a QThread that was
        }
        assert not left
        assert not set(psutil.Process().children(recursive=True)) - self.processes
        assert not set(visible_windows()) - self.seen
        theme.set_theme(theme.Theme())
        QApplication.instance().setStyleSheet("")


@pytest.fixture(scope="session", autouse=True)
def _empty_clipboard(qapp):
    """What Python put there must go before Python does: here it is a part of the process."""
    yield
    QGuiApplication.clipboard().clear()


@pytest.fixture
def workshop(qapp, tmp_path):
    workshop = Workshop(tmp_path / "mit Lücke")
    yield workshop
    workshop.lock_up()


@pytest.fixture(scope="module")
def lasting_workshop(qapp, tmp_path_factory):
    """As ``workshop``, for a window that the tests of a module share."""
    workshop = Workshop(tmp_path_factory.mktemp("fenster") / "mit Lücke")
    yield workshop
    workshop.lock_up()


@pytest.fixture
def fake_engine(monkeypatch):
    """Windows get a ``FakeEngine``, which ``window.link`` is."""
    monkeypatch.setattr(main_window, "EngineLink", FakeEngine)


class Desk:
    """A conductor with all it speaks to; nothing is answered unless the test says so."""

    def __init__(self, link, folder):
        self.link = link
        self.state = Store()
        self.playback = Playback(250)
        settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
        self.runs = Runs(settings, folder / "Läufe 1")
        self.controllers = Controllers(self.state, link, self.playback, self.runs)
        self.models, self.training = self.controllers.models, self.controllers.training
        self.pathfinder, self.exchange = self.controllers.pathfinder, self.controllers.exchange
        self.point_lanes = PointLanes(
            self.state, self.exchange, self.playback, self.models, self.pathfinder
        )
        self.layers = LayerKeeper(self.state, link, self.playback)
        self.comparer = Comparer(self.state, link, self.pathfinder)
        self.inverter = PointInversion(self.state, self.exchange)
        self.exchange.set_parts((self.models, self.inverter, self.point_lanes))
        self.messages, self.opened = [], []
        self.state.message_posted.connect(lambda text, error: self.messages.append((text, error)))
        self.models.opened.connect(self.opened.append)

    def asked(self, kind=protocol.Interpolate):
        """What has been asked since the last time."""
        settle()
        new, self.link.sent[:] = list(self.link.sent), []
        self.link._answered = 0
        assert all(isinstance(packet.message, (kind, protocol.Cancel)) for packet in new)
        return [packet for packet in new if isinstance(packet.message, kind)]

    def heard(self, *kinds):
        """What of these kinds has been sent since the last time, whatever else there was."""
        settle()
        new, self.link.sent[:] = list(self.link.sent), []
        self.link._answered = 0
        return [packet for packet in new if isinstance(packet.message, kinds)]

    def until_sent(self, kind):
        """The one request of this kind that is about to be sent, after a pause maybe."""
        wait_until(lambda: self.link.asked(kind), kind.__name__)
        (packet,) = self.heard(kind)
        return packet

    def open(self, ref, **config):
        """Open another model, and answer for it unless it is known."""
        for opening in self.openings(ref):
            self.link.describe(opening.job, TrainingConfig(**config))

    def openings(self, ref):
        """Ask for a model; what that sends to the engine."""
        before = len(self.link.asked(protocol.Open))
        self.models.open(ref)
        return self.link.asked(protocol.Open)[before:]

    def restart(self):
        """A new engine after the old one has died, with the model open again."""
        self.controllers.engine.start_again()
        self.link.get_ready()
        self.link.describe(self.link.asked(protocol.Open)[-1].job)

    def at_rest(self):
        """Whether nobody waits for anything or is about to ask for something."""
        settle()
        waiting = (self.controllers, self.layers, self.comparer)
        return not any(one.busy for one in waiting)

    def run(self, key="ddim"):
        return self.state.at(LANE_RUNS, key)

    def reach_rest(self):
        self.link.get_ready()
        self.link.answer_all()
        self.link.sent.clear()
        self.link._answered = 0


@pytest.fixture
def desk(qapp, tmp_path, fake_engine):
    """All that speaks to an engine, which has not come up yet."""
    desk = Desk(main_window.EngineLink(), tmp_path)
    yield desk
    settle()
    desk.playback.pause()


class ImageDesk(Desk):
    """The same with those who speak to an engine in mode Images; its model is of 8x8 digits."""

    def __init__(self, link, folder):
        super().__init__(link, folder)
        self.settings = QSettings(str(folder / "images.ini"), QSettings.Format.IniFormat)
        self.images = ImageLanes(self.state, self.exchange, self.models, self.pathfinder)
        self.state.changed(MODEL).connect(self.choose_parts)
        self.slice = SliceRequests(self.state, self.exchange)
        self.attention = AttentionRequests(self.state, self.exchange, self.playback)
        self.image_inverter = ImageInversion(self.state, self.controllers.client)
        self.costs = NetworkCosts(self.state, self.exchange)
        self.image_sets = ImageSets(self.state, self.controllers.client, self.settings)

    def choose_parts(self):
        """As the window does."""
        parts = (self.inverter, self.point_lanes)
        if self.state.get(MODEL).images:
            parts = (self.images, self.slice, self.attention, self.costs)
        self.exchange.set_parts((self.models, *parts))

    def open_images(self, ref="digits", dataset="digits"):
        """Open a model of images, and answer for it unless it is known."""
        openings = self.openings(ref)
        self.link._answered = len(self.link.sent)
        for opening in openings:
            self.link.describe(opening.job, image_training(dataset))

    def reach_rest(self, ref="digits", dataset="digits"):
        """With tiles and strips complete."""
        self.link.get_ready()
        self.link.answer_all()
        self.open_images(ref, dataset)
        self.link.answer_all()
        self.heard()

    def tiles(self):
        return self.state.at(LANE_RUNS, "samples")


@pytest.fixture
def image_desk(qapp, tmp_path, fake_engine):
    """All that speaks to an engine in mode Images; tiles and strips are complete."""
    desk = ImageDesk(main_window.EngineLink(), tmp_path)
    desk.reach_rest()
    yield desk
    settle()
    desk.playback.pause()


@pytest.fixture
def resting(desk):
    """The same with its model open and its lanes complete."""
    desk.reach_rest()
    return desk


@pytest.fixture
def window(workshop, fake_engine):
    """A window whose engine answers at once when it is told to, at rest, its lanes complete."""
    window = workshop.open()
    window.link.get_ready()
    window.link.answer_all()
    window.playback.pause()
    settle()
    return window
