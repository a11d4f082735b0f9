"""The endpoints A and B as something to take hold of."""

from __future__ import annotations

from PySide6.QtCore import QObject

from toydiff_gui.drawing.discs import LETTERS
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.points.canvas.drag_handle import DragHandle, Place
from toydiff_gui.modes.points.canvas.plot import PlotView
from toydiff_gui.modes.points.drawing.marks import HANDLE_RADIUS
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state.store import Store


class EndpointHandle(DragHandle):
    """Moves one endpoint (0 is A, 1 is B) of the path in ``state``."""

    def __init__(self, end: int, state: Store, plot: PlotView) -> None:
        letter = LETTERS[end]
        super().__init__(HANDLE_RADIUS, f"endpoint_{letter.lower()}", state, plot)
        self._end = end
        self.setObjectName(f"endpoint-{letter.lower()}")
        self.setAccessibleName(f"Endpoint {letter}")
        self.setToolTip(
            f"Endpoint {letter} of the path between two latents. Drag it, or use the arrow keys "
            "(0.01, with Shift 0.1). Shift while dragging keeps it on a line."
        )

    def place_now(self) -> Place:
        """Where the state has it."""
        return self._state.get(SAMPLING).a if self._end == 0 else self._state.get(SAMPLING).b

    def write(self, place: Place) -> None:
        """Put it there in the state."""
        self._state.update(SAMPLING, **{"ab"[self._end]: place})


class Handles(QObject):
    """Both endpoints of a latent lane, and what a click between them does."""

    def __init__(self, state: Store, plot: PlotView) -> None:
        super().__init__(plot)
        self._state = state
        self._plot = plot
        self._before_click: tuple[Place, Place] | None = None
        self.handles = (EndpointHandle(0, state, plot), EndpointHandle(1, state, plot))
        self._endpoints: tuple[Place, Place] | None = None

    def show_endpoints(self, endpoints: tuple[Place, Place] | None) -> None:
        """The endpoints of the lane as it is drawn."""
        self._endpoints = endpoints
        for end, handle in enumerate(self.handles):
            handle.show_place(None if endpoints is None else endpoints[end])

    def set_style(self, style: LaneStyle) -> None:
        """Paint in another style."""
        for handle in self.handles:
            handle.set_style(style)

    def place_nearer(self, x: float, y: float) -> None:
        """Put the endpoint that is nearer to (x, y) there."""
        if self._endpoints is None:
            return
        sampling = self._state.get(SAMPLING)
        self._before_click = (sampling.a, sampling.b)
        distances = [(x - end[0]) ** 2 + (y - end[1]) ** 2 for end in self._before_click]
        self.handles[0 if distances[0] <= distances[1] else 1].move_to(x, y)

    def take_back_click(self) -> None:
        """Undo the click that turned out to be half of a double click."""
        if self._endpoints is not None and self._before_click is not None:
            a, b = self._before_click
            self._before_click = None
            self._state.update(SAMPLING, a=a, b=b)
