"""Knows where image sets are, fetches one when the user says so, and brings images to look at."""

from __future__ import annotations

from PySide6.QtCore import QObject

from engine.datasets.images import INFOS, folder_training, image_training
from engine.shared import messages
from engine.shared.config import TrainingConfig
from engine.shared.messages import AnyReport, Arrays
from toydiff_gui.engine_client.client import Client
from toydiff_gui.modes.images.kind import makes_images
from toydiff_gui.modes.images.settings import IMAGE_DATA
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.model import MODEL, ModelInfo
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING_CONFIG

ROOTS, FOLDER_OF_IMAGES = "images/roots", "images/folder"
MOST_ROOTS = 8
"""Chosen folders that are remembered."""
FOLDER = "folder"
ON_A_CARD, TO_CHOOSE_FROM = 4, 60
"""Images for the card of a set, and on a page to choose one from."""


def data_root(state: Store, config: TrainingConfig) -> str:
    """Where the engine is to look first for what ``config`` trains with; '' for the usual places.

    Where it has been found is a root as well. For a folder of images that is the folder itself.
    """
    data = state.get(IMAGE_DATA)
    found = data.places.get(config.dataset, "")
    return found if config.dataset == FOLDER else found or data.root


def config_of(model: ModelInfo) -> TrainingConfig | None:
    """A configuration that names the model's data; None for data of which nothing is known."""
    if model.dataset in INFOS:
        return image_training(model.dataset)
    if model.dataset == FOLDER and makes_images(model):
        channels, side, _ = model.shape
        return folder_training(side, channels)
    return None


def root_of(state: Store, model: ModelInfo) -> str:
    """Where the engine is to look first for the model's images; '' for the usual places alone."""
    config = config_of(model)
    return data_root(state, config) if config is not None else ""


def where_missing(host: str) -> str:
    """Where a set is not: the engine looks on its own machine, and ``host`` names another."""
    return f"not on {host}" if host else "not on this computer"


def absent_text(state: Store, dataset: str) -> str:
    """What to say where images of a set are wanted that is not here, and what to do about it.

    Empty if it is here, or has not been looked for.
    """
    places = state.get(IMAGE_DATA).places
    if places.get(dataset):
        return ""
    if dataset == FOLDER:
        return "The folder of the images is not known: choose it in the panel Train"
    if dataset not in places:
        return ""
    where = where_missing(state.get(ENGINE).host)
    return (
        f"{INFOS[dataset].title} is {where}: download it in the panel Train, or choose its folder "
        "there"
    )


class ImageSets(QObject):
    """Finds, fetches and reads sets of images through the engine. Nothing is fetched unasked."""

    def __init__(
        self,
        state: Store,
        client: Client,
        settings: SettingsFile,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._client, self._settings = state, client, settings
        self._find_job: int | None = None
        self._root_chosen = False
        """The answer that is waited for is the first about a folder the user has just chosen."""
        self._fetch_job: int | None = None
        self._browse_job: int | None = None
        self._browsed = ""
        self._cards: set[str] = set()
        """Sets whose images for the card are on their way."""
        self._pages: dict[str, int] = {}
        self._lost_page = ""
        """The set of which a page was on its way when the engine died."""
        self._lost_cards: set[str] = set()
        self._host: str | None = None
        self._recall(state.get(ENGINE).host)
        client.died.connect(self._on_died)
        state.changed(ENGINE).connect(self._on_engine)
        self._on_engine()  # which may have been there for long

    @property
    def busy(self) -> bool:
        """Whether something is on its way."""
        jobs = (self._find_job, self._fetch_job, self._browse_job)
        return any(job is not None for job in jobs) or bool(self._cards)

    @property
    def _root(self) -> str:
        return self._state.get(IMAGE_DATA).root

    def _key(self, key: str) -> str:
        """Of a setting: folders of another machine are kept by its name."""
        return f"{key}/{self._host}" if self._host else key

    def _recall(self, host: str) -> None:
        if host == self._host:
            return
        self._host = host
        self._root_chosen = False
        listed = self._settings.get(self._key(ROOTS), list[str]) or ()
        roots = tuple(root for root in listed if root)
        folder = self._settings.get(self._key(FOLDER_OF_IMAGES), str)
        self._state.update(IMAGE_DATA, roots=roots, places={FOLDER: folder} if folder else {})

    def _on_engine(self) -> None:
        self._recall(self._state.get(ENGINE).host)
        if self._state.get(ENGINE).status == "ready":
            self.find()
            self._ask_for_what_was_lost()

    def _ask_for_what_was_lost(self) -> None:
        """Images that were on their way when the last engine died."""
        page, cards = self._lost_page, self._lost_cards
        self._lost_page, self._lost_cards = "", set()
        if page:
            self._read_page(page)
        for dataset in sorted(cards):
            self.show_on_card(dataset)

    # What can be asked

    def find(self) -> None:
        """Look where the sets are."""
        roots = list(self._state.get(IMAGE_DATA).roots)
        self._cancel(self._find_job)
        self._find_job = self._client.ask(
            messages.FindData(slot="data", data_roots=roots),
            done=self._on_found,
            failed=self._on_not_found,
        )

    def set_root(self, folder: str) -> None:
        """Look in the user's own ``folder`` first; those chosen before may hold the other sets."""
        others = [root for root in self._state.get(IMAGE_DATA).roots if root != folder]
        roots = (folder, *others)[:MOST_ROOTS]
        self._settings.put(self._key(ROOTS), roots)
        self._state.update(IMAGE_DATA, roots=roots, message="", browse_message="")
        self._root_chosen = True
        self.find()

    def use_folder(self, folder: str) -> None:
        """Take ``folder``, whose images are to be trained with."""
        self._settings.put(self._key(FOLDER_OF_IMAGES), folder)
        data = self._state.get(IMAGE_DATA)
        if self._browsed == FOLDER:
            self._cancel(self._browse_job)  # what still comes is of the folder before
            self._browse_job = None
        if data.browsed_set == FOLDER:
            self._state.update(IMAGE_DATA, browsed=None, labels=None, browsed_set="")
        self._state.update(
            IMAGE_DATA, places={**data.places, FOLDER: folder}, message="", browse_message=""
        )

    def fetch(self, dataset: str) -> None:
        """Download a set; the user has been asked."""
        data = self._state.get(IMAGE_DATA)
        if data.fetching:
            self._state.post(f"{INFOS[data.fetching].title} is being downloaded already.")
            return
        if not self._ready("Downloading"):
            return
        self._state.update(
            IMAGE_DATA, fetching=dataset, done=0, total=0, remaining=None, message=""
        )
        self._fetch_job = self._client.ask(
            messages.DownloadData(slot="download", dataset=dataset, data_root=self._root),
            report=self._on_progress,
            done=self._on_fetched,
            failed=self._on_not_fetched,
        )

    def cancel_fetch(self) -> None:
        """Stop the download; nothing half is kept."""
        if self._fetch_job is not None:
            self._cancel(self._fetch_job)
            self._fetched()

    def browse(self, dataset: str) -> None:
        """Bring images of a set to choose from, each time others."""
        if not self._ready("Reading images"):
            return
        self._pages[dataset] = self._pages.get(dataset, -1) + 1
        self._state.update(IMAGE_DATA, browse_message="")
        self._read_page(dataset)

    def _read_page(self, dataset: str) -> None:
        self._cancel(self._browse_job)
        self._browsed = dataset
        self._browse_job = self._client.ask(
            self._browsing(dataset, TO_CHOOSE_FROM, self._pages[dataset], "browse"),
            done=self._on_browsed,
            failed=self._on_not_browsed,
        )

    def show_on_card(self, dataset: str) -> None:
        """Bring a few images of a set for its card."""
        if self._state.get(ENGINE).status != "ready" or dataset in self._cards:
            return

        def done(message: messages.Result, arrays: Arrays) -> None:
            self._cards.discard(dataset)
            if not message.cancelled:
                known = self._state.get(IMAGE_DATA).thumbnails
                self._state.update(IMAGE_DATA, thumbnails={**known, dataset: arrays["images"]})

        self._cards.add(dataset)
        self._client.ask(
            self._browsing(dataset, ON_A_CARD, 0, f"card {dataset}"),
            done=done,
            failed=lambda _: self._cards.discard(dataset),  # the card keeps its icon
        )

    def _browsing(self, dataset: str, count: int, seed: int, slot: str) -> messages.BrowseImages:
        config = self._config_of(dataset)
        return messages.BrowseImages(
            slot=slot,
            config=config,
            count=count,
            seed=seed,
            data_root=data_root(self._state, config),
        )

    def _config_of(self, dataset: str) -> TrainingConfig:
        config, model = self._state.get(TRAINING_CONFIG), self._state.get(MODEL)
        # What is chosen goes into the model that is open, whatever is to be trained next.
        if dataset == FOLDER and (model.dataset == FOLDER or config.dataset != FOLDER):
            channels, side, _ = model.shape
            return folder_training(side, channels)
        return config if config.dataset == dataset else image_training(dataset)

    def _ready(self, what: str) -> bool:
        ready = self._state.get(ENGINE).status == "ready"
        if not ready:
            self._state.post(f"{what} needs the engine, which is not ready.", error=True)
        return ready

    def _cancel(self, job: int | None) -> None:
        if job is not None:
            self._client.cancel(job)

    # Answers

    def _on_progress(self, message: AnyReport, arrays: Arrays) -> None:
        if isinstance(message, messages.Progress):
            self._state.update(
                IMAGE_DATA, done=message.done, total=message.total, remaining=message.remaining
            )

    def _on_fetched(self, message: messages.Result, arrays: Arrays) -> None:
        self._fetched()
        self.find()

    def _on_not_fetched(self, failure: messages.Failure) -> None:
        self._fetched(failure.message)
        self._state.post(failure.message, error=True)

    def _on_browsed(self, message: messages.Result, arrays: Arrays) -> None:
        self._browse_job = None
        if not message.cancelled:
            self._state.update(
                IMAGE_DATA,
                browsed=arrays["images"],
                labels=arrays["labels"],
                browsed_set=self._browsed,
                browse_message="",
            )

    def _on_not_browsed(self, failure: messages.Failure) -> None:
        self._browse_job = None
        absent = absent_text(self._state, self._browsed)
        self._state.update(IMAGE_DATA, browse_message=absent or failure.message)

    def _on_not_found(self, failure: messages.Failure) -> None:
        self._find_job, self._root_chosen = None, False
        self._state.post(failure.message, error=True)

    def _on_found(self, message: messages.Result, arrays: Arrays) -> None:
        self._find_job = None
        if message.cancelled:
            return
        info = message.info
        places = {name: place for name, place in info.items() if name != "download_root"}
        if folder := self._state.get(IMAGE_DATA).places.get(FOLDER):
            places[FOLDER] = folder
        self._state.update(IMAGE_DATA, places=places, download_root=info.get("download_root", ""))
        chosen, self._root_chosen = self._root_chosen, False
        dataset = self._state.get(TRAINING_CONFIG).dataset
        if chosen and places.get(dataset) == "":  # a folder of images is not in the answer
            self._state.post(f"There is no {INFOS[dataset].title} in {self._root!r}.", error=True)

    def _fetched(self, why: str = "") -> None:
        self._fetch_job = None
        self._state.update(IMAGE_DATA, fetching="", done=0, total=0, remaining=None, message=why)

    def _on_died(self, why: str) -> None:
        fetched = self._fetch_job is not None
        self._lost_page = self._browsed if self._browse_job is not None else ""
        self._lost_cards = set(self._cards)
        self._find_job = self._fetch_job = self._browse_job = None
        self._root_chosen = False
        self._cards.clear()
        if fetched:
            self._fetched(why)
