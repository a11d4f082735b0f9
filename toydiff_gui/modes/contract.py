"""What a mode is, and what it gives the window.

A mode shows one kind of state. It is a folder here, and one line in ``app.installed_modes``; the
window knows what stands in this file, and no mode knows another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QLabel, QWidget

from engine.shared.config import TrainingConfig
from engine.shared.trajectory import Trajectory
from toydiff_gui.engine_client.wanted import Part
from toydiff_gui.export.picture_contract import Picture
from toydiff_gui.modes.file_meta import FilePicture
from toydiff_gui.modes.tasks import Task
from toydiff_gui.state.actions import WidgetKeys
from toydiff_gui.state.figures import Figure
from toydiff_gui.state.model import ModelInfo
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.sampling import LaneMode
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.state.store import Store

if TYPE_CHECKING:
    from toydiff_gui.controllers.assembly import Controllers
    from toydiff_gui.controllers.geodesic import Between
    from toydiff_gui.diagnostics.contract import Makes, ModeDiagnostics
    from toydiff_gui.engine_client.client import Client
    from toydiff_gui.panels.dock import Dock
    from toydiff_gui.panels.lane_dock import SampleDock
    from toydiff_gui.panels.train_dock import TrainDock


@dataclass(frozen=True, eq=False)
class Laboratory:
    """What a mode is given to work with; one for each window.

    ``show_thumbnails`` puts pictures (H, W) or (H, W, 3) in the row above the timeline; they are of
    pixels if ``of_pixels``. ``mode_of``: the mode that shows states of a kind.
    """

    store: Store
    controllers: Controllers
    playback: Playback
    settings: SettingsFile
    show_thumbnails: Callable[..., None]
    mode_of: Callable[[str], Mode]


class ModeAtWork(QObject):
    """A mode in a window: its widgets, and what it asks the engine for.

    It is made when the mode is shown for the first time. A mode sets ``page``, and may set the
    docks; what it does not override does nothing.

    ``page`` has ``set_scene(scene)``, ``set_t(t)`` and ``scene``.
    """

    page: QWidget

    def __init__(self, lab: Laboratory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lab, self.store = lab, lab.store

    @cached_property
    def train_dock(self) -> TrainDock:
        """The dock 'Train'; without one of the mode's own there is nothing to set in it."""
        from toydiff_gui.panels.train_dock import TrainDock  # widgets: for a window alone

        dock = TrainDock(self.store)
        _say("No settings for training here", dock)
        return dock

    @cached_property
    def sample_dock(self) -> SampleDock:
        """The dock 'Sample'; without one of the mode's own there is nothing to set in it."""
        from toydiff_gui.panels.lane_dock import SampleDock

        dock = SampleDock(self.store)
        _say("No settings for samples here", dock)
        return dock

    @property
    def parts(self) -> tuple[Part, ...]:
        """Those who want answers of the engine while the mode is on show, in order."""
        return ()

    def between(self) -> Between | None:
        """Between what a geodesic would be searched for; None for nothing."""
        return None

    def looks_at_geodesic(self) -> bool:
        """Whether anybody needs it."""
        return False

    def scene(self) -> Any:
        """What is to be seen now, as far as it is zoomed in."""
        raise TypeError(f"{type(self).__name__} must say what is to be seen")

    def picture(self) -> Picture:
        """The same as it is drawn in an export."""
        raise TypeError(f"{type(self).__name__} must say how it is drawn")

    def show_scene(self) -> int:
        """Bring the page up to date; the smallest t that all of it has arrived at."""
        scene = self.scene()
        self.page.set_scene(scene)  # type: ignore[attr-defined]
        return int(scene.reached())

    def show_t(self, t: int) -> None:
        """Show the states at ``t`` on the page."""
        self.page.set_t(t)  # type: ignore[attr-defined]

    def show_model(self) -> None:
        """There is another model, or new weights in it."""
        self.lab.show_thumbnails([])

    def lanes(self) -> Sequence[Any]:
        """Lanes of the scene on show, each with ``number`` and ``key``."""
        return ()

    def reset_view(self) -> None:
        """Show all of every plot again."""


def _say(text: str, dock: Dock) -> None:
    label = QLabel(text)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    dock.column.addWidget(label)


def _usual_diagnostics(store: Store, client: Client, parent: QObject) -> ModeDiagnostics:
    from toydiff_gui.diagnostics.contract import ModeDiagnostics  # a page, which few need

    return ModeDiagnostics(store, client, parent)


def _ignore(settings: SettingsFile, store: Store) -> None:
    """For a mode that remembers nothing."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Mode:
    """A mode by itself, without a window.

    ``key`` is what settings files call it, ``kind`` the kind of its states (``catalogue.KINDS``),
    which several modes may show, each in its own way. ``lanes`` says how its lanes are set, None
    where it has none of the usual ones. ``first_training`` is what is to be trained where nothing
    is remembered, beside a model. ``no_model`` is said where there is none to open. ``describe``:
    its states in words, such as 'points in the plane'. ``figures``: what is measured of a training.
    ``data_root``: where the engine is to look first for what is trained with, '' for the usual
    places. ``restore`` and ``remember`` carry its
    settings and views from one window to the next; what is damaged is forgotten. ``keys``: what its
    widgets take for themselves. ``overlays``: the keys of what can be laid over its lanes, or
    (True) over the latents. ``picture_of_file``: what a trajectory's file shows; None if its states
    are none of this mode. ``diagnostics`` makes what the diagnostics show of its states; that is
    there without the mode at work, since a training of another mode is diagnosed as well. Of modes
    that show the same kind, the first has ``figures``, ``data_root`` and ``diagnostics`` for all.
    """

    key: str
    kind: str
    title: str
    tip: str
    no_model: str
    work: Callable[[Laboratory, QObject], ModeAtWork]
    describe: Callable[[ModelInfo], str]
    first_training: Callable[[ModelInfo], TrainingConfig]
    lanes: LaneMode | None = None
    figures: tuple[Figure, ...] = ()
    data_root: Callable[[Store, TrainingConfig], str] = lambda store, config: ""
    tasks: tuple[Task, ...] = ()
    keys: tuple[WidgetKeys, ...] = ()
    diagnostics: Makes = _usual_diagnostics
    overlays: Callable[[bool], Collection[str]] = lambda over_latents: ()
    picture_of_file: Callable[[Trajectory, Path], FilePicture | None] = lambda run, source: None
    restore: Callable[[SettingsFile, Store], None] = _ignore
    remember: Callable[[SettingsFile, Store], None] = _ignore
