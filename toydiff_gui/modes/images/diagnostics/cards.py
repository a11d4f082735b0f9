"""The diagnostics of images: all pixels together, where they are wrong, and one image as a film."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from engine.shared.config import TrainingConfig
from engine.shared.messages import DiagnosisKind
from toydiff_gui.diagnostics import signal_left
from toydiff_gui.diagnostics.chart import Chart
from toydiff_gui.diagnostics.contract import Another, Effort, Found, ModeDiagnostics, Plot
from toydiff_gui.diagnostics.findings import ErrorMaps, LossCurve, PairDensity, Subject
from toydiff_gui.engine_client.client import Client
from toydiff_gui.modes.images.diagnostics.charts import (
    density_chart,
    error_chart,
    image_loss_chart,
)
from toydiff_gui.modes.images.diagnostics.forward import TITLES, ImageForward
from toydiff_gui.modes.images.diagnostics.source import ImageSource
from toydiff_gui.modes.images.image_sets import absent_text, data_root, root_of
from toydiff_gui.modes.images.settings import IMAGE_DATA, IMAGE_SAMPLING
from toydiff_gui.state.model import MODEL, ModelInfo
from toydiff_gui.state.store import Store

DENSITY_REACH = 4.0
"""As in ``engine.analysis.noise_errors``, which needs torch."""
EFFORTS: Mapping[DiagnosisKind, Effort] = {
    "density": Effort(192),
    "loss": Effort(32, 24),
    "exact_loss": Effort(32, 24),
    "error_map": Effort(32, 6),
}
"""A network for images takes milliseconds for one, and each has many numbers."""
USUAL_SIZE, MOST_TIMES = 784, 4
"""Of smaller images than of so many numbers more are drawn, at most so many times as many."""


class ImageDiagnostics(ModeDiagnostics):
    """See ``ModeDiagnostics``."""

    before_loss = ("density",)
    after_loss = ("error-maps",)
    forward_plots = tuple(key for key, _ in TITLES)
    hint = ""

    def __init__(self, store: Store, client: Client, parent: QObject | None = None) -> None:
        super().__init__(store, client, parent)
        self.source = ImageSource(store, client, self)
        self.forward = ImageForward(store, self.source, self)
        self._places = _known_places(store)
        self.source.changed.connect(self.changed)
        store.changed(IMAGE_SAMPLING).connect(self.changed)
        store.changed(IMAGE_DATA).connect(self._on_data)

    def _on_data(self) -> None:
        places = _known_places(self.store)
        if places != self._places:
            self._places = places
            self.source.forget_failure()
            self.data_found.emit()

    # The network

    def efforts(self, shape: tuple[int, ...]) -> Mapping[DiagnosisKind, Effort]:
        """See ``ModeDiagnostics.efforts``."""
        times = min(max(USUAL_SIZE / max(math.prod(shape), 1), 1.0), MOST_TIMES)
        return {
            kind: replace(effort, count=round(effort.count * times))
            for kind, effort in EFFORTS.items()
        }

    def data_root(self, config: TrainingConfig) -> str:
        """See ``ModeDiagnostics.data_root``."""
        return data_root(self.store, config)

    def root_of(self, model: ModelInfo) -> str:
        """See ``ModeDiagnostics.root_of``."""
        return root_of(self.store, model)

    def missing(self, subject: Subject) -> str:
        """See ``ModeDiagnostics.missing``."""
        return "" if subject.live else absent_text(self.store, self.store.get(MODEL).dataset)

    def network_plots(self, found: Found) -> Mapping[str, Plot]:
        """All pixels' noise as a density, and the errors as maps."""
        density, errors = found.finding("density"), found.finding("error_map")
        pairs = density.value if density is not None else None
        known = errors.value if errors is not None else None
        pairs = pairs if isinstance(pairs, PairDensity) else None
        maps = known if isinstance(known, ErrorMaps) else None
        message, of_maps = found.message(density), found.message(errors)
        return {
            "density": Plot(
                (pairs, message), partial(density_chart, pairs, DENSITY_REACH, message)
            ),
            "error-maps": Plot((maps, of_maps), partial(error_chart, maps, of_maps)),
        }

    def loss_chart(self, network: LossCurve | None, exact: LossCurve | None, message: str) -> Chart:
        """See ``ModeDiagnostics.loss_chart``."""
        return image_loss_chart(network, exact, message)

    # Signal at T

    def ask_for_data(self) -> None:
        """See ``ModeDiagnostics.ask_for_data``."""
        self.source.ask()

    def data(self) -> NDArray[np.float32] | None:
        """See ``ModeDiagnostics.data``."""
        return self.source.images

    def no_data(self) -> str:
        """See ``ModeDiagnostics.no_data``."""
        return self.source.message or "Reading some images of the data…"

    def directions(self, data: NDArray[np.floating]) -> list[signal_left.Direction]:
        """The brightness, since single pixels say little, and the widest direction."""
        flat = signal_left.flattened(data)
        brightness = flat.sum(axis=1) / np.sqrt(flat.shape[1])
        return [signal_left.Direction("the brightness", brightness), signal_left.widest(flat)]

    # The forward process

    def show_forward(self) -> Sequence[Chart]:
        """See ``ModeDiagnostics.show_forward``."""
        self.source.ask()
        return self.forward.charts(self.no_data())

    def another(self) -> Another:
        """See ``ModeDiagnostics.another``."""
        there = self.source.images is not None
        tip = "Noise another image of the data" if there else self.no_data()
        return Another("Another image", tip, enabled=there)

    def choose_another(self) -> None:
        """See ``ModeDiagnostics.choose_another``."""
        self.forward.choose_another()


def _known_places(store: Store) -> tuple[dict[str, str], tuple[str, ...]]:
    """Where images are, and where else they are looked for."""
    data = store.get(IMAGE_DATA)
    return dict(data.places), data.roots
