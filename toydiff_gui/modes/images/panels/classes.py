"""Which classes are asked for, and how strongly."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QSizePolicy, QWidget

from engine.shared.config import MOST_GUIDANCE
from toydiff_gui.modes.images.settings import IMAGE_SAMPLING, ImageSampling
from toydiff_gui.panels.dock import Choice, Section
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.style import theme
from toydiff_gui.widgets import NumberBox, SectionHeader, Text

NONE, EACH = "none", "each"
UNKNOWN = "This model has learned no classes"
GUIDANCE_TIP = (
    "How strongly classes are asked for (classifier-free guidance): 1 as learned, more gives "
    "clearer and less varied images, 0 ignores them."
)
FIXED_TIP = "Start every image of the path from A's noise, so that nothing but the class changes."
PARTS = ("tile_class", "tile_classes", "class_a", "class_b", "fixed_noise", "guidance")


class ClassesSection(Section):
    """The class of the tiles, the classes at both ends of the path, the guidance."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self.header = SectionHeader("Classes", reset_tooltip="Ask for no classes")
        self.header.reset_requested.connect(self._reset)
        self.column.addSpacing(4)
        self.column.addWidget(self.header)
        self.options = QWidget()
        grid = QGridLayout(self.options)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        self._labels: tuple[str, ...] | None = None
        self._captions: list[Text] = []
        self.tiles = self._choice(
            "Class of the samples",
            "The class that all samples are asked for, or every class in "
            "turn. A tile's own menu asks for another.",
        )
        self.ends = {
            mark: self._choice(
                f"Class at {mark}",
                f"The class asked for at {mark}; between A and B the weight goes from one to the "
                "other.",
            )
            for mark in ("A", "B")
        }
        self.tiles.activated.connect(self._set_tiles)
        self.ends["A"].activated.connect(self._set_a)
        self.ends["B"].activated.connect(self._set_b)
        self.guidance = NumberBox(
            "Guidance", minimum=0.0, maximum=MOST_GUIDANCE, decimals=1, step=0.5
        )
        self.guidance.value_changed.connect(self._set_guidance)
        self.guidance.rejected.connect(self.complain)
        self.fixed = QCheckBox("Same noise")
        self.fixed.setAccessibleName("Same noise along the path: only the class changes")
        self.fixed.clicked.connect(self._set_fixed)
        grid.addWidget(self._label("Samples", self.tiles), 0, 0)
        grid.addWidget(self.tiles, 0, 1)
        grid.addWidget(self._label("Path", self.ends["A"]), 1, 0)
        ends = QHBoxLayout()
        ends.setSpacing(6)
        ends.addWidget(self.ends["A"], 1)
        arrow = Text("→", ink="label")
        self._captions.append(arrow)
        ends.addWidget(arrow)
        ends.addWidget(self.ends["B"], 1)
        grid.addLayout(ends, 1, 1)
        grid.addWidget(self._label("Guidance", self.guidance), 2, 0)
        last = QHBoxLayout()
        last.addWidget(self.guidance)
        last.addStretch(1)
        last.addWidget(self.fixed)
        grid.addLayout(last, 2, 1)
        grid.setColumnStretch(1, 1)
        self.column.addWidget(self.options)
        state.changed(IMAGE_SAMPLING).connect(self._show)
        state.changed(MODEL).connect(self._show)
        theme.notifier().changed.connect(self._resize)
        self._resize()
        self._show()

    def _choice(self, name: str, tip: str) -> Choice:
        box = Choice()
        box.setAccessibleName(name)
        box.setAccessibleDescription(tip)
        box.setProperty("tip", tip)
        box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        return box

    def _label(self, text: str, buddy: QWidget) -> Text:
        label = Text(text, ink="text_secondary")
        label.setBuddy(buddy)
        self._captions.append(label)
        return label

    def _resize(self) -> None:
        self.guidance.setFixedWidth(theme.current().px(64))

    # Showing

    def _fill(self, labels: tuple[str, ...]) -> None:
        if labels == self._labels:
            return
        self._labels = labels
        for box in (self.tiles, *self.ends.values()):
            box.clear()
            box.addItem("any", NONE)
        self.tiles.addItem("each in turn", EACH)
        for index, label in enumerate(labels):
            for box in (self.tiles, *self.ends.values()):
                box.addItem(label, index)

    def _show(self) -> None:
        images, labels = self._state.get(IMAGE_SAMPLING), self._state.get(MODEL).labels
        self._fill(labels)
        for box, value in (
            (self.tiles, images.tile_class),
            (self.ends["A"], images.class_a),
            (self.ends["B"], images.class_b),
        ):
            box.setCurrentIndex(max(box.findData(NONE if value is None else value), 0))
        self.guidance.set_number(images.guidance)
        self.fixed.setChecked(images.fixed_noise)
        reason = "" if labels else UNKNOWN
        for widget in (self.tiles, *self.ends.values(), self.guidance, *self._captions):
            widget.setEnabled(not reason)
        self.header.set_caption("none learned" if reason else "")
        for box in (self.tiles, *self.ends.values()):
            box.setToolTip(reason or box.property("tip"))
        asked = images.class_a is not None or images.class_b is not None
        # On, it can always be turned off: no other path is to be had before.
        self.fixed.setEnabled((asked and not reason) or images.fixed_noise)
        self.guidance.setToolTip(reason or GUIDANCE_TIP)
        self.fixed.setToolTip(
            FIXED_TIP if self.fixed.isEnabled() else reason or "Choose classes for the path first"
        )
        for widget in (self.options, self.header):
            widget.setToolTip(reason)
        default = ImageSampling()
        self.header.set_default(
            bool(reason) or all(getattr(images, name) == getattr(default, name) for name in PARTS)
        )

    # Writing

    def _change(self, **changes: Any) -> None:
        self.write(lambda: self._state.update(IMAGE_SAMPLING, **changes), self._show)

    def _set_tiles(self, index: int) -> None:
        # What single tiles were asked for is over as well.
        self._change(tile_class=_value(self.tiles.itemData(index)), tile_classes=())

    def _set_a(self, index: int) -> None:
        self._change(class_a=_value(self.ends["A"].itemData(index)))

    def _set_b(self, index: int) -> None:
        self._change(class_b=_value(self.ends["B"].itemData(index)))

    def _set_guidance(self, guidance: float) -> None:
        self._change(guidance=guidance)

    def _set_fixed(self, fixed: bool) -> None:
        self._change(fixed_noise=fixed)

    def _reset(self) -> None:
        default = ImageSampling()
        self._change(**{name: getattr(default, name) for name in PARTS})


def _value(data: object) -> object:
    return None if data == NONE else data
