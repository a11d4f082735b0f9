"""Searches for the geodesic between the present endpoints, while somebody wants to see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.shared import catalogue, messages
from engine.shared.messages import AnyReport, Arrays
from engine.shared.trajectory import Trajectory
from toydiff_gui.controllers.lanes import put_run
from toydiff_gui.engine_client.exchange import Exchange
from toydiff_gui.engine_client.wanted import Answer, Unavailable, Wanted, content_of
from toydiff_gui.state.lanes import LaneRun, LaneSpec
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.results import GEODESIC, SEARCH_SEED, GeodesicRun, SearchSeed
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import DRAGGING

Latents = NDArray[np.float32]

KEY = "geodesic"
"""The exchange's key."""
NOTHING_FOUND = "The search was stopped before it had found a path."


@dataclass(frozen=True, eq=False)
class Between:
    """All that a geodesic depends on: ``start`` and ``end`` (...), and how many points it has.

    ``told`` are class weights along the path, if any are asked for. ``ends`` is what the mode calls
    the endpoints; it goes into ``GeodesicRun``.
    """

    ref: str
    revision: int
    start: Latents
    end: Latents
    points: int
    ends: tuple[Any, Any]
    told: Arrays = field(default_factory=dict)
    guidance: float = 1.0

    def request(self, seed: int) -> messages.FindPath:
        """What the engine is asked for."""
        return messages.FindPath(
            checkpoint=self.ref, points=self.points, seed=seed, guidance=self.guidance
        )

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What goes along with the request."""
        return {"start": self.start, "end": self.end, **self.told}

    @property
    def name(self) -> str:
        """Tells what is searched for, whatever the weights behind the reference are now."""
        content = repr(content_of(self.request(0), self.arrays, 0))
        return blake2b(content.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class _Found:
    """The best path so far, and what a few steps make of it."""

    latents: Latents
    preview: Trajectory | None = None
    energies: tuple[float, ...] = ()
    step: int = 0
    total: int = 0
    seconds: float = 0.0
    coefficients: int = 0


def _collect(found: _Found | None, message: AnyReport, arrays: Arrays) -> _Found | None:
    match message:
        case messages.PathFound():
            times = tuple(arrays["t"].tolist())
            return _Found(
                arrays["latents"],
                Trajectory(times, tuple(arrays["x"]), tuple(arrays["x0"])),
                (*(found.energies if found else ()), message.energy),
                message.step,
                message.total,
                message.elapsed,
            )
        case messages.Result(cancelled=False):
            before = found or _Found(arrays["latents"])
            return replace(
                before,
                latents=arrays["latents"],
                # The simple start, then the best after every pass.
                energies=(*before.energies[:1], *message.info["energies"]),
                seconds=message.seconds,
                coefficients=message.info["coefficients"],
            )
    return found


class GeodesicSearch:
    """Searches when the mode on show has somebody who looks at a geodesic, never while dragging.

    The mode says between which ends with ``watch``; what is found is in ``GEODESIC``.
    """

    def __init__(self, store: Store, exchange: Exchange) -> None:
        self._store, self._exchange = store, exchange
        self._present: Callable[[], Between | None] = lambda: None
        self._looked_at: Callable[[], bool] = lambda: False
        self._found: tuple[Between, int, _Found] | None = None
        self._complete = False
        """Whether what was found is all that will be: the search has ended, or was stopped."""
        self._asked: Wanted | None = None

    def watch(self, present: Callable[[], Between | None], looked_at: Callable[[], bool]) -> None:
        """From now on ``present`` says between what, and ``looked_at`` whether anybody looks."""
        self._present, self._looked_at = present, looked_at

    def show_in(self, lane: LaneSpec) -> None:
        """In a lane without latents: why there are none, or what a few steps make of the best."""
        store, search, preview = self._store, self._store.get(GEODESIC), self.preview
        if search.status in ("failed", "stopped") and search.message:
            put_run(store, lane.key, LaneRun(status="failed", message=search.message))
        elif (
            preview is not None
            # Of a random sampler a few steps of DDIM are no preview.
            and not catalogue.sampler(lane.sampler).random
            and lane.reference(store.get(MODEL)) == store.get(MODEL).ref
        ):
            put_run(store, lane.key, LaneRun(trajectory=preview, status="running", coarse=True))

    @property
    def preview(self) -> Trajectory | None:
        """What a few steps make of the best path so far between the ends of now."""
        present = self._present()
        best = None if present is None else self._best(present, self._seed_of(present))
        return None if best is None else best.preview

    def latents(self) -> Latents | None:
        """Where lanes on the geodesic start: the path found, for the endpoints of now.

        While an endpoint is dragged, the last path moved along with the endpoints; None while there
        is nothing yet.
        """
        present = self._present()
        if self._found is None or present is None:
            return None
        between, seed, found = self._found
        if between.name == present.name and between.revision == present.revision:
            own = seed == self._seed_of(present)
            return found.latents if own and self._complete else None
        moved = replace(between, start=present.start, end=present.end)
        if self._store.get(DRAGGING) and moved.name == present.name:
            before, after = (between.start, between.end), (present.start, present.end)
            return _moved(found.latents, before, after)
        return None

    def stop(self) -> None:
        """End the search; the best path so far stays."""
        if KEY in self._exchange.under_way:
            self._exchange.stop([KEY], NOTHING_FOUND)
            self._exchange.look()

    def search_again(self) -> None:
        """Search anew for the same endpoints, from other starts."""
        self.stop()
        if (present := self._present()) is not None:
            seed = SearchSeed(present.name, self._seed_of(present) + 1)
            self._store.set(SEARCH_SEED, seed)

    def _seed_of(self, between: Between) -> int:
        """Of the starts: the same for the same endpoints, until they are searched again."""
        again = self._store.get(SEARCH_SEED)
        return again.seed if again.of == between.name else 0

    def _best(self, between: Between, seed: int) -> _Found | None:
        """What a search has found so far."""
        if self._found is None:
            return None
        other, of, found = self._found
        same = (other.name, other.revision, of) == (between.name, between.revision, seed)
        return found if same else None

    # What is wanted

    def wanted(self) -> Iterable[Wanted | Unavailable]:
        """The geodesic between the ends of now, if anybody looks at it."""
        between = self._present()
        if between is None or not self._looked_at():
            return
        seed = self._seed_of(between)
        wanted = Wanted(
            KEY,
            between.request(seed),
            lambda answer: self._show(between, seed, answer),
            arrays=between.arrays,
            revision=between.revision,
            collect=_collect,
            stirs=True,
            gone=self._give_up,
        )
        same = self._asked is not None and self._asked.content == wanted.content
        if self._store.get(DRAGGING) and not same:
            self._asked = None
            yield Unavailable(KEY, self._give_up)
            return
        self._asked = wanted
        yield wanted

    def _give_up(self) -> None:
        if self._store.get(GEODESIC).status == "searching":
            self._store.set(GEODESIC, replace(self._store.get(GEODESIC), status="stopped"))

    def _show(self, between: Between, seed: int, answer: Answer) -> None:
        found: _Found | None = answer.value
        if answer.status == "failed":
            found = self._best(between, seed)
        present = self._present()
        if answer.status == "running" and (present is None or present.name != between.name):
            return  # it is about to be cancelled
        run = GeodesicRun(status="searching", ends=between.ends)
        if found is not None:
            run = replace(
                run,
                step=found.step,
                total=found.total,
                energies=found.energies,
                seconds=found.seconds,
                coefficients=found.coefficients,
                latents=found.latents,
            )
        if found is not None:
            self._found = (between, seed, found)
            self._complete = answer.status in ("done", "stopped", "failed")
        match answer.status:
            case "empty":
                return
            case "running":
                pass
            case "done":
                run = replace(run, status="done")
            case "stopped":
                run = replace(run, status="stopped", message="" if found else answer.message)
            case "failed":
                run = replace(run, status="failed", message=answer.message)
            case "lost":
                before = self._store.get(GEODESIC)
                if before.status != "searching":
                    return
                run = replace(before, status="failed", message=answer.message)
        self._store.set(GEODESIC, run)


def _moved(
    latents: Latents, before: tuple[Latents, Latents], after: tuple[Latents, Latents]
) -> Latents:
    """A path with its deviation from the straight line kept, between other endpoints."""
    s = np.linspace(0, 1, len(latents), dtype=np.float32)
    s = s.reshape(-1, *[1] * (latents.ndim - 1))

    def line(ends: tuple[Latents, Latents]) -> Latents:
        first, last = ends
        return np.asarray((1 - s) * first + s * last, np.float32)

    return np.asarray(latents - line(before) + line(after), np.float32)
