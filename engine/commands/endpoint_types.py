"""Endpoints typed on a command line: -1,2, seed:3 or image:cat.png; several after one option."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from engine.shared.config import require_between

LARGEST = 3e38
"""States are float32."""
MOST_DRAWS = 10_000
"""Draws of one seed that an endpoint can be chosen from: those before it are drawn as well."""


@dataclass(frozen=True)
class Draw:
    """The latent number ``index`` of those that ``seed`` draws."""

    seed: int
    index: int = 0

    def __str__(self) -> str:
        return f"seed:{self.seed}:{self.index}" if self.index else f"seed:{self.seed}"


@dataclass(frozen=True)
class Picture:
    """An image file, or an .npy of one state: its latent is found by inversion."""

    path: Path

    def __str__(self) -> str:
        return f"image:{self.path}"


Endpoint = tuple[float, ...] | Draw | Picture
"""Coordinates, or what the latent is made from."""


def typed(endpoint: Endpoint) -> str:
    """An endpoint as it may be typed."""
    if isinstance(endpoint, tuple):
        return ",".join(f"{number:.12g}" for number in endpoint)
    return str(endpoint)


class EndpointType(click.ParamType[Endpoint]):
    """Numbers separated by commas, such as -1,2; or seed:N, seed:N:I, image:PATH."""

    name = "X,Y"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Endpoint:
        """The endpoint that ``value`` names."""
        text = str(value)
        kind, _, rest = text.partition(":")
        if kind == "seed":
            return self._draw(text, rest, param, ctx)
        if kind == "image":
            if not rest:
                self.fail(f"{text!r} names no file", param, ctx)
            return Picture(Path(rest))
        return self._numbers(text, param, ctx)

    def _draw(
        self, text: str, rest: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> Draw:
        try:
            seed, *more = (int(part) for part in rest.split(":"))
        except ValueError:
            self.fail(f"{text!r} is not of the form seed:N or seed:N:I", param, ctx)
        if len(more) > 1:
            self.fail(f"{text!r} is not of the form seed:N or seed:N:I", param, ctx)
        index = more[0] if more else 0
        try:
            require_between("its seed", seed, 0, 2**63 - 1)
            require_between("its index", index, 0, MOST_DRAWS - 1)
        except ValueError as error:
            self.fail(f"{text!r}: {error}", param, ctx)
        return Draw(seed, index)

    def _numbers(
        self, text: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        try:
            numbers = tuple(float(part) for part in text.split(","))
        except ValueError:
            self.fail(f"{text!r} is not of the form X,Y, seed:N or image:PATH", param, ctx)
        if not all(math.isfinite(number) for number in numbers):
            self.fail(f"{text!r} is not finite", param, ctx)
        if any(abs(number) > LARGEST for number in numbers):
            self.fail(f"{text!r} is too large for float32", param, ctx)
        return numbers


def command_with_lists(*flags: str) -> type[click.Command]:
    """A command without arguments in which each of ``flags`` takes one or several values.

    Click knows options with a fixed number of values only, so the others get a flag of their own.
    """

    class CommandWithLists(click.Command):
        def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
            return super().parse_args(ctx, _flag_for_each(args, flags))

    return CommandWithLists


def _flag_for_each(args: list[str], flags: tuple[str, ...]) -> list[str]:
    """``--flag a b`` as ``--flag a --flag b``."""
    spread: list[str] = []
    flag, values = "", 0
    for arg in args:
        if _is_option(arg):
            name, _, value = arg.partition("=")
            flag, values = (name, int(bool(value))) if name in flags else ("", 0)
        elif flag:
            if values:
                spread.append(flag)
            values += 1
        spread.append(arg)
    return spread


def _is_option(arg: str) -> bool:
    return arg.startswith("--") or (arg.startswith("-") and arg[1:].isalpha())
