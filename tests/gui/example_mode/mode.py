"""The mode: what it wants of the engine, and what the window needs to know of it."""

from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from engine.shared import catalogue, messages
from engine.shared.config import SamplerConfig, TrainingConfig
from tests.gui.example_mode.picture import KEY, Histogram
from tests.gui.example_mode.settings import BARS, Bars
from toydiff_gui.controllers.lanes import lane_key, run_collector, shower
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.engine_client.wanted import Wanted
from toydiff_gui.modes.contract import Mode, ModeAtWork
from toydiff_gui.state import wording
from toydiff_gui.state.lanes import LANE_RUNS, LaneRun
from toydiff_gui.state.model import MODEL
from toydiff_gui.style import theme


class Page(QWidget):
    def __init__(self):
        super().__init__()
        self.scene, self.t = Histogram("", 250, LaneRun(), Bars()), 0

    def set_scene(self, scene):
        self.scene = scene
        self.update()

    def set_t(self, t):
        self.t = t
        self.update()

    def paintEvent(self, event):
        with QPainter(self) as painter:
            self.scene.paint(painter, self.rect().toRectF(), self.t, LaneStyle.of(theme.current()))


class Samples:
    def __init__(self, store):
        self.store = store

    def wanted(self):
        model, bars = self.store.get(MODEL), self.store.get(BARS)
        sampler = SamplerConfig(steps=bars.steps)
        yield Wanted(
            lane_key(KEY),
            messages.Sample(checkpoint=model.ref, sampler=sampler, count=bars.count),
            shower(self.store, KEY),
            revision=model.revision,
            collect=run_collector({}),
        )


class AtWork(ModeAtWork):
    def __init__(self, lab, parent=None):
        super().__init__(lab, parent)
        self.page, self.samples = Page(), Samples(lab.store)

    @property
    def parts(self):
        return (self.samples,)

    def scene(self):
        model, run = self.store.get(MODEL), self.store.at(LANE_RUNS, KEY)
        title, bars = wording.model_line(model), self.store.get(BARS)
        return Histogram(title, model.schedule.timesteps, run, bars)

    picture = scene


def restore(settings, store):
    store.set(BARS, settings.get("histogram/bars", Bars) or Bars())


MODE = Mode(
    key="1d",
    kind=catalogue.POINTS,
    title="1D",
    tip="One coordinate, as a histogram",
    no_model="There is no model of points here.",
    work=AtWork,
    describe=lambda model: "points in the plane",
    first_training=lambda model: TrainingConfig(),
    restore=restore,
    remember=lambda settings, store: settings.put("histogram/bars", store.get(BARS)),
)
