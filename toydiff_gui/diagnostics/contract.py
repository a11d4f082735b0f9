"""What a mode gives the diagnostics page: what is asked of the engine, and what is to be seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from engine.shared.config import TrainingConfig
from engine.shared.messages import DiagnosisKind
from toydiff_gui.diagnostics import charts, signal_left
from toydiff_gui.diagnostics.chart import Chart
from toydiff_gui.diagnostics.findings import Finding, LossCurve, Subject
from toydiff_gui.engine_client.client import Client
from toydiff_gui.export.picture_contract import Picture
from toydiff_gui.state.model import ModelInfo
from toydiff_gui.state.store import Store


@dataclass(frozen=True)
class Effort:
    """How many draws, and at how many times."""

    count: int
    times: int = 80


LOSSES: Mapping[DiagnosisKind, Effort] = {"loss": Effort(2000), "exact_loss": Effort(2000)}


@dataclass(frozen=True)
class Plot:
    """A chart to be made, and what it is made from: it is made anew only if that is another."""

    source: object
    make: Callable[[], Chart]


@dataclass(frozen=True)
class Found:
    """What is known of the network: ``finding`` by kind, and what to say where it is not all."""

    finding: Callable[[DiagnosisKind], Finding | None]
    message: Callable[[Finding | None], str]


@dataclass(frozen=True)
class Another:
    """The button that shows the forward process of something else."""

    text: str
    tip: str
    enabled: bool = True


class ModeDiagnostics(QObject):
    """The diagnostics of one kind of state. Nothing is asked or computed before it is called for.

    A mode that overrides nothing has the losses of its network and the noise schedules.

    ``before_loss`` and ``after_loss`` are the keys of its plots about the network, besides the
    loss. The forward process is a widget of its own (``forward_widget``), or plots with the keys
    ``forward_plots``. No two modes have a key in common. ``lane_keys``: those of the lanes in that
    widget. ``hint`` is said beside the forward process.

    Signals:
        changed: something else is to be seen, such as data that have arrived.
        data_found: data may be there now that were not there before.
    """

    changed = Signal()
    data_found = Signal()

    before_loss: tuple[str, ...] = ()
    after_loss: tuple[str, ...] = ()
    forward_plots: tuple[str, ...] = ()
    lane_keys: tuple[str, ...] = ()
    hint = "Nothing is shown of the forward process here"

    def __init__(self, store: Store, client: Client, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store, self.client = store, client
        self.forward_widget: QWidget | None = None

    # The network

    def efforts(self, shape: tuple[int, ...]) -> Mapping[DiagnosisKind, Effort]:
        """What there is to find out about a network, and how; ``shape`` is that of a state."""
        return LOSSES

    def data_root(self, config: TrainingConfig) -> str:
        """Where the engine is to look first for what is trained with; '' for the usual places."""
        return ""

    def root_of(self, model: ModelInfo) -> str:
        """The same for the data of a model."""
        return ""

    def missing(self, subject: Subject) -> str:
        """Why data that ``subject`` needs are not here, if that is known; else empty."""
        return ""

    def network_plots(self, found: Found) -> Mapping[str, Plot]:
        """The plots about the network besides the loss, by their keys; others are not shown."""
        return {}

    def loss_chart(self, network: LossCurve | None, exact: LossCurve | None, message: str) -> Chart:
        """The loss at each time, of the network and of the exact denoiser."""
        return charts.loss_chart(network, exact, message)

    # Signal at T

    def ask_for_data(self) -> None:
        """Ask for what ``data`` gives, if it is not here."""

    def data(self) -> NDArray[np.floating] | None:
        """The data (n, ...) of the model on show in its units; None while they are not here."""
        return None

    def no_data(self) -> str:
        """What to say while there are none."""
        return "The data are not shown."

    def directions(self, data: NDArray[np.floating]) -> Sequence[signal_left.Direction]:
        """Directions along which to look at the data."""
        return signal_left.directions(data)

    # The forward process

    def show_forward(self) -> Sequence[Chart]:
        """Bring ``forward_widget`` up to date, or give a chart for each of ``forward_plots``."""
        return ()

    def another(self) -> Another | None:
        """The button for another item of the data; None for no such button."""
        return None

    def choose_another(self) -> None:
        """Take another item; it is shown next."""

    def scene(self) -> Any | None:
        """The forward process to be exported, where it is no plot."""
        return None

    def picture(self) -> Picture:
        """That scene as it is drawn in an export; raises ``ValueError`` where there is none."""
        raise ValueError("no scene is shown that could be exported")

    def set_t(self, t: int) -> None:
        """Show ``forward_widget`` at ``t``."""

    def reset_view(self) -> None:
        """Show all of it again."""


Makes = Callable[[Store, Client, QObject], ModeDiagnostics]
"""What makes a mode's diagnostics, for the page that becomes their parent."""
