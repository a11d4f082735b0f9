"""The bar that commands show on a terminal."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


def progress_bar(
    total: int | None, unit: str, initial: int = 0, *, shown: bool = True
) -> tqdm[Any]:
    """A bar on a terminal; nothing elsewhere."""
    hidden = not (shown and sys.stderr.isatty())
    return tqdm(total=total, unit=f" {unit}", initial=initial, disable=hidden, leave=False)
