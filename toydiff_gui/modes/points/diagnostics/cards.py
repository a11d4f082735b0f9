"""The diagnostics of points: dots for the noise, and the forward process in lanes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from engine.shared.messages import DiagnosisKind
from toydiff_gui.diagnostics.contract import LOSSES, Another, Effort, Found, ModeDiagnostics, Plot
from toydiff_gui.diagnostics.findings import Pairs
from toydiff_gui.engine_client.client import Client
from toydiff_gui.modes.points.canvas.lane_grid import LaneGrid
from toydiff_gui.modes.points.compose import data_points
from toydiff_gui.modes.points.diagnostics.charts import pair_chart
from toydiff_gui.modes.points.diagnostics.forward import CLOSED_KEY, POINT_KEY, STEPS_KEY
from toydiff_gui.modes.points.diagnostics.forward_view import ForwardView
from toydiff_gui.modes.points.picture import PointsPicture
from toydiff_gui.modes.points.scene import Scene
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store

EFFORTS: Mapping[DiagnosisKind, Effort] = {"pairs": Effort(3200), **LOSSES}
MAX_DIMENSIONS = 2
"""Dimensions that have a card."""


class PointDiagnostics(ModeDiagnostics):
    """See ``ModeDiagnostics``."""

    before_loss = tuple(f"pairs-{index + 1}" for index in range(MAX_DIMENSIONS))
    lane_keys = (STEPS_KEY, CLOSED_KEY, POINT_KEY)
    hint = "Click a data point to follow copies of it"

    def __init__(self, store: Store, client: Client, parent: QObject | None = None) -> None:
        super().__init__(store, client, parent)
        # Its lanes are not among the state's: settings and overlays cannot belong to them.
        self.lanes = self.forward_widget = LaneGrid(store, selectable=False)
        self.lanes.setAccessibleName("Lanes of the forward process")
        self.forward = ForwardView(store, self.lanes, self)
        store.changed(SAMPLING).connect(self.changed)

    def efforts(self, shape: tuple[int, ...]) -> Mapping[DiagnosisKind, Effort]:
        """See ``ModeDiagnostics.efforts``."""
        return EFFORTS

    def network_plots(self, found: Found) -> Mapping[str, Plot]:
        """A plot of pairs for each dimension."""
        pairs = found.finding("pairs")
        value = pairs.value if pairs is not None and isinstance(pairs.value, Pairs) else None
        count = MAX_DIMENSIONS if value is None else min(MAX_DIMENSIONS, value.eps.shape[1])
        message = found.message(pairs)
        return {
            self.before_loss[index]: Plot(
                (value, message), partial(pair_chart, value, index, message)
            )
            for index in range(count)
        }

    def data(self) -> NDArray[np.floating]:
        """See ``ModeDiagnostics.data``; they are always here."""
        model = self.store.get(MODEL)
        return data_points(model.dataset, model.mean, model.std)

    def show_forward(self) -> tuple[()]:
        """See ``ModeDiagnostics.show_forward``."""
        self.forward.refresh()
        return ()

    def another(self) -> Another:
        """See ``ModeDiagnostics.another``."""
        tip = "Copy another data point in the last lane. A click on one in a lane chooses it."
        return Another("Another point", tip)

    def choose_another(self) -> None:
        """See ``ModeDiagnostics.choose_another``."""
        self.forward.choose_another()

    def scene(self) -> Scene:
        """See ``ModeDiagnostics.scene``."""
        return self.forward.scene

    def picture(self) -> PointsPicture:
        """See ``ModeDiagnostics.picture``."""
        return PointsPicture(self.scene())

    def set_t(self, t: int) -> None:
        """See ``ModeDiagnostics.set_t``."""
        self.lanes.set_t(t)

    def reset_view(self) -> None:
        """See ``ModeDiagnostics.reset_view``."""
        self.lanes.reset_view()
