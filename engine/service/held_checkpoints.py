"""The checkpoints that a service holds, the running training among them."""

from __future__ import annotations

import torch

from engine.checkpoints.checkpoint import Checkpoint, load_checkpoint, locate
from engine.checkpoints.networks import NETWORKS
from engine.image_files.places import root_of
from engine.shared import messages
from engine.shared.config import EXACT
from engine.training.trainer import Trainer

MOST_HELD = 8


class HeldCheckpoints:
    """Checkpoints by name, each loaded once for each version of its file.

    ``trainer`` is the training that runs, if any: its averaged weights of now are the checkpoint
    ``messages.LIVE``.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.trainer: Trainer | None = None
        self._held: dict[tuple[str, str], tuple[float, Checkpoint]] = {}
        self._live: tuple[Trainer, int, Checkpoint] | None = None

    def get(self, name: str, data_root: str = "") -> Checkpoint:
        """The checkpoint ``name``.

        The images of an exact denoiser are looked for in ``data_root`` first.
        """
        if name == messages.LIVE:
            return self._live_checkpoint()
        path = locate(name.removeprefix(EXACT))
        # Of a folder, what lies in it: writing a file anew does not change the folder.
        inside = path.glob("*/*") if path.is_dir() else ()
        changed = max(file.stat().st_mtime for file in (path, *inside))
        key = name, data_root
        kept = self._held.get(key)
        if kept is None or kept[0] != changed:
            if len(self._held) >= MOST_HELD:
                self._held.pop(next(iter(self._held)))
            root = root_of(data_root)
            kept = (changed, load_checkpoint(name, device=self.device, data_root=root))
            self._held[key] = kept
        return kept[1]

    def _live_checkpoint(self) -> Checkpoint:
        trainer = self.trainer
        if trainer is None:
            raise ValueError("no training is running")
        if self._live is None or self._live[:2] != (trainer, trainer.done):
            # A denoiser of its own keeps the weights of now while training goes on: those of a
            # folded network, or a whole copy.
            checkpoint = Checkpoint(
                trainer.description(),
                trainer.denoiser(frozen=not NETWORKS[trainer.config.resolved_kind].folds),
                trainer.schedule,
                messages.LIVE,
                self.device,
            )
            self._live = trainer, trainer.done, checkpoint
        return self._live[2]

    def end_training(self) -> Trainer | None:
        """Forget the training that ran, and its weights; returns it."""
        ended, self.trainer, self._live = self.trainer, None, None
        return ended
