"""`chainrule train`: data in, a trained network and its report out."""

from __future__ import annotations

from typing import Any

import click

from .terminal import say

CHOICES_ACTIVATION = (
    "relu", "tanh", "sigmoid", "gelu", "silu", "elu", "selu", "softplus", "leaky_relu",
)  # fmt: skip
CHOICES_OPTIMIZER = ("adam", "adamw", "sgd", "rmsprop", "adagrad")


@click.command("train")
@click.argument("data")
@click.option("--target", help="The column to predict; needed for a CSV file.")
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="Overrule what the target column suggests.",
)
@click.option("--epochs", type=click.IntRange(1), help="Default: enough for about 4,000 steps.")
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True)
@click.option(
    "--lr",
    type=click.FloatRange(0, min_open=True),
    help="Learning rate. Default: the optimizer's own.",
)
@click.option("--hidden", default="64 64", show_default=True, help='Layer sizes; "" for none.')
@click.option(
    "--activation", type=click.Choice(CHOICES_ACTIVATION), default="relu", show_default=True
)
@click.option(
    "--optimizer", type=click.Choice(CHOICES_OPTIMIZER), default="adam", show_default=True
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="The same seed gives the same bits.",
)
@click.option(
    "--categorical",
    multiple=True,
    metavar="COLUMN",
    help="A column of numbers that are categories; repeat for more.",
)
@click.option("--drop", multiple=True, metavar="COLUMN", help="A column to leave out.")
@click.option(
    "--out",
    default="runs",
    show_default=True,
    metavar="DIR",
    help="Where the folder of the run is made.",
)
@click.option("--quiet", is_flag=True, help="Print the result alone.")
def train_command(**options: Any) -> None:
    """Train a network on DATA and write a report.

    DATA is digits, moons, circles, spiral, blobs or xor, or the name of a CSV file.

    \b
    Examples:
      chainrule train digits
      chainrule train spiral --hidden "32 32" --activation tanh --epochs 300
      chainrule train houses.csv --target price
      chainrule train titanic.csv --target survived --drop name --out my-runs

    Every run gets a folder of its own (runs/digits-001) with weights.safetensors,
    history.jsonl, run.json and report.html. Ctrl-C ends the training and keeps what there is.
    """  # fmt: skip
    from .run import train

    train(options, say_nothing if options["quiet"] else say)


def say_nothing(*_: Any, **__: Any) -> None:
    """For --quiet."""
