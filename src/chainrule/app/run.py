"""One training run: prepare the data, train, judge, write the folder, say what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from time import perf_counter
from typing import Any
from warnings import catch_warnings, simplefilter

from ..graph.errors import DataError, UsageError
from ..graph.spelling import counted
from ..study.diagnosis import advice, line
from ..train.callbacks.progress import ProgressBar
from ..train.checkpoint import Checkpoints
from ..train.data.fingerprint import fingerprint
from ..train.data.prepared import PARTS, Unasked
from ..train.folder import load_json, new_folder
from ..train.history import History
from ..train.interrupt import Interrupt, Termination
from .config import Chosen, Given
from .network import told as told_network
from .outcome import Outcome, judge, result_line, trouble
from .saved import run_folder
from .settings import SETTINGS
from .setup import Setup, setup
from .terminal import say as say_aloud
from .usermodel import is_file
from .values import Unfit
from .writing import begin, write

KEPT = 2  # checkpoints
CHANGEABLE = ("epochs", "patience", "checkpoint", "quiet", "model")  # when a run goes on
NOT_FINITE, STOPPED, TERMINATED = 1, 130, 143  # exit codes: the last two as of the signals


def train(chosen: Chosen, say: Callable[..., None]) -> tuple[Path, int]:
    """Do all of it; the folder of the run, and the exit code."""
    made = setup(chosen)
    made.trainer()  # what cannot be is said before anything is written
    tell(made, say)
    folder = new_folder(chosen["out"], made.data.name)  # before the work whose result it is for
    try:
        begin(folder, made)
        return folder, _run(folder, made, say)
    except BaseException:
        if not any(folder.glob("checkpoints/*")):
            rmtree(folder)
        raise


def resume(folder: Path, chosen: Chosen, say: Callable[..., None]) -> tuple[Path, int]:
    """Take a run up where it was left.

    Raises: UsageError for settings that a run cannot change; DataError where the data are others.
    """
    folder = run_folder(folder)
    told = load_json(folder / "run.json")
    made = setup(recorded(folder, told, chosen))
    now = list(fingerprint(made.data.source("train")))
    if told.get("data", {}).get("fingerprint") != now:
        raise DataError(
            f"{folder}: the data have changed since the run began ({made.chosen['data']}); it "
            "cannot go on with others; train anew"
        )
    done = int(told.get("epochs_completed") or 0)
    if told.get("status") == "finished" and done >= made.epochs:
        raise UsageError(
            f"{folder}: the run has done its {counted(done, 'epoch')}; --epochs {2 * done} takes "
            "it further"
        )
    if told.get("status") == "not finite":
        raise UsageError(f"{folder}: its loss was not finite; train anew with a smaller --lr")
    tell(made, say)
    return folder, _run(folder, made, say)


def recorded(folder: Path, told: dict[str, Any], chosen: Chosen) -> Chosen:
    """The settings that a run was begun with, and those that may change."""
    for key, where in chosen.places.items():
        if key not in CHANGEABLE:
            raise UsageError(f"{where}: a run that goes on keeps its settings; leave it out")
    where = f"{folder / 'run.json'}: settings"
    settings = told.get("settings")
    if not isinstance(settings, dict):
        raise DataError(f"{where} are not there; it was written by an older version: train anew")
    found = {}
    for key, value in settings.items():
        if key not in SETTINGS or value is None or value == []:
            continue
        try:
            found[key] = Given(SETTINGS[key].read(value), f"{where}: {key}")
        except Unfit as error:
            raise DataError(f"{where}: {key}: {error}") from None
    if told.get("own_file") or is_file(settings.get("model")):
        # Nothing is run because a file of a run names it: the user names it again.
        if not is_file(chosen["model"]):
            raise UsageError(
                f"{folder}: its network came from a file of yours; name it again: --model "
                f"{settings.get('model')}"
            )
    elif chosen.asked("model"):
        raise UsageError(f"{chosen.places['model']}: a run that goes on keeps its network")
    again = Chosen(found)
    for key in chosen.places:
        again[key] = chosen[key]
        again.places[key] = chosen.places[key]
    return again


def tell(made: Setup, say: Callable[..., None]) -> None:
    """What is about to be done."""
    data = made.data
    sizes = ", ".join(f"{k} {len(data.rows[k]):,}" for k in PARTS)
    say(f"{data.name}: {counted(len(data.examples), 'row')} ({sizes})", bold=True)
    for note in data.notes:
        unasked = isinstance(note, Unasked)
        if unasked and made.chosen["quiet"]:
            say_aloud(f"{data.name}: {note}", warn=True, err=True)
        say(f"  {note}", warn=unasked)
    optimizer = ", ".join(filter(None, (made.chosen["optimizer"], made.chosen["schedule"])))
    say(f"network {told_network(made.model)}; {optimizer}")


def _run(folder: Path, made: Setup, say: Callable[..., None]) -> int:
    with Termination() as ended:
        history, seconds = _fit(folder, made)
        with Interrupt():  # what has been learned is written down before the process ends
            outcome = Outcome(made, history, judge(made), seconds, ended.heard)
            write(folder, outcome)
    for row in outcome.health:
        say(line(row), warn=row["verdict"] != "healthy")
    for told in advice(outcome.health):
        say(told, warn=True)
    say_aloud(result_line(outcome), bold=True)
    say_aloud(f"written to {folder}/: report.html, weights.safetensors, history.jsonl, run.json")
    if outcome.status == "not finite":
        say_aloud(trouble(outcome), warn=True)
        return NOT_FINITE
    if outcome.status == "interrupted":
        say_aloud(f"stopped; to go on: {again(folder, made)}")
        return TERMINATED if outcome.terminated else STOPPED
    return 0


def again(folder: Path, made: Setup) -> str:
    """The command that takes the run up."""
    own = made.chosen["model"] if is_file(made.chosen["model"]) else None
    words = ["chainrule train --resume", _quoted(str(folder))]
    return " ".join([*words, "--model", _quoted(own)] if own else words)


def _quoted(word: str) -> str:
    from shlex import quote

    return quote(word)


def _fit(folder: Path, made: Setup) -> tuple[History, float]:
    """What came of the training, and the seconds that it took."""
    started, c = perf_counter(), made.chosen
    kept = Checkpoints(folder / "checkpoints", every=c["checkpoint"], keep=KEPT)
    with ProgressBar() as bar, catch_warnings(record=True) as warned:
        simplefilter("always")
        trainer = made.trainer(() if c["quiet"] else (bar,))
        history = trainer.fit(
            made.data.source("train"), epochs=made.epochs, batch_size=c["batch_size"],
            validation=(made.data.source("validation"), None), class_weight=c["class_weight"],
            early_stopping=c["patience"], record=True, checkpoint=kept,
        )  # fmt: skip
    for message in dict.fromkeys(str(w.message) for w in warned):
        say_aloud(message.partition("\n  made at")[0].removeprefix("fit: "), warn=True)
    return history, perf_counter() - started
