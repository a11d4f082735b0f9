"""The forward process of one image of the data, as charts, while it is looked at."""

from __future__ import annotations

from PySide6.QtCore import QObject

from toydiff_gui.diagnostics.chart import Chart
from toydiff_gui.modes.images.diagnostics.charts import forward_charts
from toydiff_gui.modes.images.diagnostics.source import ImageSource
from toydiff_gui.modes.images.kind import transform_of
from toydiff_gui.modes.images.settings import IMAGE_SAMPLING
from toydiff_gui.state import wording
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store

TITLES = (("forward-films", "Forward process of an image"), ("forward-deviation", "Its pixels"))


class ImageForward(QObject):
    """Chooses an image of the data and noises it; nothing is computed again that is known."""

    def __init__(self, state: Store, source: ImageSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._source = state, source
        self._index = 0
        self._made: tuple[object, ...] = ()
        self._charts: tuple[Chart, Chart] | None = None

    def charts(self, message: str) -> tuple[Chart, ...]:
        """The films and the deviation; empty ones with ``message`` while there are no images."""
        images = self._source.images
        if images is None:
            self._made, self._charts = (), None
            return tuple(Chart(key, title, message=message) for key, title in TITLES)
        model, seed = self._state.get(MODEL), self._state.get(IMAGE_SAMPLING).seed
        index = self._index % len(images)
        # The array itself, not its number: another one may get that later.
        made = (model.schedule, model.mean, model.std, seed, index)
        known = self._made and self._made[0] is images and self._made[1:] == made
        if not known or self._charts is None:
            self._made = (images, *made)
            name = f"image {index + 1} of {len(images)} from the data{wording.DOT}seed {seed}"
            self._charts = forward_charts(
                images[index], name, model.schedule, transform_of(model), seed
            )
        return self._charts

    def choose_another(self) -> None:
        """Take the next image."""
        self._index += 1
