"""What the networks that can be trained would cost here, measured before anybody asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from typing import Any

from engine.shared import messages
from engine.shared.config import PRESETS, TrainingConfig
from engine.shared.messages import AnyReport, Arrays
from toydiff_gui.engine_client.exchange import Exchange
from toydiff_gui.engine_client.wanted import Answer, Unavailable, Wanted, content_of
from toydiff_gui.modes.images.kind import trains_images
from toydiff_gui.modes.images.network_presets import with_network
from toydiff_gui.modes.images.settings import COSTS, Cost
from toydiff_gui.state import wording
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG

PAUSE_MS = 300
"""A batch size that is still being typed is not measured."""


class NetworkCosts:
    """Wants the presets measured for the images that are chosen, one at a time, the chosen first.

    Not while a training runs, since both would only measure each other, and never before what the
    user waits for.
    """

    def __init__(self, store: Store, exchange: Exchange) -> None:
        self._store, self._exchange = store, exchange

    def wanted(self) -> Iterable[Wanted | Unavailable]:
        """The presets up to the first that is not yet measured."""
        one_is_missing = False
        for key, config in self._presets():
            wanted = self._measured(key, config)
            shown = self._exchange.shown(wanted.key)
            is_known = shown is not None and shown.content == wanted.content
            if one_is_missing:
                yield Unavailable(wanted.key, partial(self._clear, key, is_known=is_known))
            else:
                yield wanted
            one_is_missing = one_is_missing or not is_known

    def _presets(self) -> Sequence[tuple[str, TrainingConfig]]:
        """Each preset by its key, the one that is chosen first."""
        config = self._store.get(TRAINING_CONFIG)
        if not trains_images(config) or self._store.get(TRAINING).active:
            return ()
        return _presets_of(config)

    def _measured(self, key: str, config: TrainingConfig) -> Wanted:
        request = messages.MeasureCost(config=_what_counts(config))
        return Wanted(
            f"cost:{key}",
            request,
            partial(self._show, key),
            slot="cost",
            collect=_collect,
            kin=content_of(request, {}, 0),
            pause_ms=PAUSE_MS,
            idle=True,
            needs_model=False,
        )

    def _clear(self, key: str, *, is_known: bool) -> None:
        """What was measured with another batch is not true any more."""
        if not is_known:
            self._store.put(COSTS, key, None)

    def _show(self, key: str, answer: Answer) -> None:
        match answer.status:
            case "empty":
                self._store.put(COSTS, key, None)
            case "done":
                info = answer.value
                self._store.put(COSTS, key, Cost(info["parameters"], info["seconds_per_step"]))
            case "failed":
                self._store.put(COSTS, key, Cost(failed=True))


@lru_cache(maxsize=4)
def _presets_of(config: TrainingConfig) -> Sequence[tuple[str, TrainingConfig]]:
    found = [(wording.cost_key(config, preset), with_network(config, preset)) for preset in PRESETS]
    return sorted(found, key=lambda item: item[1].unet != config.unet)


def _collect(value: Any, message: AnyReport, arrays: Arrays) -> Any:
    return message.info if isinstance(message, messages.Result) else value


def _what_counts(config: TrainingConfig) -> TrainingConfig:
    """The configuration with nothing in it that the cost does not depend on."""
    return TrainingConfig(
        dataset=config.dataset,
        image_size=config.image_size,
        channels=config.channels,
        unet=config.unet,
        batch_size=config.batch_size,
    )
