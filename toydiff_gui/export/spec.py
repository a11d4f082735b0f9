"""What a film shall be, checked, and which frames that means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

import numpy as np

from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.ffmpeg import even
from toydiff_gui.export.gif import gif_rate
from toydiff_gui.export.parts import AnyScene
from toydiff_gui.export.snapshot import check_complete, only

FilmFormat = Literal["mp4", "webm", "gif", "apng", "png"]
ThemeName = Literal["dark", "light"]

FORMATS: tuple[str, ...] = get_args(FilmFormat)
MIN_SIDE, MAX_SIDE, MAX_PIXELS = 64, 3840, 3840 * 2160
MAX_FPS = 120
MAX_SECONDS = 3600
MAX_FRAMES = 20_000
MAX_ANIMATED_PIXELS = 2_500_000_000
"""Of all frames together in a GIF or APNG: 250 frames of 4K."""


@dataclass(frozen=True)
class FilmSpec:
    """A film of ``scene``.

    ``lane`` is the key of the one lane (or other part) to show, None shows all. ``seconds`` spreads
    the time from noise to data over so many seconds; None shows every t once. ``hold`` seconds of
    the last frame are added. Raises ``ExportError`` with the value for what cannot be.
    """

    scene: AnyScene
    lane: str | None = None
    size: tuple[int, int] = (1920, 1080)
    fps: float = 30.0
    seconds: float | None = None
    format: FilmFormat = "mp4"
    theme: ThemeName = "dark"
    hold: float = 1.0
    reverse: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ExportError(f"unknown film format {self.format!r}; known: {', '.join(FORMATS)}")
        check_theme(self.theme)
        check_size(self.size)
        _check_number("frames per second", self.fps, 1, MAX_FPS)
        _check_number("seconds to hold the last frame", self.hold, 0, 60)
        if self.seconds is not None:
            _check_number("seconds", self.seconds, 0.1, MAX_SECONDS)
        object.__setattr__(self, "scene", only(self.scene, self.lane))
        check_complete(self.scene)
        self._check_work()

    @property
    def rate(self) -> Fraction:
        """Frames per second that the format can do, nearest to ``fps``."""
        if self.format == "gif":
            return gif_rate(self.fps)
        return Fraction(self.fps).limit_denominator(1001)

    @property
    def picture_size(self) -> tuple[int, int]:
        """The size in pixels; videos need even sides."""
        return even(self.size) if self.format in ("mp4", "webm") else self.size

    def plan(self) -> list[tuple[int, int]]:
        """The frames in order: (t, how many periods it is shown)."""
        steps = self.scene.timesteps
        if self.seconds is None:
            times = list(range(steps, -1, -1))
        else:
            count = max(2, round(self.seconds * self.rate))
            times = [int(t) for t in np.round(np.linspace(steps, 0, count))]
        if self.reverse:
            times.reverse()
        plan: list[tuple[int, int]] = []
        for t in times:
            if plan and plan[-1][0] == t:
                plan[-1] = (t, plan[-1][1] + 1)
            else:
                plan.append((t, 1))
        last, count = plan[-1]
        plan[-1] = (last, count + round(self.hold * self.rate))
        return plan

    def frame_count(self) -> int:
        """Periods of the whole film."""
        return sum(count for _, count in self.plan())

    def _check_work(self) -> None:
        frames = self.frame_count()
        if frames > MAX_FRAMES:
            raise ExportError(
                f"a film of {frames} frames is too long, at most {MAX_FRAMES}; "
                "give a number of seconds instead of showing every t"
            )
        pixels = len(self.plan()) * self.size[0] * self.size[1]
        if self.format in ("gif", "apng") and pixels > MAX_ANIMATED_PIXELS:
            raise ExportError(
                f"a {self.format.upper()} of {len(self.plan())} frames of "
                f"{self.size[0]}x{self.size[1]} is too large; "
                "choose a smaller size, fewer seconds, MP4 or WebM"
            )


def check_theme(theme: str) -> None:
    """Raise ``ExportError`` unless ``theme`` is one there is."""
    if theme not in get_args(ThemeName):
        raise ExportError(f"unknown theme {theme!r}; known: {', '.join(get_args(ThemeName))}")


def check_size(size: tuple[int, int]) -> None:
    """Raise ``ExportError`` unless pictures of ``size`` can be made."""
    width, height = size
    if (
        not all(MIN_SIDE <= side <= MAX_SIDE for side in size)
        or width * height > MAX_PIXELS
        or not all(isinstance(side, int) for side in size)
    ):
        raise ExportError(
            f"the size must be between {MIN_SIDE}x{MIN_SIDE} and 3840x2160 pixels, "
            f"got {width}x{height}"
        )


def _check_number(what: str, value: float, low: float, high: float) -> None:
    if not math.isfinite(value) or not low <= value <= high:
        raise ExportError(f"{what} must be between {low:g} and {high:g}, got {value:g}")
