"""The diagnostics: what the network predicts, what the schedule does, the forward process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

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

from engine.shared.values import same
from toydiff_gui.diagnostics import charts, schedules
from toydiff_gui.diagnostics.card import ChartCard
from toydiff_gui.diagnostics.card_grid import CardGrid
from toydiff_gui.diagnostics.chart import Chart
from toydiff_gui.diagnostics.contract import Found, Makes, ModeDiagnostics
from toydiff_gui.diagnostics.findings import Finding, LossCurve
from toydiff_gui.diagnostics.noise_requests import NoiseRequests
from toydiff_gui.diagnostics.saving import Format, ThemeName, save_chart
from toydiff_gui.diagnostics.status import StatusText
from toydiff_gui.diagnostics.windows import Windows
from toydiff_gui.engine_client.client import Client
from toydiff_gui.export.picture_contract import Picture
from toydiff_gui.state import wording
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING
from toydiff_gui.state.view import LOOK, VIEW
from toydiff_gui.style import theme
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import Segment, SegmentedControl

BAR = 34
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

    ``makes`` has for each kind of state what makes its diagnostics (``ModeDiagnostics``).

    Signals:
        scene_changed: the scene of the forward process came, went or is another one.
    """

    scene_changed = Signal()

    def __init__(
        self,
        state: Store,
        playback: Playback,
        client: Client,
        makes: Mapping[str, Makes],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._playback = state, playback
        self.setProperty("surface", "window")
        self.setAccessibleName("Diagnostics")
        self._modes = {kind: make(state, client, self) for kind, make in makes.items()}
        self.noise_requests = NoiseRequests(state, client, self._modes, self)
        self.windows = Windows(self)
        self._folder = QStandardPaths.writableLocation(
            QStandardPaths.StandardLocation.PicturesLocation
        )
        self._built: dict[str, tuple[object, Chart]] = {}
        self._build()
        self._connect()
        self._show_view()

    # Building

    def _build(self) -> None:
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
        modes = self._modes.values()
        self._own = {
            key: ChartCard(key, self.windows)
            for mode in modes
            for key in (*mode.before_loss, *mode.after_loss, *mode.forward_plots)
        }
        before = dict.fromkeys(key for mode in modes for key in mode.before_loss)
        after = dict.fromkeys(key for mode in modes for key in mode.after_loss)
        self._about_network = (*before, *after)
        self.network_grid = CardGrid(
            [
                *(self._own[key] for key in before),
                self.loss,
                *(self._own[key] for key in after),
                self.schedules,
            ]
        )
        self.schedule_grid = CardGrid([self.left, self.start, self.difference])
        self._forward = {
            kind: mode.forward_widget or self._grid_of(mode) for kind, mode in self._modes.items()
        }
        self.stack = QStackedWidget()
        for widget in (self.network_grid, self.schedule_grid, *self._forward.values()):
            self.stack.addWidget(widget)
        self.views = SegmentedControl("Diagnostics", VIEWS)
        self.views.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.status = StatusText()
        self.another = QPushButton()
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

    def _grid_of(self, mode: ModeDiagnostics) -> CardGrid:
        return CardGrid([self._own[key] for key in mode.forward_plots], columns=1)

    @property
    def cards(self) -> list[ChartCard]:
        """All cards with a chart."""
        forward = (page for page in self._forward.values() if isinstance(page, CardGrid))
        grids = (self.network_grid, self.schedule_grid, *forward)
        return [card for grid in grids for card in grid.cards]

    def card(self, key: str) -> ChartCard:
        """The card of a mode's own plot; raises ``KeyError``."""
        return self._own[key]

    def mode(self, kind: str) -> ModeDiagnostics:
        """The diagnostics of a kind of state; raises ``KeyError``."""
        return self._modes[kind]

    def forward_of(self, kind: str) -> QWidget:
        """Where the forward process of a kind of state is; raises ``KeyError``."""
        return self._forward[kind]

    @property
    def _mode(self) -> ModeDiagnostics:
        """Of the model on show."""
        return self._modes[self._state.get(MODEL).kind]

    def _connect(self) -> None:
        state = self._state
        for card in self.cards:
            card.time_asked.connect(partial(self._set_time, card))
            card.save_asked.connect(partial(self._ask_where_to_save, card))
        self.views.chosen.connect(self._choose_view)
        self.another.clicked.connect(self._choose_another)
        self.quantity.currentIndexChanged.connect(self._show)
        self.noise_requests.changed.connect(self._show)
        for mode in self._modes.values():
            mode.changed.connect(self._show)
            mode.data_found.connect(self._show)
            self._playback.t_changed.connect(mode.set_t)
        state.changed(MODEL).connect(self._show_view)
        state.changed(ENGINE).connect(self._show)
        state.changed(TRAINING).connect(self._show_status)
        state.changed(VIEW).connect(self._show_view)
        state.changed(LOOK).connect(self._show_view)
        self._playback.t_changed.connect(self._show_time)
        self._playback.changed.connect(self._show_time)

    # Showing

    @property
    def current_scene(self) -> Any | None:
        """The scene to export, where there is one: that of the forward process."""
        return self._mode.scene() if self._state.get(VIEW).diagnostics == "forward" else None

    @property
    def current_picture(self) -> Picture:
        """That scene as it is drawn in an export; raises ``ValueError`` where there is none."""
        if self.current_scene is None:
            raise ValueError("no scene is shown that could be exported")
        return self._mode.picture()

    def _choose_view(self, key: str) -> None:
        self._state.update(VIEW, diagnostics=key)

    def _show_view(self) -> None:
        key = self._state.get(VIEW).diagnostics
        self.views.set_current(key)
        kind = self._state.get(MODEL).kind
        pages = {"network": self.network_grid, "schedule": self.schedule_grid}
        self.stack.setCurrentWidget(pages.get(key, self._forward[kind]))
        self.noise_requests.set_active(self.isVisible() and key == "network")
        alone = self._state.get(LOOK).maximised_lane
        elsewhere = key != "forward" or self._state.get(VIEW).page != "diagnostics"
        if elsewhere and any(alone in mode.lane_keys for mode in self._modes.values()):
            self._state.update(LOOK, maximised_lane="")  # it is on no other page
        self._show()

    def _show(self) -> None:
        """Bring what is visible up to date."""
        if not self.isVisible():
            return
        key = self._state.get(VIEW).diagnostics
        if key == "network":
            self._show_network()
        elif key == "schedule":
            self._show_schedule()
        else:
            mode = self._mode
            for own, chart in zip(mode.forward_plots, mode.show_forward(), strict=True):
                self._own[own].show_chart(chart)
            if isinstance(grid := self.stack.currentWidget(), CardGrid):
                grid.arrange()
            self.scene_changed.emit()
        self._show_another()
        self._show_status()
        self._show_time()

    def _show_another(self) -> None:
        another = self._mode.another()
        self.another.setVisible(
            another is not None and self._state.get(VIEW).diagnostics == "forward"
        )
        if another is not None:
            self.another.setEnabled(another.enabled)
            self.another.setText(another.text)
            self.another.setToolTip(another.tip)

    def _show_network(self) -> None:
        mode = self._modes[self.noise_requests.subject.kind]
        plots = mode.network_plots(Found(self.noise_requests.finding, self._message))
        for key in self._about_network:
            if (plot := plots.get(key)) is not None:
                self._put(self._own[key], plot.source, plot.make)
            self._own[key].setVisible(plot is not None)
        loss, exact = (self.noise_requests.finding(kind) for kind in ("loss", "exact_loss"))
        network = loss.value if loss is not None and isinstance(loss.value, LossCurve) else None
        best = exact.value if exact is not None and isinstance(exact.value, LossCurve) else None
        message = self._message(loss) or self._message(exact)
        make = partial(mode.loss_chart, network, best, message)
        self._put(self.loss, (network, best, message), make)
        own, key = self._state.get(MODEL).schedule, self.quantity.currentData()
        self.schedules.show_chart(charts.schedule_chart(own, key))
        self.network_grid.arrange()

    def _message(self, found: Finding | None) -> str:
        """What to say about a finding that is not complete."""
        engine = self._state.get(ENGINE)
        if found is not None and found.message:
            return self._modes[found.subject.kind].missing(found.subject) or found.message
        if found is not None and found.done:
            return ""
        if engine.status == "starting":
            return "The engine is starting…"
        if engine.status == "dead":
            return "The engine is not running."
        share = found.share if found is not None else 0.0
        return f"computing, {100 * share:.0f} %"

    def _show_schedule(self) -> None:
        model = self._state.get(MODEL)
        cards = (self.left, self.start, self.difference)
        mode = self._mode
        mode.ask_for_data()
        data = mode.data()
        if data is None:
            self._built.pop("start", None)
            message = mode.no_data()
            for card, title in zip(cards, charts.START_TITLES, strict=True):
                card.show_chart(Chart(card.key, title, message=message))
            return
        key = (model.schedule, model.dataset, model.mean, model.std, data)
        if not same(self._built.get("start", (None,))[0], key):
            made = charts.start_charts(model.schedule, mode.directions(data))
            self._built["start"] = (key, made[0])
            for card, chart in zip(cards, made, strict=True):
                card.show_chart(chart)

    def _put(self, card: ChartCard, source: object, make: Callable[[], Chart]) -> None:
        """Show a chart made anew only if what it is made from is other than before."""
        before = self._built.get(card.key)
        if before is not None and same(before[0], source):
            return
        chart = make()
        self._built[card.key] = (source, chart)
        card.show_chart(chart)

    def _show_status(self) -> None:
        if not self.isVisible():
            return
        view, training = self._state.get(VIEW).diagnostics, self._state.get(TRAINING)
        text = ""
        if view == "network":
            subject = self.noise_requests.subject
            text = "the model of the lanes"
            if subject.live:
                text = f"network in training{wording.DOT}step {grouped(training.step)}"
            if self.noise_requests.busy:
                text += f"{wording.DOT}computing, {100 * self.noise_requests.share:.0f} %"
        elif view == "forward":
            text = self._mode.hint
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

    def _choose_another(self) -> None:
        self._mode.choose_another()
        self._show()

    def _set_time(self, card: ChartCard, t: int) -> None:
        own = card.chart.timesteps or self._playback.timesteps
        self._playback.pause()
        self._playback.set_t(round(t * self._playback.timesteps / own))

    def reset_view(self) -> None:
        """Show all of every plot again."""
        self.windows.reset_all()
        for mode in self._modes.values():
            mode.reset_view()

    def _ask_where_to_save(self, card: ChartCard, kind: str, colours: str) -> None:
        name = f"{self._state.get(MODEL).dataset}-{card.key}.{kind}"
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
        self.noise_requests.set_active(False)
