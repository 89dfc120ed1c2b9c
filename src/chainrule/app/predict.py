"""`chainrule predict`: what a trained network says of new data, prepared as its own were."""

from __future__ import annotations

import csv
import io

import click
import numpy as np

from ..graph.errors import UsageError
from ..graph.spelling import counted
from ..ops.shares import softmax
from ..train.data.tables.csvfile import is_missing
from ..train.data.tables.numerals import is_number, number, number_style
from .files import writable, write
from .newdata import inputs
from .savedrun import SavedRun, saved_run


def answers(run: SavedRun, made: np.ndarray) -> tuple[list[str], list[list[str]], list[str]]:
    """The columns of the answers, their rows as text, and the answer itself of every row."""
    told = run.part("preparation", dict)
    target = str(told.get("target") or "prediction")
    if run.task == "regression":
        y = made[:, 0].astype(np.float64) * told["target_scale"] + told["target_mean"]
        cells = [f"{v:.7g}" for v in y]
        return [target], [[c] for c in cells], cells
    classes = [str(c) for c in told["classes"]]
    shares = shares_of(made)
    best = [classes[k] for k in shares.argmax(1)]
    header = [target, "probability", *(f"p({c})" for c in classes)]
    rows = [
        [word, f"{row.max():.6g}", *(f"{p:.6g}" for p in row)]
        for word, row in zip(best, shares, strict=True)
    ]
    return header, rows, best


def shares_of(made: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes) from what the network gives: one number, or one a class.

    >>> shares_of(np.zeros((1, 1))).tolist(), shares_of(np.zeros((1, 4))).tolist()
    ([[0.5, 0.5]], [[0.25, 0.25, 0.25, 0.25]])
    """
    z = made.astype(np.float64)
    if z.shape[1] == 1:
        z = np.concatenate([np.zeros_like(z), z], axis=1)
    return softmax(z)


def score(run: SavedRun, truth: list[str], given: list[str]) -> str:
    """How right the answers are, where the file has the truth."""
    known = [(t, g) for t, g in zip(truth, given, strict=True) if not is_missing(t)]
    if not known:
        return ""
    if run.task == "classification":
        right = sum(t == g for t, g in known)
        return f"accuracy {right / len(known):.4f} on {counted(len(known), 'row')} with the truth"
    style = number_style([t for t, _ in known])
    pairs = [(number(t, style), float(g)) for t, g in known if is_number(t, style)]
    if len(pairs) < len(known):
        return ""
    mae = sum(abs(t - g) for t, g in pairs) / len(pairs)
    return f"mean absolute error {mae:.4g} on {counted(len(pairs), 'row')} with the truth"


@click.command("predict")
@click.argument("run")
@click.argument("data")
@click.option("--out", metavar="FILE", help="A .csv file to write; without it, to the screen.")
@click.option("--model", metavar="FILE.py:name", help="The network, where it came from your file.")
def predict_command(run: str, data: str, out: str | None, model: str | None) -> None:
    """Say what the network of RUN answers for every row of DATA, as CSV.

    DATA is a file like the one that the run learned from: .csv, .parquet, .npz or .npy. It is
    prepared as that one was; the target may be in it or not. For classes, every row has the
    class, its probability, and the probability of each.

    \b
    Examples:
      chainrule predict runs/houses-001 new-houses.csv
      chainrule predict runs/titanic-001 passengers.csv --out answers.csv
    """
    path = writable("--out", out, ("csv",))
    found = saved_run(run)
    if found.told.get("own_file") and model is None:
        raise UsageError(
            f"{run}: its network came from a file of yours; name it again: --model "
            f"{found.settings.get('model')}"
        )
    network = found.model(model)
    rows, prepared = inputs(found, data)
    for note in rows.notes:
        click.echo(note, err=True)
    with np.errstate(all="ignore"):
        made = [np.asarray(network(x)) for x in rows.batches(prepared)]
    header, lines, given = answers(found, np.concatenate(made))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *lines])
    if path is None:
        click.echo(text.getvalue(), nl=False)
    else:
        write(path, text.getvalue())
        click.echo(f"{counted(len(lines), 'row')} written to {path}", err=True)
    told = score(found, rows.truth, given) if rows.truth else ""
    if told:
        click.echo(told, err=True)
