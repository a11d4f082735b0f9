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

from engine.values import same
from toydiff_gui import names, theme
from toydiff_gui.composer import data_points
from toydiff_gui.controls import Segment, SegmentedControl
from toydiff_gui.diagnostics import charts, schedules
from toydiff_gui.diagnostics.card import ChartCard
from toydiff_gui.diagnostics.card_grid import CardGrid
from toydiff_gui.diagnostics.chart import Chart
from toydiff_gui.diagnostics.findings import (
    ErrorMaps,
    Finding,
    LossCurve,
    PairDensity,
    Pairs,
)
from toydiff_gui.diagnostics.noise_requests import NoiseRequests
from toydiff_gui.diagnostics.saving import Format, ThemeName, save_chart
from toydiff_gui.diagnostics.status import StatusText
from toydiff_gui.diagnostics.windows import Windows
from toydiff_gui.engine_client.client import Client
from toydiff_gui.export.picture_contract import Picture
from toydiff_gui.modes.images.diagnostics import charts as image_charts
from toydiff_gui.modes.images.diagnostics.forward import ImageForward
from toydiff_gui.modes.images.diagnostics.source import ImageSource
from toydiff_gui.modes.images.image_sets import absent_text
from toydiff_gui.modes.images.settings import IMAGE_DATA, IMAGE_SAMPLING
from toydiff_gui.modes.points.diagnostics.forward import CLOSED_KEY, POINT_KEY, STEPS_KEY
from toydiff_gui.modes.points.diagnostics.forward_view import ForwardView
from toydiff_gui.modes.points.picture import PointsPicture
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.playback import Playback
from toydiff_gui.scene import Scene
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING
from toydiff_gui.state.view import VIEW

DENSITY_REACH = 4.0
"""As in ``engine.diagnostics``, which needs torch."""
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
        state: Store,
        playback: Playback,
        client: Client,
        lanes: QWidget,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._playback = state, playback
        self.setProperty("surface", "window")
        self.setAccessibleName("Diagnostics")
        self.noise_requests = NoiseRequests(state, client, self)
        self.windows = Windows(self)
        self.forward = ForwardView(state, lanes, self)
        self.source = ImageSource(state, client, self)
        self.image_forward = ImageForward(state, self.source, self)
        self._folder = QStandardPaths.writableLocation(
            QStandardPaths.StandardLocation.PicturesLocation
        )
        self._built: dict[str, tuple[object, Chart]] = {}
        self._places: tuple[object, ...] = ()
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
        self.density = ChartCard("density", self.windows)
        self.errors = ChartCard("error-maps", self.windows)
        self.films = ChartCard("forward-films", self.windows)
        self.deviation = ChartCard("forward-deviation", self.windows)
        self.network_grid = CardGrid(
            [*self.pairs, self.density, self.loss, self.errors, self.schedules]
        )
        self.schedule_grid = CardGrid([self.left, self.start, self.difference])
        self.forward_grid = CardGrid([self.films, self.deviation], columns=1)
        self.stack = QStackedWidget()
        self._views = {
            "network": self.network_grid,
            "schedule": self.schedule_grid,
            "forward": lanes,
            "image forward": self.forward_grid,
        }
        for widget in self._views.values():
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

    @property
    def cards(self) -> list[ChartCard]:
        """All cards with a chart."""
        grids = (self.network_grid, self.schedule_grid, self.forward_grid)
        return [card for grid in grids for card in grid.cards]

    @property
    def _images(self) -> bool:
        """Whether the model on show makes images."""
        return self._state.get(MODEL).images

    def _connect(self) -> None:
        state = self._state
        for card in self.cards:
            card.time_asked.connect(partial(self._set_time, card))
            card.save_asked.connect(partial(self._ask_where_to_save, card))
        self.views.chosen.connect(self._choose_view)
        self.another.clicked.connect(self._choose_another)
        self.quantity.currentIndexChanged.connect(self._show)
        self.noise_requests.changed.connect(self._show)
        self.source.changed.connect(self._show)
        state.changed(MODEL).connect(self._show_view)
        state.changed(SAMPLING).connect(self._show)
        state.changed(IMAGE_SAMPLING).connect(self._show)
        state.changed(IMAGE_DATA).connect(self._on_data)
        state.changed(ENGINE).connect(self._show)
        state.changed(TRAINING).connect(self._show_status)
        state.changed(VIEW).connect(self._show_view)
        self._playback.t_changed.connect(self._show_time)
        self._playback.changed.connect(self._show_time)

    # Showing

    @property
    def current_scene(self) -> Scene | None:
        """The scene to export, where there is one: that of the forward process."""
        shown = self._state.get(VIEW).diagnostics == "forward" and not self._images
        return self.forward.scene if shown else None

    @property
    def current_picture(self) -> Picture:
        """That scene as it is drawn in an export; raises ``ValueError`` where there is none."""
        scene = self.current_scene
        if scene is None:
            raise ValueError("no scene is shown that could be exported")
        return PointsPicture(scene)

    def _choose_view(self, key: str) -> None:
        self._state.update(VIEW, diagnostics=key)

    def _show_view(self) -> None:
        key = self._state.get(VIEW).diagnostics
        self.views.set_current(key)
        images = key == "forward" and self._images
        self.stack.setCurrentWidget(self._views["image forward" if images else key])
        self.another.setVisible(key == "forward")
        self.noise_requests.set_active(self.isVisible() and key == "network")
        alone = self._state.get(VIEW).maximised_lane
        elsewhere = key != "forward" or self._state.get(VIEW).page != "diagnostics"
        if elsewhere and alone in FORWARD_KEYS:
            self._state.update(VIEW, maximised_lane="")  # it is on no other page
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
        elif self._images:
            self.source.ask()
            charts_made = self.image_forward.charts(self._source_message())
            for card, chart in zip((self.films, self.deviation), charts_made, strict=True):
                card.show_chart(chart)
            self.forward_grid.arrange()
            self.scene_changed.emit()
        else:
            self.forward.refresh()
            self.scene_changed.emit()
        self._show_another()
        self._show_status()
        self._show_time()

    def _show_another(self) -> None:
        there = not self._images or self.source.images is not None
        self.another.setEnabled(there)
        self.another.setText("Another image" if self._images else "Another point")
        self.another.setToolTip(
            self._source_message()
            if not there
            else "Noise another image of the data"
            if self._images
            else "Copy another data point in the last lane. A click on one in a lane chooses it."
        )

    def _show_network(self) -> None:
        images = self.noise_requests.subject.images
        self.density.setVisible(images)
        self.errors.setVisible(images)
        if images:
            for card in self.pairs:
                card.setVisible(False)
            self._show_densities()
        else:
            self._show_pairs()
        loss, exact = (self.noise_requests.finding(kind) for kind in ("loss", "exact_loss"))
        network = loss.value if loss is not None and isinstance(loss.value, LossCurve) else None
        best = exact.value if exact is not None and isinstance(exact.value, LossCurve) else None
        message = self._message(loss) or self._message(exact)
        make = charts.image_loss_chart if images else charts.loss_chart
        self._put(self.loss, (network, best, message), partial(make, network, best, message))
        own, key = self._state.get(MODEL).schedule, self.quantity.currentData()
        self.schedules.show_chart(charts.schedule_chart(own, key))
        self.network_grid.arrange()

    def _show_pairs(self) -> None:
        pairs = self.noise_requests.finding("pairs")
        value = pairs.value if pairs is not None and isinstance(pairs.value, Pairs) else None
        count = MAX_DIMENSIONS if value is None else min(MAX_DIMENSIONS, value.eps.shape[1])
        for index, card in enumerate(self.pairs):
            message = self._message(pairs)
            if index < count:
                make = partial(charts.pair_chart, value, index, message)
                self._put(card, (value, message), make)
            card.setVisible(index < count)

    def _show_densities(self) -> None:
        density, errors = (self.noise_requests.finding(kind) for kind in ("density", "error_map"))
        pairs = density.value if density is not None else None
        maps = errors.value if errors is not None else None
        found = pairs if isinstance(pairs, PairDensity) else None
        message = self._message(density)
        make = partial(image_charts.density_chart, found, DENSITY_REACH, message)
        self._put(self.density, (found, message), make)
        known = maps if isinstance(maps, ErrorMaps) else None
        message = self._message(errors)
        self._put(self.errors, (known, message), partial(image_charts.error_chart, known, message))

    def _message(self, found: Finding | None) -> str:
        """What to say about a finding that is not complete."""
        engine = self._state.get(ENGINE)
        if found is not None and found.message:
            subject = found.subject
            trained = subject.images and not subject.live
            absent = absent_text(self._state, self._state.get(MODEL).dataset) if trained else ""
            return absent or found.message
        if found is not None and found.done:
            return ""
        if engine.status == "starting":
            return "The engine is starting…"
        if engine.status == "dead":
            return "The engine is not running."
        share = found.share if found is not None else 0.0
        return f"computing, {100 * share:.0f} %"

    def _source_message(self) -> str:
        """What to say while there are no images of the data."""
        return self.source.message or "Reading some images of the data…"

    def _show_schedule(self) -> None:
        model = self._state.get(MODEL)
        cards = (self.left, self.start, self.difference)
        if self._images:
            self.source.ask()
        data = self.source.images if self._images else None
        if self._images and data is None:
            self._built.pop("start", None)
            message = self._source_message()
            for card, title in zip(cards, charts.START_TITLES, strict=True):
                card.show_chart(Chart(card.key, title, message=message))
            return
        key = (model.schedule, model.dataset, model.mean, model.std, data)
        if not same(self._built.get("start", (None,))[0], key):
            if data is None:
                data = data_points(model.dataset, model.mean, model.std)
            made = charts.start_charts(model.schedule, data)
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
                text = f"network in training{names.DOT}step {names.grouped(training.step)}"
            if self.noise_requests.busy:
                text += f"{names.DOT}computing, {100 * self.noise_requests.share:.0f} %"
        elif view == "forward":
            text = "" if self._images else "Click a data point to follow copies of it"
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
        if self._images:
            self.image_forward.choose_another()
            self._show()
        else:
            self.forward.choose_another()
            self.scene_changed.emit()

    def _on_data(self) -> None:
        """Images that were not there may be there now."""
        data = self._state.get(IMAGE_DATA)
        places = (dict(data.places), data.roots)
        if places != self._places:
            self._places = places
            self.source.forget_failure()
            self._show()

    def _set_time(self, card: ChartCard, t: int) -> None:
        own = card.chart.timesteps or self._playback.timesteps
        self._playback.pause()
        self._playback.set_t(round(t * self._playback.timesteps / own))

    def reset_view(self) -> None:
        """Show all of every plot again."""
        self.windows.reset_all()

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
