"""What the window remembers from one time to the next; what is damaged is forgotten."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import msgspec
from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QWidget

from engine.config import TrainingConfig
from toydiff_gui.state import AppState, Sampling, ViewSettings


def open_settings() -> QSettings:
    """The user's settings: a text file, the same kind on every system."""
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "ToyDiff", "ToyDiff")


def restore(settings: QSettings, state: AppState) -> None:
    """Set the state as it was when the window was last closed."""
    if (sampling := _read(settings, "sampling", Sampling)) is not None:
        state.update_sampling(**{name: getattr(sampling, name) for name in asdict(sampling)})
    if (config := _read(settings, "training", TrainingConfig)) is not None:
        state.update_training_config(**{name: getattr(config, name) for name in asdict(config)})
    if (view := _read(settings, "view", ViewSettings)) is not None:
        view = replace(view, maximised_lane="", presentation=False)
        state.update_view(**asdict(view))
    if (shown := _read(settings, "lanes", list[str])) is not None:
        for lane in state.lanes:
            state.update_lane(lane.key, shown=lane.key in shown)


def remember(settings: QSettings, state: AppState) -> None:
    """Keep the state for next time."""
    _write(settings, "sampling", state.sampling)
    _write(settings, "training", state.training_config)
    _write(settings, "view", state.view)
    _write(settings, "lanes", [lane.key for lane in state.shown_lanes])


def restore_geometry(settings: QSettings, window: QWidget) -> bool:
    """Put the window where it was; False if that is not known."""
    kept = settings.value("window/geometry")
    return isinstance(kept, QByteArray) and window.restoreGeometry(kept)


def remember_geometry(settings: QSettings, window: QWidget) -> None:
    """Keep where the window is."""
    settings.setValue("window/geometry", window.saveGeometry())


def _write(settings: QSettings, name: str, value: Any) -> None:
    settings.setValue(f"state/{name}", msgspec.json.encode(value).decode())


def _read(settings: QSettings, name: str, kind: Any) -> Any:
    text = settings.value(f"state/{name}")
    if not isinstance(text, str):
        return None
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, ValueError):
        return None
