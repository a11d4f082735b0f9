"""Types that scenes of all modes are made of. No Qt here."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

Box = tuple[float, float, float, float]
"""A part of the plane: x0, x1, y0, y1."""


Status = Literal["empty", "running", "done", "failed"]

Mark = Literal["A", "B", "C"]
