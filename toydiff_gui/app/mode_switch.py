"""Which mode is on show, and what each comes back to: its last model, and what to train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from PySide6.QtCore import QObject, Signal

from engine.shared.config import TrainingConfig
from toydiff_gui.app import installed_modes
from toydiff_gui.modes.contract import Mode
from toydiff_gui.state.bundled import bundled
from toydiff_gui.state.model import MODEL, ModelInfo
from toydiff_gui.state.model_refs import is_here
from toydiff_gui.state.programs import may_open
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.state.slots import Kind, Slot
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING_CONFIG

MODEL_KEY, TRAINING_KEY = "modes/model/", "modes/training/"
CHOSEN_KEY = "modes/chosen/"
"""Before a kind of state: which of its modes shows it, where it has several."""

CHOSEN_MODES: Slot[Mapping[str, str]] = Slot("chosen modes", dict, Kind.SETTING)
"""By the kind of state, the key of the mode that shows it."""
TRAININGS: Slot[Mapping[str, TrainingConfig]] = Slot("trainings of modes", dict, Kind.SETTING)
"""By the key of a mode, what is to be trained when it is on show again."""


class ModeSwitch(QObject):
    """Remembers for each mode its last model and what to train.

    The mode on show is one for the states of the model: the only one, or the one chosen last.
    ``TRAINING_CONFIG`` follows the mode; a training that runs is not touched.

    Signals:
        changed: another mode shows the same model.
    """

    changed = Signal()

    def __init__(self, state: Store, settings: SettingsFile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._settings = state, settings
        self._stand_ins: dict[str, str] = {}
        """For a mode whose last model is a program that was not run: what is opened instead."""
        modes = installed_modes.MODES
        kept = {mode.kind: settings.get(f"{CHOSEN_KEY}{mode.kind}", str) for mode in modes}
        state.set(CHOSEN_MODES, {kind: key for kind, key in kept.items() if key is not None})
        configs = {mode.key: self._kept_config(mode) for mode in modes}
        state.set(TRAININGS, {key: each for key, each in configs.items() if each is not None})
        self._stash()
        self._fit_config()
        self._before = self.mode
        state.changed(MODEL).connect(self._on_model)
        state.changed(CHOSEN_MODES).connect(self._on_chosen)

    @property
    def mode(self) -> Mode:
        """The mode of now."""
        return self._mode_of(self._state.get(MODEL).kind)

    def choose(self, mode: Mode) -> bool:
        """Show states of a kind in ``mode`` from now on; whether it can show the model of now."""
        before, chosen = self.mode, self._state.get(CHOSEN_MODES)
        self._state.set(CHOSEN_MODES, dict(chosen) | {mode.kind: mode.key})
        return self.mode is not before

    def is_shown(self, mode: Mode) -> bool:
        """Whether ``mode`` is the mode of now."""
        return mode is self.mode

    def describe(self, model: ModelInfo) -> str:
        """What states a model makes, in words."""
        return self._mode_of(model.kind).describe(model)

    def is_on_show(self, config: TrainingConfig) -> bool:
        """Whether what ``config`` trains is of the mode of now."""
        return config.resolved_kind == self.mode.kind

    def data_root(self, config: TrainingConfig) -> str:
        """Where the engine is to look first for what ``config`` trains with; '' for none."""
        return installed_modes.mode_of(config.resolved_kind).data_root(self._state, config)

    def model_for(self, mode: Mode) -> str | None:
        """The model that ``mode`` opens with: the last one, or the first that is bundled.

        None where there is none. A program is not opened unasked (``program_for``).
        """
        kept = self._kept_model(mode)
        if kept is not None and may_open(self._state, kept):
            return kept
        first = next((ref for ref, _ in bundled(mode.kind)), None)
        if kept is not None and first is not None:
            self._stand_ins[mode.key] = first
        return first

    def program_for(self, mode: Mode) -> str | None:
        """The last model of ``mode``, if it is a program that the user has not let run."""
        kept = self._kept_model(mode)
        return None if kept is None or may_open(self._state, kept) else kept

    def remember(self) -> None:
        """Keep for next time what each mode would train."""
        self._stash()
        for key, config in self._state.get(TRAININGS).items():
            self._settings.put(f"{TRAINING_KEY}{key}", config)

    def _on_chosen(self) -> None:
        for kind, key in self._state.get(CHOSEN_MODES).items():
            self._settings.put(f"{CHOSEN_KEY}{kind}", key)
        if self.mode is not self._before:
            self._on_model()
            self.changed.emit()

    def _on_model(self) -> None:
        self._before = self.mode
        ref, key = self._state.get(MODEL).ref, self.mode.key
        if self._stand_ins.get(key) != ref:  # otherwise the program stays the last one
            self._stand_ins.pop(key, None)
            self._settings.put(f"{MODEL_KEY}{key}", ref)
        self._fit_config()

    def _fit_config(self) -> None:
        """Let what is to be trained be of the mode's kind."""
        if self.is_on_show(self._state.get(TRAINING_CONFIG)):
            return
        self._stash()
        mode = self.mode
        config = self._state.get(TRAININGS).get(mode.key) or mode.first_training(
            self._state.get(MODEL)
        )
        changes = {each.name: getattr(config, each.name) for each in fields(config)}
        self._state.update(TRAINING_CONFIG, **changes)

    def _stash(self) -> None:
        config = self._state.get(TRAINING_CONFIG)
        key = self._mode_of(config.resolved_kind).key
        kept = self._state.get(TRAININGS)
        self._state.set(TRAININGS, dict(kept) | {key: config})

    def _mode_of(self, kind: str) -> Mode:
        chosen = self._state.get(CHOSEN_MODES).get(kind, "")
        return installed_modes.mode_of(kind, chosen)

    def _kept_model(self, mode: Mode) -> str | None:
        kept = self._settings.get(f"{MODEL_KEY}{mode.key}", str)
        if kept is None:
            return None
        return kept if kept in dict(bundled(mode.kind)) or is_here(kept) else None

    def _kept_config(self, mode: Mode) -> TrainingConfig | None:
        config = self._settings.get(f"{TRAINING_KEY}{mode.key}", TrainingConfig)
        own = config is not None and config.resolved_kind == mode.kind
        return config if own else None
