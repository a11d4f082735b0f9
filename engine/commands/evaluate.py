"""The command ``evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from engine.commands.options import checkpoint_option, device_option
from engine.commands.progress import progress_bar
from engine.commands.running import load
from engine.shared import catalogue
from engine.shared.command_help import COMMANDS
from engine.shared.work import finish


@click.command(help=COMMANDS["evaluate"])
@checkpoint_option
@click.option("--quick", is_flag=True, help="Fewer samples, and a coarser distance for points.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--told/--untold",
    default=False,
    show_default=True,
    help="For images: tell the network a class for each sample, all in turn.",
)
@click.option(
    "--guidance",
    default=1.0,
    show_default=True,
    help="With --told: 0 ignores the class, 1 heeds it, up to 20 exaggerates it.",
)
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where images are, for a set whose classifier has to be trained first.",
)
@device_option
def evaluate(**options: Any) -> None:
    """Measure and print."""
    from engine.analysis import evaluation

    checkpoint = load(options)
    judged = evaluation.EVALUATIONS[checkpoint.config.resolved_kind]
    if not judged.heeds_drawing and (options["told"] or options["data_root"]):
        states = catalogue.kind(checkpoint.config.resolved_kind).states
        given = "--told" if options["told"] else f"--data-root {options['data_root']}"
        raise ValueError(f"{given}: the checkpoint {options['checkpoint']!r} is of {states}")
    dataset = checkpoint.config.dataset
    if catalogue.data_set(dataset).included and options["data_root"]:
        raise ValueError(f"--data-root {options['data_root']}: {dataset!r} are bundled")
    if options["guidance"] != 1 and not options["told"]:
        raise ValueError(f"--guidance {options['guidance']:g} needs --told")
    stages = evaluation.evaluate(
        checkpoint,
        quick=options["quick"],
        data_root=options["data_root"],
        drawing=evaluation.Drawing(told=options["told"], guidance=options["guidance"]),
    )
    what = ""
    with progress_bar(None, "done") as bar:

        def show(stage: evaluation.Stage) -> None:
            nonlocal what
            if stage.what != what:  # another kind of work, with a pace of its own
                what = stage.what
                bar.set_description_str(what, refresh=False)
                bar.reset(stage.total)
            bar.total = stage.total
            bar.update(stage.done - bar.n)

        quality = finish(stages, show)
    figures = {
        "checkpoint": options["checkpoint"],
        "dataset": dataset,
        "quick": options["quick"],
        **quality.figures(),
    }
    if judged.heeds_drawing:
        figures |= {"told": options["told"], "guidance": options["guidance"]}
    print(json.dumps(figures) if options["as_json"] else quality.in_words())
