"""Pictures of a training: landscapes, hidden space and the loss, snapshot after snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

from ...graph.errors import UsageError
from ...study.numbers import figure
from ...study.recording import Recording
from ..measure import width_of
from ..scene import Moment, Scene
from ..svg import clip, element, picture, text
from .answers import answers
from .film import Changes, Film, Seen
from .hidden import Hidden
from .losses import Losses
from .markers import legend, wide
from .output import SIDE, TITLE, Output
from .plane import plane
from .stages import through
from .units import Units

PANELS = ("units", "output", "hidden", "loss")
MARGIN, BETWEEN, HEADER, LOSS = 22.0, 30.0, 58.0, 164.0
NOW = 300.0  # of the line that says epoch and loss
FIRST, STEP, LAST = 1.6, 0.16, 2.5  # seconds that a snapshot stays
LONGEST = 12.0  # seconds that all snapshots take together


def training(
    history: Any, panels: Sequence[str] = (), *, features: Any = None, units: Any = None,
    names: Sequence[str] = (), classes: Sequence[str] = (), title: str = "",
    ident: str = "training",
) -> Scene:  # fmt: skip
    """A recorded training as a scene: one moment for each snapshot.

    `history` is what `fit(..., record=60)` returned, or its `recording`. `panels` are some of
    "units" (a landscape for each hidden unit, a column for each layer), "output" (its landscape
    with the examples), "hidden" (the examples and the warped net in the space of the last
    hidden layer) and "loss"; all that the network has, if none are named. `names` are the
    features', `classes` the classes'.
    Of more than two features, `features` chooses two, by number or by name; "units" and
    "output" are then only shown unasked where these two alone give most examples the answer
    that all give. Of more than two units in the last hidden layer, `units` chooses two, else
    their two main directions are shown.
    Raises: UsageError where nothing was recorded, or a panel does not apply.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 1, 0])
    >>> model = cr.nn.Sequential(cr.nn.Linear(2, 2), cr.nn.Tanh(), cr.nn.Linear(2, 1))
    >>> history = cr.fit(model, X, y, epochs=3, record=3)
    >>> scene = training(history)
    >>> len(scene.moments), scene.moments[0].words[:23]
    (4, 'Before training, the lo')
    """
    recording = _recording(history)
    film = film_of(recording, features, tuple(names), tuple(classes), ident)
    chosen = panels_of(film, panels)
    made, width, height = _arranged(film, chosen, units)
    frames = [({k: v for p in made for k, v in p.changes(s).items()} | _header(film, s), s)
              for s in film.seen()]  # fmt: skip
    first = frames[0][0]
    told, title = _told(film, chosen), title or _title(film)
    body = _head(film, title, width, first) + "".join(p.body(first) for p in made)
    below = wide(film) + NOW > width - 2 * MARGIN  # no room for the legend beside that line
    body += legend(film, width - MARGIN, height + 8 if below else 46, width - 2 * MARGIN)
    svg = picture("scene", ident, width, height + 26 * below, title, told, body)
    return Scene(title, told, svg, tuple(_moments(film, frames)))


def _recording(history: Any) -> Recording:
    found = history if isinstance(history, Recording) else getattr(history, "recording", None)
    if not isinstance(found, Recording):
        raise UsageError(
            f"pictures.training: {type(history).__name__} has no recording; train with "
            "cr.fit(..., record=60)"
        )
    return found


def film_of(
    recording: Recording, features: Any, names: tuple, classes: tuple, ident: str
) -> Film:  # fmt: skip
    """The recording, and how it is to be looked at."""
    last = through(recording.snapshots[-1].model, recording.X)
    flat = recording.X.ndim == 2
    return Film(
        recording, plane(recording, names, features) if flat else None,
        answers(recording, last.output, classes), ident,
    )  # fmt: skip


def panels_of(film: Film, panels: Sequence[str]) -> list[str]:
    """The panels in the order in which they are drawn."""
    values = film.examples[-1].values
    layered = bool(values) and all(v.ndim == 2 for v in values)
    missing = {
        "units": "" if layered and film.plane else "the model has no hidden layers that are known",
        "output": "" if film.plane else f"an example is {film.recording.X.shape[1:]}, no row",
        "hidden": "" if layered and values[-1].shape[1] > 1 else
        "it needs a Sequential with two or more units in the last hidden layer",
        "loss": "",
    }  # fmt: skip
    panels = (panels,) if isinstance(panels, str) else panels
    for name in panels:
        if name not in missing:
            raise UsageError(
                f"pictures.training: there is no panel {name!r}; there are {', '.join(PANELS)}"
            )
        if missing[name]:
            raise UsageError(f"pictures.training: no panel {name!r}: {missing[name]}")
    if not panels and film.plane and not film.telling:
        missing |= dict.fromkeys(("units", "output"), "two features say too little")
    return [name for name in PANELS if (name in panels if panels else not missing[name])]


def _arranged(film: Film, chosen: list[str], units: Any) -> tuple[list[Any], float, float]:
    """The panels in their places: units, then squares, and the loss below two or beside one."""
    x, y, made = MARGIN, HEADER, []
    if "units" in chosen:
        made.append(Units(film, x, y))
        x += made[-1].width + BETWEEN
    left, bottom = x, y
    squares = [name for name in chosen if name in ("output", "hidden")]
    for name in squares:
        made.append(Output(film, x, y) if name == "output" else Hidden(film, x, y, units))
        bottom = y + made[-1].height
        x += SIDE + BETWEEN
    if "loss" in chosen and len(squares) == 2:
        made.append(Losses(film, left, bottom + 14, x - BETWEEN - left, LOSS))
        bottom += 14 + LOSS
    elif "loss" in chosen:
        made.append(Losses(film, x, y, 1.4 * SIDE, TITLE + SIDE))
        x += 1.4 * SIDE + BETWEEN
    tall = max(bottom, *(p.y + p.height for p in made))
    return made, x - BETWEEN + MARGIN, tall + MARGIN - 8


def _header(film: Film, seen: Seen) -> Changes:
    row, total = seen.snapshot.row, film.recording.epochs
    parts = [f"epoch {row['epoch']} of {total}", f"loss {_figure(row['loss'])}"]
    if film.answers.kind != "number":
        parts.append(f"{_percent(film, seen)} right")
    return {film.name("now"): {"text": "  ·  ".join(parts)}}


def _head(film: Film, title: str, width: float, now: Changes) -> str:
    room = width - 2 * MARGIN
    while len(title) > 8 and width_of(title, 15, True) > room:
        title = clip(title, len(title) - 1)
    return (
        element("text", text(title), x=MARGIN, y=26, class_="head", style="font-size:15px")
        + film.mark("text", "now", now, x=MARGIN, y=46, class_="soft number")
    )  # fmt: skip


def _title(film: Film) -> str:
    wide = [film.recording.X.shape[-1], *(v.shape[-1] for v in film.examples[-1].values)]
    output = film.examples[-1].output
    wide.append(output.shape[-1] if output.ndim > 1 else 1)
    return f"A network {' → '.join(map(str, wide))} learns"


def _moments(film: Film, frames: list[tuple[Changes, Seen]]) -> list[Moment]:
    step = min(STEP, LONGEST / len(frames))
    moments = [Moment(_words(film, frames[0][1], "Before training"), {}, "before", FIRST)]
    for (old, _), (new, seen) in pairwise(frames):
        changed = {
            ident: fresh for ident, of in new.items()
            if (fresh := {k: v for k, v in of.items() if v != old[ident].get(k)})
        }  # fmt: skip
        epoch = seen.snapshot.epoch
        told = _words(film, seen, f"After {epoch} epoch{'s' if epoch > 1 else ''}")
        moments.append(Moment(told, changed, "training", step))
    told = _words(film, frames[-1][1], "At the end")
    return [*moments, Moment(told, {}, "trained", LAST)]


def _words(film: Film, seen: Seen, when: str) -> str:
    said = f"{when}, the loss is {_figure(seen.snapshot.row['loss'])}"
    if film.answers.kind == "number":
        return said + "."
    count = len(film.recording.X)
    return f"{said}; {_percent(film, seen)} of the {count} examples shown are on their own side."


def _percent(film: Film, seen: Seen) -> str:
    return f"{100 * film.answers.right(seen.examples.output):.3g} %"


def _figure(x: float) -> str:
    return figure(x, 3) if isfinite(x) else "not finite"


TOLD = {
    "units": "Small landscapes, a column for each hidden layer: what each unit makes of every "
    "place of the inputs, orange low and blue high, and a line where its weighted sum is 0.",
    "output": "The output over the inputs, with the examples, and a line where it is undecided.",
    "hidden": "The examples and a net of lines over the inputs, in the space of the last hidden "
    "layer, with the output shaded.",
    "loss": "The loss of every epoch, and a point that moves along it.",
}  # fmt: skip


def _told(film: Film, chosen: list[str]) -> str:
    count = len(film.recording.snapshots)
    return f"{count} snapshots of a training. " + " ".join(TOLD[name] for name in chosen)


__all__ = ["PANELS", "training"]
