"""What the window can do, in a page."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from toydiff_gui import theme

KEYS = (
    ("Space", "play, pause"),
    ("Left, Right", "a step towards noise, towards data"),
    ("Home, End", "noise, data"),
    ("L", "loop"),
    ("R", "reverse"),
    ("1 … 9", "select a lane"),
    ("Esc", "all lanes again after one was shown alone"),
    ("Arrows on A or B", "move it by 0.01; with Shift by 0.1"),
    ("Ctrl+1, Ctrl+2", "the pages Explore and Diagnostics"),
    ("Ctrl+0", "reset the view"),
    ("Ctrl+O", "open a checkpoint"),
    ("Ctrl+E", "export"),
    ("Ctrl+Shift+C", "copy the picture"),
    ("F11", "presentation view"),
    ("F1", "this help"),
)

TEXT = """
<h3>Time</h3>
<p>A diffusion model learns to undo noise. Time runs from t = T (pure noise, the <i>latents</i>) to
t = 0 (data). Everything in the window is shown at the same t; the timeline below moves it.</p>
<h3>Lanes</h3>
<p><b>Latent x<sub>T</sub></b> shows where sampling starts: 500 points on the line from A to B, or
latents drawn from the normal distribution. Drag A and B, click beside them, or type numbers.</p>
<p><b>DDPM</b> adds fresh noise to every point at every step: neighbours part, the path becomes a
scribble. <b>DDPM, shared noise</b> gives all points the same noise at a step, so neighbours stay
together. <b>DDIM</b> with η = 0 adds none: the result is a function of the latents alone, and a
path stays a path, except where that function tears.</p>
<p>A lane with fewer steps holds a state until it jumps to the next one. While A or B is dragged all
lanes use 20 steps; on release they use all.</p>
<h3>Training</h3>
<p>Choose data, a noise schedule and a network, then press Train. Samples from fixed latents show
what it has learned so far. The bar compares the distance of these samples to the data with its
floor, the distance of as many points drawn from the data itself. What was trained is kept and
listed in the model menu.</p>
<p>With the linear schedule and T = 250 the signal is not quite gone at t = T (its root is 0.28);
'zero terminal signal' rescales the schedule so that it is.</p>
<h3>Diagnostics</h3>
<p>The page <b>Diagnostics</b> (at the top, or Ctrl+2) looks inside. <b>Network</b>: the noise that
was added against the noise that the network predicts, and its loss at each t beside the best that
is possible for these data. <b>Signal at T</b>: what a schedule leaves of the data where sampling
starts from pure noise. <b>Forward process</b>: how the data become noise; a click on a data point
follows 500 copies of it. Click or drag in a plot over time to set t. The wheel, + and - zoom, 0
shows all again. Every plot can be saved as PNG, SVG, PDF or CSV.</p>
<h3>Keys</h3>
"""


class HelpDialog(QDialog):
    """Explains time, lanes, training, and lists the keys."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("ToyDiff help")
        self.setModal(False)
        self.page = QTextBrowser()
        self.page.setAccessibleName("Help")
        self.page.setFrameShape(QTextBrowser.Shape.NoFrame)
        theme.notifier().changed.connect(self._write)
        self._write()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addWidget(self.page)
        column.addWidget(buttons)
        self.resize(theme.current().px(620), theme.current().px(640))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def _write(self) -> None:
        rows = "".join(
            f"<tr><td style='padding-right: 24px'><b>{key}</b></td><td>{meaning}</td></tr>"
            for key, meaning in KEYS
        )
        # The bundled typeface has no bold of its own here; colour takes its place.
        accent = theme.current().palette.accent
        self.page.document().setDefaultStyleSheet(f"b, h3 {{ color: {accent}; font-weight: 500 }}")
        self.page.document().setDocumentMargin(theme.current().px(12))
        self.page.setHtml(f"{TEXT}<table cellpadding='3'>{rows}</table>")
