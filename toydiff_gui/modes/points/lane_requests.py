"""What the lanes of points ask the engine for.

While an endpoint is dragged they ask for few steps, one batch at a time and always for the newest
position; on release for all steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np
from PySide6.QtCore import QObject

from engine.shared import catalogue, messages
from engine.shared.config import SamplerConfig
from engine.shared.messages import Arrays, Request
from toydiff_gui.controllers.geodesic import Between, GeodesicSearch
from toydiff_gui.controllers.lanes import (
    Pace,
    is_of_lane,
    lane_key,
    put_run,
    run_collector,
    show_run,
)
from toydiff_gui.controllers.models import Models
from toydiff_gui.engine_client.exchange import Exchange
from toydiff_gui.engine_client.wanted import Answer, Unavailable, Wanted, content_of
from toydiff_gui.modes.points.compose import LATENT_KEY
from toydiff_gui.modes.points.settings import INVERSION, SAMPLING, Sampling
from toydiff_gui.state.lanes import LANE_RUNS, LaneRun, LaneSpec, shown_lanes
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import DRAGGING, VIEW


class PointLanes(QObject):
    """Wants the trajectories of the lanes on show."""

    def __init__(
        self,
        store: Store,
        exchange: Exchange,
        playback: Playback,
        models: Models,
        geodesic: GeodesicSearch,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._playback = store, playback
        self._models, self._geodesic = models, geodesic
        self._pace = Pace()
        exchange.batch_ended.connect(self._on_batch)

    def _on_batch(self, key: str, took_ms: float) -> None:
        if is_of_lane(key):
            self._pace.learn(took_ms)

    def wanted(self) -> Iterable[Wanted | Unavailable]:
        """An answer for each lane that is drawn."""
        coarse = self._store.get(DRAGGING)
        for lane in shown_lanes(self._store):
            yield self._of_lane(lane, coarse)

    def _of_lane(self, lane: LaneSpec, coarse: bool) -> Wanted | Unavailable:
        store, key = self._store, lane.key
        if (model := self._models.of_lane(lane)) is None:
            return Unavailable(lane_key(key), partial(self._models.show_why_not, lane))
        sampling = store.get(SAMPLING)
        given = self._given_latents(lane)
        if given is None:  # they are being looked for, or were not found
            return Unavailable(lane_key(key), partial(self._show_why_no_latents, lane))
        full = lane.sampler_config(sampling, model.schedule.timesteps)
        sampler = self._pace.fit(full) if coarse else full
        ref, relevant = lane.reference(model), _relevant(lane, sampling)
        request, arrays = _request(ref, sampler, relevant, given)
        any_steps, _ = _request(ref, replace(full, steps=1), relevant, given)
        return Wanted(
            lane_key(key),
            request,
            partial(self._show, key, sampling.mode),
            slot=key,
            arrays=arrays,
            revision=model.revision,
            collect=run_collector({}, coarse=coarse),
            coarse=coarse,
            place=content_of(any_steps, arrays, model.revision),
            kin=(ref, sampling.mode),
            holds=self._is_behind,
        )

    def between(self) -> Between:
        """What a geodesic would lead from and to."""
        sampling, model = self._store.get(SAMPLING), self._store.get(MODEL)
        a, b = (np.asarray(end, np.float32) for end in (sampling.a, sampling.b))
        ends = (sampling.a, sampling.b)
        return Between(model.ref, model.revision, a, b, sampling.path_points, ends)

    def looks_at_geodesic(self) -> bool:
        """Whether a lane or the table of paths needs it."""
        sampling = self._store.get(SAMPLING)
        if sampling.mode != "interpolation":
            return False
        lanes = shown_lanes(self._store)
        shown = any(_is_searched(lane, sampling) for lane in lanes)
        return shown or self._store.get(VIEW).shows_lab

    def _is_behind(self, run: LaneRun) -> bool:
        """Whether a run has not come as far as the picture: do not fall back to noise meanwhile."""
        reached = None if run.trajectory is None else run.trajectory.reached
        return reached is not None and reached > self._playback.t

    def _show(self, key: str, mode: str, answer: Answer) -> None:
        show_run(self._store, key, answer)
        run = answer.value
        if mode != "interpolation" and run is not None and run.trajectory is not None:
            latents = run.trajectory.x[0]
            if self._store.at(LANE_RUNS, LATENT_KEY).latents is not latents:
                self._store.put(LANE_RUNS, LATENT_KEY, LaneRun(latents=latents, status="done"))

    def _given_latents(self, lane: LaneSpec) -> Arrays | None:
        """Latents to send along; None while they are not there, empty where none are needed."""
        sampling = self._store.get(SAMPLING)
        if sampling.mode == "inverted":
            latents = self._store.get(INVERSION).latents
        elif sampling.mode == "interpolation" and _is_searched(lane, sampling):
            latents = self._geodesic.latents()
        else:
            return {}
        return None if latents is None else {"latents": latents}

    def _show_why_no_latents(self, lane: LaneSpec) -> None:
        inversion, mode = self._store.get(INVERSION), self._store.get(SAMPLING).mode
        if mode == "interpolation":
            self._geodesic.show_in(lane)
        elif inversion.status == "failed" and inversion.message:
            run = LaneRun(status="failed", message=inversion.message)
            put_run(self._store, lane.key, run)


def _is_searched(lane: LaneSpec, sampling: Sampling) -> bool:
    return catalogue.path(lane.path_name(sampling)).searched


def _request(
    ref: str, sampler: SamplerConfig, sampling: Sampling, given: Arrays
) -> tuple[Request, Arrays]:
    if given or sampling.mode != "interpolation":
        sample = messages.Sample(
            checkpoint=ref, sampler=sampler, count=sampling.count, seed=sampling.seed
        )
        return sample, given
    arrays = {
        "start": np.asarray(sampling.a, np.float32),
        "end": np.asarray(sampling.b, np.float32),
    }
    if sampling.through:
        arrays["through"] = np.asarray(sampling.through, np.float32)
    interpolate = messages.Interpolate(
        checkpoint=ref,
        sampler=sampler,
        points=sampling.path_points,
        path=sampling.path,
        side=sampling.side,
        even=sampling.even,
        seed=sampling.seed,
    )
    return interpolate, arrays


def _relevant(lane: LaneSpec, sampling: Sampling) -> Sampling:
    """Only what a lane depends on: eta or the count of the other mode must not wake it."""
    seed = sampling.seed if lane.seed is None else lane.seed
    relevant = replace(sampling, steps=None, eta=0.0, seed=seed)
    if sampling.mode != "interpolation":
        return replace(
            relevant,
            count=sampling.count if sampling.mode == "samples" else 1,
            path_points=2,
            a=(0.0, 0.0),
            b=(0.0, 0.0),
            path="linear",
            side="left",
            even=False,
            through=(),
        )
    path = lane.path_name(sampling)
    row = catalogue.path(path)
    return replace(
        relevant,
        count=1,
        path=path,
        side=sampling.side if row.sided else "left",
        even=sampling.even and not row.searched,
        through=sampling.through if row.way_points else (),
    )
