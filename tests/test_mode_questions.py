"""Shared code asks which mode is on nowhere but where it did: the list of places only shrinks."""

from pathlib import Path

from scripts.check_modes import ROOT, by_file, check

KNOWN = Path(__file__).with_name("mode_questions.txt")
"""A line for each file that still asks: how many places, and which file."""
HOW = f"write it again: python -m scripts.check_modes --files > tests/{KNOWN.name}"


def test_no_place_in_shared_code_asks_for_the_mode_but_the_known_ones():
    lines = KNOWN.read_text(encoding="utf-8").splitlines()
    known = {file: int(count) for count, file in map(str.split, lines)}
    found = check(ROOT)
    now = by_file(found)
    more = {file for file, count in now.items() if count > known.get(file, 0)}
    added = [str(finding) for finding in found if finding.file in more]
    assert not added, "let the mode answer (see modes/NAME/mode.py) instead of asking for it"
    assert now == known, f"fewer places ask than the list says; {HOW}"
