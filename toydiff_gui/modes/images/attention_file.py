"""What attention has been recorded, as an .npz file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from engine.shared.files import write_atomically
from engine.shared.trajectory import MAX_BYTES
from toydiff_gui.export.errors import ExportError
from toydiff_gui.modes.images.scene import AttentionCard


@dataclass(frozen=True)
class AttentionNumbers:
    """The weights of a card that has some."""

    card: AttentionCard

    @property
    def shape(self) -> tuple[int, ...]:
        """(times, heads, queries, keys) of the weights that have arrived."""
        first = next(iter(self.card.weights.values()))
        return (len(self.card.weights), *first.shape)

    def described(self) -> str:
        """Such as '10 × 4 × 49 × 49 weights'."""
        return f"{' × '.join(str(n) for n in self.shape)} weights"

    def check(self) -> None:
        """Raise ``ExportError`` if they would not fit into a file that can be read again."""
        size = 4 * int(np.prod(self.shape, dtype=np.int64))
        if size > MAX_BYTES:
            raise ExportError(
                f"the attention at {len(self.card.weights)} times would take {size / 2**30:.1f} "
                f"GiB, more than {MAX_BYTES / 2**30:.0f} GiB; choose a layer with a smaller grid"
            )

    def save(self, path: Path) -> None:
        """Write ``weights`` (n, heads, L, L) float32, ``t`` (n,) and ``meta``, a JSON string.

        Times fall; L is side * side, row by row; a row of the weights is one query's softmax.
        Raises ``OSError`` when the file cannot be written.
        """
        card = self.card
        times = sorted(card.weights, reverse=True)
        layer, image = card.layer, card.image
        meta = {
            "layer": "" if layer is None else layer.name,
            "side": 0 if layer is None else layer.side,
            "heads": 0 if layer is None else layer.heads,
            "image": "" if image is None else image.title,
            "index": None if image is None else image.index,
            "query": list(card.query),
        }
        arrays = {
            "weights": np.stack([card.weights[t] for t in times]),
            "t": np.array(times, np.int64),
            "meta": np.array(json.dumps(meta)),
        }

        def write(stream: BinaryIO) -> None:
            np.savez(cast(Any, stream), **cast(Any, arrays))

        write_atomically(path, write)
