"""Where the window's trainings live, and which of them it remembers."""

from __future__ import annotations

import itertools
import time
from contextlib import suppress
from pathlib import Path

from platformdirs import user_data_path

from engine.shared.config import TrainingConfig, from_json
from engine.shared.run_files import CHECKPOINT, LOCK, METRICS
from toydiff_gui.state.model_refs import is_here
from toydiff_gui.state.settings_file import SettingsFile

CONFIG = "config.json"
AWAY = "engine.txt"
"""In the folder of a training that another machine has and that was not fetched: its address."""
KEY = "runs/recent"
MOST = 12


class Runs:
    """Folders of trainings, the newest first. Kept in the user's data folder unless told else."""

    def __init__(self, settings: SettingsFile, root: Path | None = None) -> None:
        self._settings = settings
        self._root = root if root is not None else user_data_path("ToyDiff", "ToyDiff") / "runs"

    def new_folder(self, config: TrainingConfig) -> Path:
        """A folder for a new training, with its configuration in it. Raises ``OSError``."""
        import msgspec

        stamp = time.strftime("%Y-%m-%d %H-%M-%S")
        for number in itertools.count(1):
            suffix = "" if number == 1 else f" ({number})"
            folder = self._root / f"{config.dataset} {stamp}{suffix}"
            try:
                folder.mkdir(parents=True)
                break
            except FileExistsError:
                continue
        (folder / CONFIG).write_bytes(msgspec.json.encode(config))
        return folder

    def config(self, folder: Path) -> TrainingConfig | None:
        """What the training in ``folder`` was begun with; None if that cannot be read."""
        try:
            return from_json((folder / CONFIG).read_bytes(), TrainingConfig)
        except (OSError, ValueError):
            return None

    def discard(self, folder: Path) -> None:
        """Remove the folder of a training that saved nothing; any other is left alone."""
        with suppress(OSError):  # not ours to tidy any more
            held = {path.name for path in folder.iterdir()}
            ours = {CONFIG, METRICS, AWAY, LOCK}
            if folder.parent == self._root and CONFIG in held and held <= ours:
                for name in held:
                    (folder / name).unlink()
                folder.rmdir()

    def mark_away(self, folder: Path, address: str) -> None:
        """Note that an engine at ``address`` trains in ``folder``. Raises ``OSError``."""
        (folder / AWAY).write_text(address, encoding="utf-8")

    def mark_home(self, folder: Path) -> None:
        """Note that there is nothing more to be fetched into ``folder``."""
        with suppress(OSError):
            (folder / AWAY).unlink(missing_ok=True)

    def is_away(self, folder: Path) -> bool:
        """Whether another machine may have more of the training in ``folder``."""
        return (folder / AWAY).is_file()

    def away_at(self, folder: Path) -> str:
        """The address of the engine that may have more of it; '' for none."""
        try:
            return (folder / AWAY).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def away(self, address: str) -> list[Path]:
        """Folders whose trainings the engine at ``address`` may have more of."""
        marks = sorted(self._root.glob(f"*/{AWAY}"))
        return [mark.parent for mark in marks if mark.read_bytes() == address.encode()]

    def has_checkpoint(self, folder: Path) -> bool:
        """Whether a training has saved something in ``folder``."""
        return (folder / CHECKPOINT).is_file()

    def recent(self) -> list[str]:
        """References of the models that were trained or opened, the newest first."""
        return [ref for ref in self._settings.get(KEY, list[str]) or () if is_here(ref)]

    def remember(self, ref: Path | str) -> None:
        """Put a model at the head of the list."""
        others = [other for other in self.recent() if other != str(ref)]
        self._settings.put(KEY, [str(ref), *others][:MOST])

    def forget(self, ref: str) -> None:
        """Take a model off the list."""
        self._settings.put(KEY, [other for other in self.recent() if other != ref])

    def known(self, ref: str) -> Path | None:
        """The folder of a training of ours, or None."""
        folder = Path(ref)
        return folder if folder.parent == self._root and self.has_checkpoint(folder) else None
