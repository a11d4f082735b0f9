"""The modes of the window: what the model is, and what each mode comes back to."""

from __future__ import annotations

from PySide6.QtCore import QObject

from engine.config import TrainingConfig
from engine.datasets.images import INFOS, image_training
from toydiff_gui.bundled import bundled_images, bundled_points
from toydiff_gui.modes.images.network_presets import as_changes
from toydiff_gui.references import is_here
from toydiff_gui.settings_file import SettingsFile
from toydiff_gui.state.model import MODEL, ModelInfo
from toydiff_gui.state.programs import may_open
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING_CONFIG

MODES = ("2d", "images")
MODEL_KEY, TRAINING_KEY = "modes/model/", "modes/training/"


def mode_of(model: ModelInfo) -> str:
    """'images' or '2d'."""
    return "images" if model.images else "2d"


class ModeKeeper(QObject):
    """Remembers for each mode its last model and what to train.

    ``TRAINING_CONFIG`` follows the mode; a training that runs is not touched.
    """

    def __init__(self, state: Store, settings: SettingsFile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._settings = state, settings
        self._stand_ins: dict[str, str] = {}
        """For a mode whose last model is a program that was not run: what is opened instead."""
        kept = {mode: self._kept_config(mode) for mode in MODES}
        self._configs = {mode: config for mode, config in kept.items() if config is not None}
        self._stash()
        self._fit_config()
        state.changed(MODEL).connect(self._on_model)

    @property
    def mode(self) -> str:
        """The mode of now."""
        return mode_of(self._state.get(MODEL))

    def model_for(self, mode: str) -> str | None:
        """The model that ``mode`` opens with: the last one, or the first that is bundled.

        None where there is none. A program is not opened unasked (``program_for``).
        """
        kept = self._kept_model(mode)
        if kept is not None and may_open(self._state, kept):
            return kept
        first = next((ref for ref, _ in _bundled(mode)), None)
        if kept is not None and first is not None:
            self._stand_ins[mode] = first
        return first

    def program_for(self, mode: str) -> str | None:
        """The last model of ``mode``, if it is a program that the user has not let run."""
        kept = self._kept_model(mode)
        return None if kept is None or may_open(self._state, kept) else kept

    def remember(self) -> None:
        """Keep for next time what each mode would train."""
        self._stash()
        for mode, config in self._configs.items():
            self._settings.put(f"{TRAINING_KEY}{mode}", config)

    def _on_model(self) -> None:
        ref = self._state.get(MODEL).ref
        if self._stand_ins.get(self.mode) != ref:  # otherwise the program stays the last one
            self._stand_ins.pop(self.mode, None)
            self._settings.put(f"{MODEL_KEY}{self.mode}", ref)
        self._fit_config()

    def _fit_config(self) -> None:
        """Let what is to be trained be of the mode's kind."""
        config, model = self._state.get(TRAINING_CONFIG), self._state.get(MODEL)
        if config.images == model.images:
            return
        self._stash()
        other = self._configs.get(self.mode)
        if other is None:
            dataset = model.dataset if model.dataset in INFOS else "mnist"
            other = image_training(dataset) if model.images else TrainingConfig()
        self._state.update(TRAINING_CONFIG, **as_changes(other))

    def _stash(self) -> None:
        config = self._state.get(TRAINING_CONFIG)
        self._configs["images" if config.images else "2d"] = config

    def _kept_model(self, mode: str) -> str | None:
        kept = self._settings.get(f"{MODEL_KEY}{mode}", str)
        if kept is None:
            return None
        return kept if kept in dict(_bundled(mode)) or is_here(kept) else None

    def _kept_config(self, mode: str) -> TrainingConfig | None:
        config = self._settings.get(f"{TRAINING_KEY}{mode}", TrainingConfig)
        return config if config is not None and config.images == (mode == "images") else None


def _bundled(mode: str) -> tuple[tuple[str, str], ...]:
    return bundled_images() if mode == "images" else bundled_points()
