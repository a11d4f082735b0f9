"""The mode 2D: points in the plane."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from engine.shared import catalogue
from engine.shared.config import TrainingConfig
from toydiff_gui.modes.contract import Laboratory, Mode, ModeAtWork
from toydiff_gui.modes.points.actions import KEYS
from toydiff_gui.modes.points.figures import FIGURES
from toydiff_gui.modes.points.overlays import table
from toydiff_gui.modes.points.settings import POINT_LANES, SAMPLING, Sampling
from toydiff_gui.modes.points.tasks import TASKS
from toydiff_gui.modes.points.trajectory_file import picture_of
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.state.store import Store

if TYPE_CHECKING:
    from toydiff_gui.diagnostics.contract import ModeDiagnostics
    from toydiff_gui.engine_client.client import Client


def _restore(settings: SettingsFile, store: Store) -> None:
    if (sampling := settings.get("state/sampling", Sampling)) is not None:
        if sampling.mode == "inverted":
            sampling = replace(sampling, mode="interpolation")  # the points are not kept
        changes: dict[str, Any] = {name: getattr(sampling, name) for name in asdict(sampling)}
        store.update(SAMPLING, **changes)


def _remember(settings: SettingsFile, store: Store) -> None:
    settings.put("state/sampling", store.get(SAMPLING))


def _work(lab: Laboratory, parent: QObject) -> ModeAtWork:
    # Widgets: only a window has a use for them.
    from toydiff_gui.modes.points.at_work import PointsAtWork

    return PointsAtWork(lab, parent)


def _diagnostics(store: Store, client: Client, parent: QObject) -> ModeDiagnostics:
    from toydiff_gui.modes.points.diagnostics.cards import PointDiagnostics

    return PointDiagnostics(store, client, parent)


MODE = Mode(
    key="2d",
    kind=catalogue.POINTS,
    title="2D",
    tip="Points in the plane",
    no_model="There is no model of points here: train one with 'toydiff train', or open one.",
    lanes=POINT_LANES,
    work=_work,
    describe=lambda model: "points in the plane",
    first_training=lambda model: TrainingConfig(),
    figures=FIGURES,
    tasks=TASKS,
    keys=KEYS,
    diagnostics=_diagnostics,
    overlays=lambda over_latents: table.keys(over_latents=over_latents),
    picture_of_file=picture_of,
    restore=_restore,
    remember=_remember,
)
