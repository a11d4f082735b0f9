"""Finds where shared code asks which mode is on, or what kind of state it has before it.

    python -m scripts.check_modes [--count | --files] [ROOT]

What differs by mode lies in ``toydiff_gui/modes/NAME/``, what differs by kind of state in the
engine's tables. Everything else must work for the next mode as well, so it may not

- read whether something is images (``config.images``),
- compare or match a kind or a mode (``config.kind == IMAGES``),
- choose by a mode's key (``"2d"``, ``"images"``, ``"points"`` in a comparison, a ``match``, as a
  key or an index),
- tell them apart by a number of axes (``len(shape) == 3``), but for a check that raises,
- or by a mode's types (``isinstance(scene, ImageScene)``, a ``case`` or a function registered for
  the type).

It reads the syntax trees and goes by names, so an alias hides what it stands for: it guards against
habit, not against intent. The exit status is 1 if anything is found.
"""

from __future__ import annotations

import argparse
import ast
import operator
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("engine", "toydiff_gui")
MODES = "toydiff_gui/modes"

TABLES = {
    "engine/shared/catalogue.py": "the rows of kinds and of what belongs to each",
    "engine/checkpoints/networks.py": "NETWORKS: the network of each kind",
    "engine/checkpoints/data.py": "DATA: the data of each kind",
    "engine/training/preview.py:PREVIEWS": "what a training shows of itself",
    "engine/analysis/evaluation.py:EVALUATIONS": "how each kind is measured",
    "engine/paths/latents.py:GEODESICS": "how geodesics are searched for",
    "engine/devices.py:on_a_grid": "what a pass costs on the CPU depends on axes, not on the kind",
    "toydiff_gui/app/mode_switch.py": "the switch itself",
}
"""Where kinds may be told apart, and why: a file, or a table or function in it."""

KEYS = {"2d", "points", "images"}
"""How modes and kinds are called; the folders of modes come to it."""
CONSTANTS = {"POINTS", "IMAGES"}
"""The same as names, where they come from the catalogue."""
OF_MODES = {"KEY", "MODE", "NAME"}
"""The same as names, where they come from a mode's folder."""
OWNERS = {
    "asked",
    "checkpoint",
    "chosen",
    "config",
    "description",
    "info",
    "model",
    "modes",
    "subject",
    "window",
}
"""What a mode or kind is read from, by its name."""
SLOTS = {"MODEL", "TRAINING_CONFIG"}
"""The same, read from the store."""
FLAGS = {"images", "is_images", "is_points"}
KINDS = {"kind", "mode"}
ASKING = {"kind_of", "mode_of"}
TYPES = {
    "ImageData", "ImageSampling", "ImageScene", "ImageSetRow", "LaneScene", "PointData", "Sampling",
    "Scene", "UNetConfig",
}  # fmt: skip
"""Types of one mode or kind, besides all that are imported from a mode's folder."""
ARRAYS = {"arrays", "file", "options"}
"""What is indexed by names of arrays or options, some of which are called as modes are."""
STATES = {"data", "latent", "latents", "points", "sample", "samples", "state", "states", "x", "x0"}
"""What holds states, so that its number of axes tells their kind."""
OPERATORS: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


@dataclass(frozen=True, order=True)
class Finding:
    """A place: the file from the root, its line, the rule, and what is written there."""

    file: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.text}"


def mode_folders(root: Path) -> set[str]:
    """The names of the modes."""
    return {
        folder.name for folder in (root / MODES).glob("*/") if (folder / "__init__.py").is_file()
    }


def check(root: Path) -> list[Finding]:
    """Every place in the packages under ``root`` that may not be there."""
    modes, found = mode_folders(root), []
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            file = path.relative_to(root).as_posix()
            if file in TABLES or any(file.startswith(f"{MODES}/{mode}/") for mode in modes):
                continue
            found += check_source(path.read_text(encoding="utf-8"), file, modes)
    return found


def by_file(found: list[Finding]) -> dict[str, int]:
    """How many findings there are in each file that has any."""
    return dict(sorted(Counter(finding.file for finding in found).items()))


def check_source(source: str, file: str = "", modes: set[str] | None = None) -> list[Finding]:
    """The places in one file's text, in order."""
    finder = _Finder(ast.parse(source), file, modes or set())
    return sorted({Finding(file, line, rule, text) for line, rule, text in finder.places()})


class _Finder:
    def __init__(self, tree: ast.Module, file: str, modes: set[str]) -> None:
        self._tree, self._keys = tree, KEYS | modes
        self._types, self._constants = set(TYPES), set[str]()
        self._parents = {
            child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)
        }
        tables = {name.rpartition(":")[2] for name in TABLES if name.startswith(f"{file}:")}
        self._allowed = {
            node for held in tree.body if tables & set(_named(held)) for node in ast.walk(held)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            names = {alias.asname or alias.name for alias in node.names}
            if any(f"{node.module}.".startswith(f"toydiff_gui.modes.{mode}.") for mode in modes):
                self._types |= {name for name in names if name[:1].isupper()}
                self._constants |= names & OF_MODES
            if node.module.endswith("catalogue"):
                self._constants |= names & CONSTANTS

    def places(self) -> Iterator[tuple[int, str, str]]:
        for node in ast.walk(self._tree):
            if node in self._allowed:
                continue
            for rule, where in self._rules(node):
                text = " ".join(ast.unparse(where).split())
                yield (
                    getattr(where, "lineno", 0),
                    rule,
                    text if len(text) < 80 else f"{text[:77]}...",
                )

    def _rules(self, node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
        match node:
            case ast.Attribute(ctx=ast.Load()) if node.attr in FLAGS:
                if _is_owner(node.value) or self._is_asked(node):
                    yield "a flag", node
            case ast.Compare():
                yield from self._compared(node)
            case ast.Match():
                yield from self._matched(node)
            case ast.Dict() if self._chooses(node):
                yield "a mode's key", node
            case ast.Subscript() if _last(node.value) not in ARRAYS:
                if any(self._is_key(value) for value in _values(node.slice)):
                    yield "a mode's key", node
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, types]):
                if self._has_type(types):
                    yield "a mode's type", node
            case ast.Call(func=ast.Attribute(attr="register"), args=[types, *_]):
                if self._has_type(types):
                    yield "a mode's type", node
            case ast.FunctionDef() if self._is_registered(node):
                yield "a mode's type", node.args.args[0]

    def _compared(self, node: ast.Compare) -> Iterator[tuple[str, ast.AST]]:
        sides = [value for side in (node.left, *node.comparators) for value in _values(side)]
        if any(_is_none(side) for side in sides):
            return
        if any(self._is_key(side) for side in sides):
            yield "a mode's key", node
        elif any(_is_kind(side) for side in sides):
            yield "a kind or mode", node
        elif any(_is_type_of(side) for side in sides) and any(map(self._has_type, sides)):
            yield "a mode's type", node
        elif self._tells_by_axes(node) and not self._raises(node):
            yield "a number of axes", node

    def _matched(self, node: ast.Match) -> Iterator[tuple[str, ast.AST]]:
        if _is_kind(node.subject):
            yield "a kind or mode", node.subject
        by_shape = _last(node.subject) in {"shape", *STATES}
        for case in node.cases:
            for pattern in ast.walk(case.pattern):
                if isinstance(pattern, ast.MatchValue) and self._is_key(pattern.value):
                    yield "a mode's key", pattern.value
                elif isinstance(pattern, ast.MatchClass) and self._has_type(pattern.cls):
                    yield "a mode's type", pattern.cls
                elif isinstance(pattern, ast.MatchSequence) and by_shape:
                    yield "a number of axes", node.subject

    def _is_key(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Constant):
            return isinstance(node.value, str) and node.value in self._keys
        if isinstance(node, ast.Attribute):
            return node.attr in CONSTANTS and _last(node.value) == "catalogue"
        return isinstance(node, ast.Name) and node.id in self._constants

    def _chooses(self, node: ast.Dict) -> bool:
        """Whether a dictionary is a table of modes, not one of arrays."""
        keys = [key for key in node.keys if key is not None]
        if not keys or not all(self._is_key(key) for key in keys):
            return False
        above = self._parents.get(node)
        if isinstance(above, ast.keyword):
            return above.arg not in ARRAYS
        return not (above is not None and ARRAYS & set(_named(above)))

    def _has_type(self, node: ast.AST) -> bool:
        return any(_last(value) in self._types for value in _values(node))

    def _is_registered(self, node: ast.FunctionDef) -> bool:
        by = [decorator for decorator in node.decorator_list if _last(decorator) == "register"]
        first = node.args.args[0].annotation if node.args.args else None
        return bool(by) and first is not None and self._has_type(first)

    def _tells_by_axes(self, node: ast.Compare) -> bool:
        """Whether it comes out otherwise for images than for points, with or without a batch."""
        if len(node.ops) != 1:
            return False
        left, right = node.left, node.comparators[0]
        if not _counts_axes(left) and not _counts_axes(right):
            return False
        numbers = [
            value.value
            for value in _values(right if _counts_axes(left) else left)
            if isinstance(value, ast.Constant) and isinstance(value.value, int)
        ]
        if not numbers:
            return False
        op = node.ops[0]
        if isinstance(op, ast.In | ast.NotIn):
            return any((a in numbers) != (b in numbers) for a, b in ((1, 3), (2, 4)))
        compare, number = OPERATORS.get(type(op)), numbers[0]
        if compare is None:
            return False
        got = [
            compare(n, number) if _counts_axes(left) else compare(number, n) for n in range(1, 5)
        ]
        return got[0] != got[2] or got[1] != got[3]

    def _is_asked(self, node: ast.AST) -> bool:
        """Whether something depends on its truth."""
        above = self._parents.get(node)
        if isinstance(above, ast.If | ast.IfExp | ast.While):
            return above.test is node
        return isinstance(above, ast.BoolOp) or isinstance(getattr(above, "op", None), ast.Not)

    def _raises(self, node: ast.AST) -> bool:
        """Whether it is a part of a condition that refuses: ``if ...: raise``."""
        while isinstance(above := self._parents.get(node), ast.BoolOp | ast.UnaryOp):
            node = above
        if isinstance(above, ast.If) and above.test is node:
            return isinstance(above.body[-1], ast.Raise)
        return isinstance(above, ast.Assert)


def _last(node: ast.AST) -> str:
    """The last identifier of a dotted name; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _values(node: ast.AST) -> list[ast.AST]:
    """What may be meant: each of a tuple, list or union, both ends of a conditional expression."""
    match node:
        case ast.Tuple() | ast.List() | ast.Set():
            return [value for part in node.elts for value in _values(part)]
        case ast.IfExp():
            return [*_values(node.body), *_values(node.orelse)]
        case ast.BinOp(op=ast.BitOr()):
            return [*_values(node.left), *_values(node.right)]
    return [node]


def _named(node: ast.AST) -> list[str]:
    """What a definition or an assignment gives a name to."""
    match node:
        case ast.FunctionDef():
            return [node.name]
        case ast.Assign():
            return [_last(target) for target in node.targets]
        case ast.AnnAssign():
            return [_last(node.target)]
    return []


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_owner(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return any(_last(argument) in SLOTS for argument in node.args)
    return _last(node).lstrip("_") in OWNERS


def _is_kind(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr="resolved_kind"):
            return True
        case ast.Attribute() if node.attr in KINDS:
            return _is_owner(node.value)
        case ast.Call():
            return _last(node.func) in ASKING
    return False


def _is_type_of(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _last(node.func) == "type"


def _counts_axes(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="len"), args=[shape]):
            return _last(shape).lstrip("_") == "shape"
        case (
            ast.Attribute(attr="ndim", value=states)
            | ast.Call(func=ast.Attribute(attr="dim", value=states), args=[])
        ):
            states = states.value if isinstance(states, ast.Subscript) else states
            return _last(states).lstrip("_") in STATES
    return False


def main() -> int:
    """Read the options, check, and print what is found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", nargs="?", type=Path, default=ROOT, help="a checkout; this one")
    short = parser.add_mutually_exclusive_group()
    short.add_argument("--count", action="store_true", help="only how many there are")
    short.add_argument("--files", action="store_true", help="only how many there are in each file")
    options = parser.parse_args()
    found = check(options.root.resolve())
    if options.files:
        for file, count in by_file(found).items():
            print(count, file)
        return 1 if found else 0
    places, files = {(f.file, f.line) for f in found}, {f.file for f in found}
    if options.count:
        for rule, count in sorted(Counter(finding.rule for finding in found).items()):
            print(f"{count:4} {rule}")
    else:
        for finding in found:
            print(finding)
    print(f"{len(places)} places in {len(files)} files ask which mode is on")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
