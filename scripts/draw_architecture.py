"""Draws the architecture from the imports that are there, and measures it.

    python -m scripts.draw_architecture [--out FILE.svg] [ROOT]

Rooms are the files and folders directly in a package. A room stands above all that it imports; an
arrow that follows from others is left out of the picture, not out of the figures. The same imports
give the same bytes. Printed for each package:

- rooms: how many there are;
- floors: how many stand on each other;
- arrows: pairs of rooms of which one imports the other;
- upward: the fewest arrows without which there would be no circles;
- circles: groups of rooms that import each other;
- into modes: imports of a mode's modules from shared code or from another mode (``app`` may).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import permutations
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "architecture.svg"
PACKAGES = ("toydiff_gui", "engine")
MODES = "toydiff_gui.modes"
INSTALLS = "toydiff_gui.app"
"""Where modes are listed."""

OWN = "__init__"

Arrows = Mapping[str, frozenset[str]]
"""Which rooms a room imports; every room has an entry."""

MOST_IN_A_CIRCLE = 8
"""Circles of more rooms are judged by the better of two orders, not by all orders there are."""


@dataclass(frozen=True)
class Figures:
    """What is measured of one package."""

    rooms: int
    floors: int
    arrows: int
    upward: int
    circles: int
    into_modes: int


def imports(graph: grimp.ImportGraph) -> list[tuple[str, str]]:
    """Every import of one module by another, by name."""
    return sorted(
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    )


def room_of(module: str, package: str) -> str:
    """The room in ``package`` that a module lies in; empty for other packages."""
    head, _, rest = module.partition(".")
    return (rest.split(".")[0] or OWN) if head == package else ""


def rooms(graph: grimp.ImportGraph, package: str) -> Arrows:
    """The rooms of a package and the arrows between them."""
    found: dict[str, set[str]] = {
        room: set() for module in graph.modules if (room := room_of(module, package))
    }
    for module, imported in imports(graph):
        one, other = room_of(module, package), room_of(imported, package)
        if one and other and one != other:
            found[one].add(other)
    return _without_idle(found)


def _without_idle(found: Mapping[str, set[str]]) -> Arrows:
    """The package's own file is a room only if it imports something or is imported."""
    if not found.get(OWN) and not any(OWN in others for others in found.values()):
        found = {room: others for room, others in found.items() if room != OWN}
    return {room: frozenset(found[room]) for room in sorted(found)}


def circles(arrows: Arrows) -> list[tuple[str, ...]]:
    """Groups of rooms each of which reaches all others of the group."""
    reached = {room: reach(arrows, room) for room in arrows}
    groups = {
        tuple(sorted(other for other in reached[room] if room in reached[other]))
        for room in arrows
        if room in reached[room]
    }
    return sorted(groups)


def reach(arrows: Arrows, room: str) -> set[str]:
    """All rooms at the end of a chain of arrows from ``room``."""
    found: set[str] = set()
    waiting = list(arrows[room])
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting.extend(arrows[other])
    return found


def upward(arrows: Arrows) -> set[tuple[str, str]]:
    """The fewest arrows without which there are no circles."""
    found: set[tuple[str, str]] = set()
    for group in circles(arrows):
        inside = [(a, b) for a in group for b in sorted(arrows[a]) if b in group]
        found |= min((_against(order, inside) for order in _orders(group, inside)), key=len)
    return found


def _orders(group: tuple[str, ...], inside: list[tuple[str, str]]) -> Iterable[tuple[str, ...]]:
    if len(group) <= MOST_IN_A_CIRCLE:
        return permutations(group)
    more = {room: sum((a == room) - (b == room) for a, b in inside) for room in group}
    return (group, tuple(sorted(group, key=lambda room: (-more[room], room))))


def _against(order: tuple[str, ...], inside: list[tuple[str, str]]) -> set[tuple[str, str]]:
    place = {room: number for number, room in enumerate(order)}
    return {(a, b) for a, b in inside if place[a] > place[b]}


def floors(arrows: Arrows) -> dict[str, int]:
    """On which floor each room is: 0 imports nothing of the package. Circles count as opened."""
    left_out = upward(arrows)
    found: dict[str, int] = {}

    def floor(room: str) -> int:
        if room not in found:
            below = (floor(other) for other in arrows[room] if (room, other) not in left_out)
            found[room] = max(below, default=-1) + 1
        return found[room]

    return {room: floor(room) for room in arrows}


def mode_of(module: str) -> str:
    """The mode that a module belongs to; empty for shared code."""
    inside = module.removeprefix(f"{MODES}.")
    return inside.split(".")[0] if inside != module and "." in inside else ""


def into_modes(graph: grimp.ImportGraph) -> list[tuple[str, str]]:
    """Imports of a mode's modules by shared code, but for ``app``, or by another mode."""
    return [
        (module, imported)
        for module, imported in imports(graph)
        if mode_of(imported)
        and mode_of(module) != mode_of(imported)
        and module != f"{MODES}.{mode_of(imported)}"
        and not f"{module}.".startswith(f"{INSTALLS}.")
    ]


def measure(graph: grimp.ImportGraph, package: str) -> Figures:
    """The figures of one package."""
    arrows = rooms(graph, package)
    return Figures(
        rooms=len(arrows),
        floors=max(floors(arrows).values(), default=-1) + 1,
        arrows=sum(map(len, arrows.values())),
        upward=len(upward(arrows)),
        circles=len(circles(arrows)),
        into_modes=sum(module.split(".")[0] == package for module, _ in into_modes(graph)),
    )


def table(graph: grimp.ImportGraph) -> str:
    """The figures of all packages as a table in Markdown."""
    names = tuple(Figures.__dataclass_fields__)
    rows = [["package", *(name.replace("_", " ") for name in names)]]
    for package in PACKAGES:
        figures = measure(graph, package)
        rows.append([package, *(str(getattr(figures, name)) for name in names)])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


# The picture

WIDTH, MARGIN = 1120, 24
ROOM_HEIGHT, FLOOR_HEIGHT, GAP = 30, 78, 18
TITLE_HEIGHT = 40
LETTER = 7.6
"""About the width of a letter of the labels, in pixels."""
SWEEPS = 8
"""How often the rooms of a floor are put in order by what they import and are imported by."""
PAPER, INK, FAINT, ROOM, UPWARD = "#ffffff", "#1f2430", "#8a93a6", "#eef1f7", "#c8321e"


def picture(graph: grimp.ImportGraph) -> str:
    """All packages, one below the other, as SVG."""
    parts, top = [], MARGIN
    for package in PACKAGES:
        drawn, top = _package(package, _with_modes(graph, package), top)
        parts += [*drawn, ""]
    doors = sorted({
        room_of(imported, "engine") or "engine"
        for module, imported in imports(graph)
        if module.startswith("toydiff_gui") and imported.split(".")[0] == "engine"
    })  # fmt: skip
    parts.append(_text(MARGIN, top + 6, f"The window imports of the engine: {', '.join(doors)}."))
    height = top + MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="Inter, Helvetica, Arial, sans-serif" '
        f'font-size="13" fill="{INK}">'
    )
    tips = "".join(
        f'<marker id="tip{colour[1:]}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{colour}"/></marker>'
        for colour in (FAINT, UPWARD)
    )
    paper = f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>'
    return "\n".join([head, f"<defs>{tips}</defs>", paper, *parts, "</svg>", ""])


def _with_modes(graph: grimp.ImportGraph, package: str) -> Arrows:
    """The rooms, and each mode as one of its own."""

    def room(module: str) -> str:
        mode = mode_of(module) or (module.removeprefix(f"{MODES}.") if is_mode(module) else "")
        return f"modes/{mode}" if mode else room_of(module, package)

    modes = {mode_of(module) for module in graph.modules}

    def is_mode(module: str) -> bool:
        return module.startswith(f"{MODES}.") and module.removeprefix(f"{MODES}.") in modes

    found: dict[str, set[str]] = {
        name: set() for module in graph.modules if module.split(".")[0] == package
        if (name := room(module))
    }  # fmt: skip
    for module, imported in imports(graph):
        if module.split(".")[0] == imported.split(".")[0] == package:
            one, other = room(module), room(imported)
            if one and other and one != other:
                found[one].add(other)
    return _without_idle(found)


def _package(package: str, arrows: Arrows, top: int) -> tuple[list[str], int]:
    """A package from ``top`` on, and where it ends."""
    back = upward(arrows)
    places = _places(arrows, floors(arrows), top + TITLE_HEIGHT)
    end = max(y for _, y, _ in places.values()) + ROOM_HEIGHT + MARGIN
    parts = [_text(MARGIN, top + 14, package, bold=True)]
    shown = _reduced(arrows, back)
    for one in arrows:
        for other in sorted(arrows[one]):
            if (one, other) in back:
                parts.append(_arrow(places[one], places[other], UPWARD))
            elif other in shown[one]:
                parts.append(_arrow(places[one], places[other], FAINT))
    for room, (x, y, width) in places.items():
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROOM_HEIGHT}" rx="6" '
            f'fill="{ROOM}" stroke="{FAINT}"/>'
        )
        parts.append(_text(x + width / 2, y + 20, room, middle=True))
    return parts, end


def _reduced(arrows: Arrows, back: set[tuple[str, str]]) -> dict[str, set[str]]:
    """The arrows that do not follow from others."""
    down = {
        room: frozenset(other for other in below if (room, other) not in back)
        for room, below in arrows.items()
    }
    return {
        room: {
            other for other in below
            if not any(other in reach(down, between) for between in below)
        }
        for room, below in down.items()
    }  # fmt: skip


def _places(
    arrows: Arrows, floor: Mapping[str, int], top: int
) -> dict[str, tuple[float, int, float]]:
    """Left edge, top edge and width of each room: the highest floor first."""
    highest = max(floor.values())
    rows = [sorted(room for room in arrows if floor[room] == level) for level in range(highest + 1)]
    near = {
        room: arrows[room] | {other for other in arrows if room in arrows[other]} for room in arrows
    }
    middles: dict[str, float] = {}
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 else reversed(rows):
            ordered = sorted(row, key=lambda room: (_mean(middles, near[room]), room))
            row[:] = ordered
            middles |= {room: x + width / 2 for room, (x, width) in _spread(row).items()}
    return {
        room: (x, top + (highest - level) * FLOOR_HEIGHT, width)
        for level, row in reversed(list(enumerate(rows)))
        for room, (x, width) in _spread(row).items()
    }


def _mean(middles: Mapping[str, float], rooms: Iterable[str]) -> float:
    known = [middles[room] for room in sorted(rooms) if room in middles]
    return round(sum(known) / len(known), 3) if known else WIDTH / 2


def _spread(row: list[str]) -> dict[str, tuple[float, float]]:
    """Left edge and width of the rooms of one floor, in the middle of the picture."""
    widths = [len(room) * LETTER + 24 for room in row]
    room_left = WIDTH - 2 * MARGIN - sum(widths)
    gap = max(GAP, min(4.0 * GAP, room_left / max(len(row), 1)))
    x = (WIDTH - sum(widths) - gap * (len(row) - 1)) / 2
    found = {}
    for room, width in zip(row, widths, strict=True):
        found[room] = (x, width)
        x += width + gap
    return found


def _arrow(one: tuple[float, int, float], other: tuple[float, int, float], colour: str) -> str:
    (x, y, width), (to, below, wide) = one, other
    start, end = x + width / 2, to + wide / 2
    lean = 0.3 * max(-1.0, min(1.0, (end - start) / 400))
    start, end = start + lean * width, end - lean * wide
    first, last = (y + ROOM_HEIGHT, below - 2) if below > y else (y, below + ROOM_HEIGHT + 2)
    bend = (last - first) / 2
    return (
        f'<path d="M{start:.1f},{first} C{start:.1f},{first + bend:.1f} {end:.1f},'
        f'{last - bend:.1f} {end:.1f},{last}" fill="none" stroke="{colour}" '
        f'stroke-width="1.2" marker-end="url(#tip{colour[1:]})"/>'
    )


def _text(x: float, y: float, text: str, *, bold: bool = False, middle: bool = False) -> str:
    more = ' font-weight="600" font-size="15"' if bold else ""
    more += ' text-anchor="middle"' if middle else ""
    return f'<text x="{x:.1f}" y="{y}"{more}>{escape(text)}</text>'


def main() -> int:
    """Read the options, print the table, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", nargs="?", type=Path, default=ROOT, help="a checkout; this one")
    parser.add_argument("--out", type=Path, help="the picture; docs/architecture.svg of ROOT")
    parser.add_argument("--list", action="store_true", help="also list what goes into modes")
    options = parser.parse_args()
    root = options.root.resolve()
    sys.path.insert(0, str(root))
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    print(table(graph))
    if options.list:
        for module, imported in into_modes(graph):
            print(f"{module} -> {imported}")
    out = options.out or root / OUT.relative_to(ROOT)
    out.write_text(picture(graph), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
