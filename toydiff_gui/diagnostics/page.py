"""The diagnostics: what the network predicts, what the schedule does, the forward process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from toydiff_gui import names, theme
from toydiff_gui.composer import data_points
from toydiff_gui.controls import Segment, SegmentedControl
from toydiff_gui.diagnostics import charts, schedules
from toydiff_gui.diagnostics.card import ChartCard
from toydiff_gui.diagnostics.card_grid import CardGrid
from toydiff_gui.diagnostics.chart import Chart
from toydiff_gui.diagnostics.examiner import Examiner
from toydiff_gui.diagnostics.findings import Finding, LossCurve, Pairs
from toydiff_gui.diagnostics.forward import CLOSED_KEY, POINT_KEY, STEPS_KEY
from toydiff_gui.diagnostics.forward_view import ForwardView
from toydiff_gui.diagnostics.saving import Format, ThemeName, save_chart
from toydiff_gui.diagnostics.status import StatusText
from toydiff_gui.diagnostics.windows import Windows
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.playback import Playback
from toydiff_gui.scene import Scene
from toydiff_gui.state import AppState

MAX_DIMENSIONS = 2
"""Dimensions that have a card."""
BAR = 34
FORWARD_KEYS = (STEPS_KEY, CLOSED_KEY, POINT_KEY)
VIEWS = (
    Segment("network", "Network", "What the network predicts, compared with the best possible"),
    Segment("schedule", "Signal at T", "What is left of the data where sampling starts"),
    Segment("forward", "Forward process", "How the data become noise"),
)
FILTERS = {
    "png": "PNG pictures (*.png)",
    "svg": "SVG drawings (*.svg)",
    "pdf": "PDF files (*.pdf)",
    "csv": "CSV files (*.csv)",
}


class DiagnosticsPage(QWidget):
    """Stands in the place of the lanes. Nothing is asked or computed while it is hidden.

    ``lanes`` is a canvas for the forward process.

    Signals:
        scene_changed: the scene of the forward process came, went or is another one.
    """

    scene_changed = Signal()

    def __init__(
        self,
        state: AppState,
        playback: Playback,
        link: EngineLink,
        lanes: QWidget,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._playback = state, playback
        self.setProperty("surface", "window")
        self.setAccessibleName("Diagnostics")
        self.examiner = Examiner(state, link, self)
        self.windows = Windows(self)
        self.forward = ForwardView(state, lanes, self)
        self._folder = QStandardPaths.writableLocation(
            QStandardPaths.StandardLocation.PicturesLocation
        )
        self._built: dict[str, tuple[object, Chart]] = {}
        self._build(lanes)
        self._connect()
        self._show_view()

    # Building

    def _build(self, lanes: QWidget) -> None:
        self.pairs = [
            ChartCard(f"pairs-{index + 1}", self.windows) for index in range(MAX_DIMENSIONS)
        ]
        self.loss = ChartCard("loss", self.windows)
        self.schedules = ChartCard("schedules", self.windows)
        self.left = ChartCard("signal", self.windows)
        self.start = ChartCard("start", self.windows)
        self.difference = ChartCard("difference", self.windows)
        self.quantity = QComboBox()
        self.quantity.setAccessibleName("Quantity of the noise schedules")
        self.quantity.setToolTip("What to draw over time for each noise schedule")
        for each in schedules.QUANTITIES:
            self.quantity.addItem(each.name, each.key)
            self.quantity.setItemData(
                self.quantity.count() - 1,
                each.meaning[:1].upper() + each.meaning[1:],
                Qt.ItemDataRole.ToolTipRole,
            )
        self.schedules.add_control(self.quantity)
        self.network_grid = CardGrid([*self.pairs, self.loss, self.schedules])
        self.schedule_grid = CardGrid([self.left, self.start, self.difference])
        self.stack = QStackedWidget()
        self._views = {
            "network": self.network_grid,
            "schedule": self.schedule_grid,
            "forward": lanes,
        }
        for widget in self._views.values():
            self.stack.addWidget(widget)
        self.views = SegmentedControl("Diagnostics", VIEWS)
        self.views.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.status = StatusText()
        self.another = QPushButton("Another point")
        self.another.setToolTip(
            "Copy another data point in the last lane. A click on a point in a lane chooses it."
        )
        bar = QHBoxLayout()
        bar.setContentsMargins(0, 0, 0, 0)
        bar.setSpacing(8)
        bar.addWidget(self.views)
        bar.addWidget(self.status, 1)
        bar.addWidget(self.another)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(bar)
        column.addWidget(self.stack, 1)

    @property
    def cards(self) -> list[ChartCard]:
        """All cards with a chart."""
        return [*self.network_grid.cards, *self.schedule_grid.cards]

    def _connect(self) -> None:
        state = self._state
        for card in self.cards:
            card.time_asked.connect(partial(self._set_time, card))
            card.save_asked.connect(partial(self._ask_where_to_save, card))
        self.views.chosen.connect(self._choose_view)
        self.another.clicked.connect(self.forward.choose_another)
        self.another.clicked.connect(self.scene_changed)
        self.quantity.currentIndexChanged.connect(self._show)
        self.examiner.changed.connect(self._show)
        state.model_changed.connect(self._show)
        state.sampling_changed.connect(self._show)
        state.engine_changed.connect(self._show)
        state.training_changed.connect(self._show_status)
        state.view_changed.connect(self._show_view)
        self._playback.t_changed.connect(self._show_time)
        self._playback.changed.connect(self._show_time)

    # Showing

    @property
    def current_scene(self) -> Scene | None:
        """The scene to export, where there is one: that of the forward process."""
        return self.forward.scene if self._state.view.diagnostics == "forward" else None

    def _choose_view(self, key: str) -> None:
        self._state.update_view(diagnostics=key)

    def _show_view(self) -> None:
        key = self._state.view.diagnostics
        self.views.set_current(key)
        self.stack.setCurrentWidget(self._views[key])
        self.another.setVisible(key == "forward")
        self.examiner.set_active(self.isVisible() and key == "network")
        alone = self._state.view.maximised_lane
        elsewhere = key != "forward" or self._state.view.page != "diagnostics"
        if elsewhere and alone in FORWARD_KEYS:
            self._state.update_view(maximised_lane="")  # it is on no other page
        self._show()

    def _show(self) -> None:
        """Bring what is visible up to date."""
        if not self.isVisible():
            return
        key = self._state.view.diagnostics
        if key == "network":
            self._show_network()
        elif key == "schedule":
            self._show_schedule()
        else:
            self.forward.refresh()
            self.scene_changed.emit()
        self._show_status()
        self._show_time()

    def _show_network(self) -> None:
        pairs, loss, exact = (
            self.examiner.finding(kind) for kind in ("pairs", "loss", "exact_loss")
        )
        value = pairs.value if pairs is not None and isinstance(pairs.value, Pairs) else None
        count = MAX_DIMENSIONS if value is None else min(MAX_DIMENSIONS, value.eps.shape[1])
        for index, card in enumerate(self.pairs):
            message = self._message(pairs)
            if index < count:
                make = partial(charts.pair_chart, value, index, message)
                self._put(card, (value, message), make)
            card.setVisible(index < count)
        network = loss.value if loss is not None and isinstance(loss.value, LossCurve) else None
        best = exact.value if exact is not None and isinstance(exact.value, LossCurve) else None
        message = self._message(loss) or self._message(exact)
        self._put(
            self.loss,
            (network, best, message),
            partial(charts.loss_chart, network, best, message),
        )
        own, key = self._state.model.schedule, self.quantity.currentData()
        self.schedules.show_chart(charts.schedule_chart(own, key))
        self.network_grid.arrange()

    def _message(self, found: Finding | None) -> str:
        """What to say about a finding that is not complete."""
        engine = self._state.engine
        if found is not None and found.message:
            return found.message
        if found is not None and found.done:
            return ""
        if engine.status == "starting":
            return "The engine is starting…"
        if engine.status == "dead":
            return "The engine is not running."
        share = found.share if found is not None else 0.0
        return f"computing, {100 * share:.0f} %"

    def _show_schedule(self) -> None:
        model = self._state.model
        key = (model.schedule, model.dataset, model.mean, model.std)
        if self._built.get("start", (None,))[0] != key:
            data = data_points(model.dataset, model.mean, model.std)
            made = charts.start_charts(model.schedule, data)
            self._built["start"] = (key, made[0])
            for card, chart in zip((self.left, self.start, self.difference), made, strict=True):
                card.show_chart(chart)

    def _put(self, card: ChartCard, source: object, make: Callable[[], Chart]) -> None:
        """Show a chart made anew only if what it is made from is other than before."""
        before = self._built.get(card.key)
        if before is not None and _same(before[0], source):
            return
        chart = make()
        self._built[card.key] = (source, chart)
        card.show_chart(chart)

    def _show_status(self) -> None:
        if not self.isVisible():
            return
        view, training = self._state.view.diagnostics, self._state.training
        text = ""
        if view == "network":
            subject = self.examiner.subject
            text = "the model of the lanes"
            if subject.live:
                text = f"network in training{names.DOT}step {names.grouped(training.step)}"
            if self.examiner.busy:
                text += f"{names.DOT}computing, {100 * self.examiner.share:.0f} %"
        elif view == "forward":
            text = "Click a data point to follow copies of it"
        self.status.setText(text)

    def _show_time(self) -> None:
        if not self.isVisible():
            return
        t, timesteps = self._playback.t, max(self._playback.timesteps, 1)
        for card in self.cards:
            if card.isVisible():
                own = card.chart.timesteps or timesteps
                card.show_time(t if own == timesteps else round(t * own / timesteps))

    # Acting

    def _set_time(self, card: ChartCard, t: int) -> None:
        own = card.chart.timesteps or self._playback.timesteps
        self._playback.pause()
        self._playback.set_t(round(t * self._playback.timesteps / own))

    def reset_view(self) -> None:
        """Show all of every plot again."""
        self.windows.reset_all()

    def _ask_where_to_save(self, card: ChartCard, kind: str, colours: str) -> None:
        name = f"{self._state.model.dataset}-{card.key}.{kind}"
        chosen, _ = QFileDialog.getSaveFileName(
            self, f"Export '{card.chart.title}'", str(Path(self._folder) / name), FILTERS[kind]
        )
        if not chosen:
            return
        path = Path(chosen)
        if path.suffix.lower() != f".{kind}":
            path = path.with_name(f"{path.name}.{kind}")
        self.save(card, path, cast(Format, kind), colours)

    def save(self, card: ChartCard, path: Path, kind: Format, colours: str = "") -> None:
        """Write the card's chart to ``path``, in the window's colours unless told otherwise."""
        look = colours or ("dark" if theme.current().dark else "light")
        try:
            save_chart(card.chart, card.t, path, kind, cast(ThemeName, look), card.window_shown)
        except ValueError as error:
            self._state.post(str(error), error=True)
            return
        self._folder = str(path.parent)
        self._state.post(f"Saved {path.name}.")

    # Qt

    def showEvent(self, event: QShowEvent) -> None:
        """Begin to look."""
        super().showEvent(event)
        self._show_view()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop looking; what was found stays."""
        super().hideEvent(event)
        self.examiner.set_active(False)


def _same(first: object, second: object) -> bool:
    """Whether two tuples hold the same objects; arrays must not be compared by value."""
    return (
        isinstance(first, tuple)
        and isinstance(second, tuple)
        and len(first) == len(second)
        and all(
            a is b or (isinstance(a, str) and a == b) for a, b in zip(first, second, strict=True)
        )
    )
