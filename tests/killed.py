"""A program that trains in children of its own, kills them, goes on, and says what came of it.

It is run by test_checkpoint_kills.py; by hand: python tests/killed.py at-random 100 FOLDER.
It forks, so that a child costs milliseconds; it has one thread, so that this is safe.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np

from chainrule import nn, optim
from chainrule.train import Trainer
from chainrule.train.checkpoint import Checkpoints, disk

X = np.random.default_rng(0).random((60, 4)).astype(np.float32)
Y = (X.sum(1, keepdims=True) > 2).astype(np.float32)


def train(folder, epochs=4, **options):
    """The training that is killed: with all that draws, remembers and counts."""
    model = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1), seed=1
    )
    optimizer = optim.chain(optim.Adam(0.01, amsgrad=True), optim.reduce_on_plateau(patience=2))
    trainer = Trainer(model, "mse", optimizer, seed=2)
    kept = None if folder is None else Checkpoints(folder, **{"every": "epoch", **options})
    trainer.fit(X, Y, epochs=epochs, batch_size=16, checkpoint=kept, validation=0.2)
    found = hashlib.sha256()
    for name, value in sorted(trainer.model.state_dict().items()):
        found.update(name.encode() + value.tobytes())
    for row in trainer.history.rows:
        timeless = {k: v for k, v in row.items() if "second" not in k}
        found.update(json.dumps(timeless, sort_keys=True).encode())
    return found.hexdigest()


def in_child(work):
    """Do this in a child: its number, at once."""
    number = os.fork()
    if number == 0:
        try:
            work()
        except BaseException as error:
            print(json.dumps({"failed": repr(error)}), flush=True)
            os._exit(1)
        os._exit(0)
    return number


def ended(number):
    """How a child ended: the signal that killed it, or minus its exit status."""
    status = os.waitpid(number, 0)[1]
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def doomed(at, half):
    """Make every call to the disk count, and the process die at one of them.

    With `half`, a write is cut short first: half of its bytes are there.
    """
    left = [at]

    def counted(name, call):
        def made(*args):
            left[0] -= 1
            if left[0] < 0:
                if half and name == "write":
                    call(args[0], args[1][: len(args[1]) // 2])
                die()
            return call(*args)

        return made

    for name, call in vars(disk.SYSTEM).items():
        setattr(disk.SYSTEM, name, counted(name, call))
    disk.CHUNK = 2048  # many writes for one file


def at_every_call(base, options):
    """Kill at the first call, at the second, ... until a training ends before it is killed."""
    told = {"whole": train(None, options["epochs"]), "runs": []}
    for half in (False, True):
        for at in range(0, 10_000, 5 if half else 1):
            folder = Path(base) / f"{'half' if half else 'call'}-{at}"

            def first(folder=folder, at=at, half=half):
                doomed(at, half)
                train(folder, **options)

            how = ended(in_child(first))
            told["runs"].append(told_of(folder, how, options))
            shutil.rmtree(folder)
            if how == 0:
                break
    return told


def told_of(folder, how, options):
    """What comes of a folder in which a training was killed."""
    kept = Checkpoints(folder)
    found = kept.latest() if folder.exists() else None
    final = train(folder, **options)
    names = sorted(p.name for p in folder.iterdir())
    return {"how": how, "final": final, "epoch": found.epoch if found else 0,
            "skipped": [list(s) for s in kept.skipped], "names": names}  # fmt: skip


def at_random(base, count):
    """Kill one training so many times, after a random time each, and let it end."""
    folder, rng = Path(base) / "random", random.Random(count)
    epochs = 4 + count
    began = time.perf_counter()
    whole = train(folder, epochs, every=1, keep=2)
    usual = time.perf_counter() - began
    kills, reached = 0, []
    shutil.rmtree(folder)
    while kills < count:
        number = in_child(lambda: train(folder, epochs, every=1, keep=2))
        time.sleep(rng.uniform(0, 1) * usual / count)
        os.kill(number, signal.SIGKILL)
        kills += ended(number) == signal.SIGKILL
        state = Checkpoints(folder).latest() if folder.exists() else None
        reached.append(state.step if state else 0)
        if state and state.epoch == epochs:
            break
    final = train(folder, epochs, every=1, keep=2)
    names = sorted(p.name for p in folder.iterdir())
    return {"whole": whole, "plain": train(None, epochs), "final": final, "kills": kills,
            "reached": reached, "names": names}  # fmt: skip


if __name__ == "__main__":
    what, base = sys.argv[1], sys.argv[-1]
    found = at_random(base, int(sys.argv[2])) if what == "at-random" else at_every_call(
        base, json.loads(sys.argv[2])
    )  # fmt: skip
    print(json.dumps(found))
