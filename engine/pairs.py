"""Points typed on a command line: -1,2, or several of them after one option."""

from __future__ import annotations

import math
from typing import Any

import click

LARGEST = 3e38
"""States are float32."""


class Pair(click.ParamType[tuple[float, ...]]):
    """Numbers separated by commas, such as -1,2."""

    name = "X,Y"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """The numbers of ``value``."""
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not of the form X,Y", param, ctx)
        if not all(math.isfinite(number) for number in numbers):
            self.fail(f"{value!r} is not finite", param, ctx)
        if any(abs(number) > LARGEST for number in numbers):
            self.fail(f"{value!r} is too large for float32", param, ctx)
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
