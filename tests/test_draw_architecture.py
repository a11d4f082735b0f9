"""The figures of the architecture on imports that are known, and a picture of them."""

import random
from xml.etree import ElementTree

import grimp
import pytest

from scripts.draw_architecture import (
    Figures,
    floors,
    into_modes,
    measure,
    picture,
    rooms,
    table,
    upward,
)

WINDOW = [
    ("app.window", "modes.points.mode"),
    ("app.window", "panels.dock"),
    ("modes.points.mode", "panels.dock"),
    ("modes.points.panels.path", "modes.points.settings"),
    ("modes.tasks", "state.store"),
    ("panels.dock", "state.store"),
    ("panels.train", "state.store"),
    ("state.store", "style"),
]
ENGINE = [("service", "shared.config"), ("training", "shared.config")]
WRONG = [("panels.dock", "modes.points.settings"), ("modes.images.mode", "modes.points.settings")]


def graph_of(window=(), engine=(), order=None):
    """A graph of these imports, in another order of being found if asked for."""
    graph = grimp.ImportGraph()
    found = [(f"toydiff_gui.{a}", f"toydiff_gui.{b}") for a, b in window]
    found += [(f"engine.{a}", f"engine.{b}") for a, b in engine]
    found.append(("toydiff_gui.state.store", "engine.shared.config"))
    if order is not None:
        random.Random(order).shuffle(found)
    for importer, imported in found:
        graph.add_import(importer=importer, imported=imported)
    return graph


def test_a_tower_is_measured():
    graph = graph_of(WINDOW, ENGINE)
    assert measure(graph, "toydiff_gui") == Figures(
        rooms=5, floors=5, arrows=6, upward=0, circles=0, into_modes=0
    )
    assert measure(graph, "engine") == Figures(3, 2, 2, 0, 0, 0)
    assert floors(rooms(graph, "toydiff_gui")) == {
        "app": 4, "modes": 3, "panels": 2, "state": 1, "style": 0,
    }  # fmt: skip


def test_what_goes_into_modes_is_found_but_for_the_app():
    assert into_modes(graph_of([*WINDOW, *WRONG], ENGINE)) == [
        ("toydiff_gui.modes.images.mode", "toydiff_gui.modes.points.settings"),
        ("toydiff_gui.panels.dock", "toydiff_gui.modes.points.settings"),
    ]


def test_a_circle_is_one_whatever_its_length_and_opened_at_its_weakest_place():
    arrows = {
        "a": frozenset({"b", "c"}),
        "b": frozenset({"c"}),
        "c": frozenset({"d", "a"}),
        "d": frozenset(),
        "e": frozenset({"a"}),
    }
    assert upward(arrows) == {("c", "a")}
    assert floors(arrows) == {"d": 0, "c": 1, "b": 2, "a": 3, "e": 4}
    window = [(f"{a}.x", f"{b}.x") for a, others in arrows.items() for b in others]
    figures = measure(graph_of(window), "toydiff_gui")
    assert (figures.upward, figures.circles) == (1, 1)


def test_the_same_imports_give_the_same_picture():
    graphs = [graph_of([*WINDOW, *WRONG], ENGINE, order) for order in range(3)]
    assert len({picture(graph) for graph in graphs}) == 1
    assert len({table(graph) for graph in graphs}) == 1


@pytest.mark.parametrize(("window", "red"), [(WINDOW, 0), ([*WINDOW, *WRONG], 1)])
def test_every_room_is_drawn_once_and_what_leads_upward_in_red(window, red):
    text = picture(graph_of(window, ENGINE))
    tree = ElementTree.fromstring(text)
    drawn = [element.text for element in tree.findall(".//{*}text")]
    for room in ("app", "modes", "modes/points", "panels", "state", "style", "service", "shared"):
        assert drawn.count(room) == 1
    assert text.count('stroke="#c8321e"') == red
    assert "The window imports of the engine: shared." in drawn


def test_the_table_names_every_package():
    lines = table(graph_of(WINDOW, ENGINE)).splitlines()
    assert lines[0] == "| package | rooms | floors | arrows | upward | circles | into modes |"
    assert lines[2] == "| toydiff_gui | 5 | 5 | 6 | 0 | 0 | 0 |"
    assert lines[3] == "| engine | 3 | 2 | 2 | 0 | 0 | 0 |"
