"""Fills the table of paths while the laboratory is open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from engine.shared import catalogue, messages
from engine.shared.config import SamplerConfig
from engine.shared.messages import AnyReport, Arrays
from toydiff_gui.controllers.geodesic import GeodesicSearch
from toydiff_gui.engine_client.wanted import Answer, Unavailable, Wanted, content_of
from toydiff_gui.modes.points.settings import COMPARISON, SAMPLING, Comparison, PathFigures
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import DRAGGING, VIEW

KEY = "comparison"
"""The exchange's key."""
PAUSE_MS = 150
"""Endpoints that are still being nudged are not compared."""
Figures = Mapping[str, PathFigures]


def _collect(figures: Figures | None, message: AnyReport, arrays: Arrays) -> Figures:
    figures = figures or {}
    if isinstance(message, messages.PathMeasured):
        found = PathFigures(message.length, message.gap, message.gap_ratio, message.off_data)
        return {**figures, message.path: found}
    return figures


class PathComparison:
    """Wants the figures of all paths between the present endpoints.

    Figures of other endpoints, or of another model, are not shown meanwhile; of the same ends, what
    was found with an older geodesic is.
    """

    def __init__(self, store: Store, geodesic: GeodesicSearch) -> None:
        self._store, self._geodesic = store, geodesic
        self._last: Wanted | None = None

    def wanted(self) -> Iterable[Wanted | Unavailable]:
        """The table, if anybody looks at it."""
        store = self._store
        if not store.get(VIEW).shows_lab or store.get(SAMPLING).mode != "interpolation":
            return
        wanted = self._table()
        last = self._last
        if last is not None and last.kin == wanted.kin and "geodesic" not in wanted.arrays:
            wanted = last  # what was found before holds until the geodesic is found again
        if last is not None and last.kin != wanted.kin:
            self._forget()
        self._last = wanted
        yield Unavailable(KEY) if store.get(DRAGGING) else wanted

    def _table(self) -> Wanted:
        sampling, model = self._store.get(SAMPLING), self._store.get(MODEL)
        timesteps = model.schedule.timesteps
        arrays = {
            "start": np.asarray(sampling.a, np.float32),
            "end": np.asarray(sampling.b, np.float32),
        }
        simple = (row for row in catalogue.PATHS if not (row.searched or row.way_points))
        paths = list(catalogue.names(tuple(simple)))
        if sampling.through:
            arrays["through"] = np.asarray(sampling.through, np.float32)
            paths.append("drawn")
        steps = min(sampling.steps or timesteps, timesteps)
        request = messages.ComparePaths(
            checkpoint=model.ref,
            sampler=SamplerConfig(name="ddim", steps=steps),
            paths=paths,
            points=sampling.path_points,
            side=sampling.side,
            even=sampling.even,
        )
        kin = content_of(request, arrays, model.revision)
        geodesic = self._geodesic.latents()
        if geodesic is not None:
            arrays["geodesic"] = geodesic
            request.paths.append("geodesic")
        return Wanted(
            KEY,
            request,
            lambda answer: self._show(steps, answer),
            arrays=arrays,
            revision=model.revision,
            collect=_collect,
            kin=kin,
            pause_ms=PAUSE_MS,
            quiet=True,
            gone=self._forget_half,
        )

    def _forget(self) -> None:
        if self._store.get(COMPARISON) != Comparison():
            self._store.set(COMPARISON, Comparison())

    def _forget_half(self) -> None:
        """Nobody looks: a table that is complete stays for whoever comes back."""
        self._last = None
        if self._store.get(COMPARISON).status == "running":
            self._forget()

    def _show(self, steps: int, answer: Answer) -> None:
        before = self._store.get(COMPARISON)
        match answer.status:
            case "empty":
                table = Comparison()
            case "running" | "done":
                figures = {**before.figures, **(answer.value or {})}
                status = answer.status
                table = Comparison(status=status, steps=steps, figures=figures)
            case "lost" if before.status != "running":
                return
            case _:
                table = replace(before, status="failed", message=answer.message)
        self._store.set(COMPARISON, table)
