"""Programs that the user has let run in this window.

That one was let run in an earlier window says nothing of what the file holds now.
"""

from __future__ import annotations

from toydiff_gui.state.model_refs import is_program
from toydiff_gui.state.slots import Kind, Slot
from toydiff_gui.state.store import Store

ALLOWED_PROGRAMS: Slot[frozenset[str]] = Slot("allowed programs", frozenset, Kind.TRANSIENT)


def may_open(store: Store, ref: str) -> bool:
    """Whether a model may be opened: it is no program, or the user has said so in this window."""
    return not is_program(ref) or ref in store.get(ALLOWED_PROGRAMS)


def allow_program(store: Store, ref: str) -> None:
    """Let a program run, as the user wishes."""
    if not may_open(store, ref):
        store.set(ALLOWED_PROGRAMS, store.get(ALLOWED_PROGRAMS) | {ref})
