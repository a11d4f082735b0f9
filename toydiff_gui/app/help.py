"""What the window can do, in a page."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from toydiff_gui.state.actions import Row, key_lines
from toydiff_gui.style import theme

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
<p>A lane with fewer steps holds a state until it jumps to the next one. While A or B is dragged,
lanes take as many steps as the machine can follow with, 20 at most; on release they take all.</p>
<p>The <b>+</b> above the lanes adds others: Heun and DPM-Solver++ 2M need fewer steps, and the
<b>exact denoiser</b> is the best there can be for the data set. One click adds a lane for each
number of steps or for each kind of path. Every lane can be duplicated, changed (F2 in the list) and
removed; it may have steps, η, seed, path and model of its own. Up to eight are shown.</p>
<h3>The interpolation laboratory</h3>
<p>Between A and B lie many paths. Choose one under 'Interpolation', or compare them all under
'Paths'.</p>
<p><b>Linear</b> is the straight line. <b>Spherical</b> turns evenly from one direction to the
other; between opposite ends it goes round on the side that you choose. <b>Prior-preserving</b>
keeps the distribution: for independent ends its points are distributed as the prior. It does not
keep the norm of a given pair: from (−2, 0) to (2, 0) it passes through the origin.
<b>Norm-guided</b> keeps to norms that are probable under the prior. <b>Geodesic</b> is searched
for: its decoded points travel least, weighted by how improbable the place is. <b>Drawn</b> goes
through way-points: double click in lane 1 to add one, drag it, press Delete to take it away.</p>
<p>'Even spacing' moves the points along the path until their results are evenly spaced. The path
stays the same; only its gaps change.</p>
<p>The <b>strips</b> below a lane show the distance between neighbours and the norm of the latents
beside that of the prior. Move along a strip to see the point in all lanes; click to pin its
trajectory. Where neighbours land far from each other, the path is torn. The table under 'Paths'
shows the figures of each kind; the best of the paths without a tear stand out. Where the data lie
in separate parts, no path from one to another is both even and on the data.</p>
<p><b>Overlays</b> belong to the selected lane and to the time shown. 'Vector field' is the
direction that DDIM takes, 'Grid warp' shows where space is stretched, 'Difference' where the
network differs from the exact denoiser. The <b>basin map</b> colours the latents by where they end
up: where the colours meet, paths tear.</p>
<p><b>Invert data points</b> finds the latents of points that you click or bring in a file. The
round trip says how far they come back from where they were.</p>
<h3>Images</h3>
<p>'Images' at the top switches to models of images; '2D' leads back. The <b>samples</b> are tiles:
click one to make it A, the next becomes B, with Shift it becomes C. The right button offers a class
for a single tile. Point at an image to see it large, with its whole way from noise.</p>
<p>Below, every lane is a row of <b>film strips</b> from A to B, at the same t as everything else.
The bars between the images are the distances of neighbours. The line at the bottom is the norm of
the latents beside that of the prior: the middle of a straight line is too short, where a network
has hardly ever been trained. Spherical, prior-preserving and norm-guided paths keep the norm. Click
an image to follow it.</p>
<p><b>Attention</b> shows where a pixel looks: click one in the picture, choose a layer and a head.
'Mean over t' averages over the whole trajectory. <b>Slice</b> is the plane of the latents through
A, B and C, decoded; drag its dot. Without C a tile stands in for it.</p>
<p>A network that has learned <b>classes</b> can be asked for one, for all tiles or along the path
from A's class to B's, also from one and the same noise. Guidance exaggerates the class.
<b>Invert an image</b> makes an image of the data, or a file of your own, an endpoint.</p>
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
    """Explains time, lanes, training, and lists the keys of ``rows``."""

    def __init__(self, rows: Iterable[Row], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines = key_lines(rows)
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
            for key, meaning in self._lines
        )
        # The bundled typeface has no bold of its own here; colour takes its place.
        accent = theme.current().palette.accent
        self.page.document().setDefaultStyleSheet(f"b, h3 {{ color: {accent}; font-weight: 500 }}")
        self.page.document().setDocumentMargin(theme.current().px(12))
        self.page.setHtml(f"{TEXT}<table cellpadding='3'>{rows}</table>")
