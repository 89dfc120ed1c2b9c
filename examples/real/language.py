"""A character-level LSTM that reads Python's standard library, and writes some more of it.

python examples/real/language.py
"""

import argparse
import inspect
import textwrap

import numpy as np
from times import went

import chainrule as cr
from chainrule import nn

LENGTH, HIDDEN = 64, 128
SOURCES = (textwrap, argparse)
TEXT = "".join(map(inspect.getsource, SOURCES)).replace("    ", "\t")  # a level is one sign
SIGNS = sorted(set(TEXT))
CODE = {sign: k for k, sign in enumerate(SIGNS)}


def examples(text):
    """Pieces of 64 characters, and for each character the one that follows it."""
    codes = np.array([CODE[sign] for sign in text])
    count = (len(codes) - 1) // LENGTH
    X, Y = (codes[k : k + count * LENGTH].reshape(count, LENGTH) for k in (0, 1))
    return X, Y


def network():
    """A vector for each character, an LSTM, and a score for each character that may follow."""
    return nn.Sequential(
        nn.Embedding(len(SIGNS), 32), nn.LSTM(32, HIDDEN, batch_first=True), lambda made: made[0],
        nn.Linear(HIDDEN, len(SIGNS)), seed=0,
    )  # fmt: skip


def trained(epochs=15, text=TEXT, progress=False):
    """A network that has read the text but its last twentieth, which it is judged by."""
    cut = len(text) * 19 // 20
    X, Y = examples(text[:cut])
    steps = epochs * -(-len(X) // 32)
    rate = cr.optim.schedules.cosine(0.01, steps=steps, warmup=steps // 20)
    return cr.fit(
        network(), X, Y, "cross_entropy", cr.optim.Adam(lr=rate), epochs, clip=1.0,
        validation=examples(text[cut:]), progress=progress,
    )  # fmt: skip


def written(model, start="\tdef ", count=500, courage=0.5, seed=0):
    """A text that goes on from `start`; the more courage, the less likely its characters."""
    embedding, lstm, _, answer = model
    rng, state, text = np.random.default_rng(seed), None, start
    codes = np.array([[CODE[sign] for sign in start]])
    for _ in range(count):
        made, state = lstm(embedding(codes), state)
        shares = cr.exp(cr.log_softmax(answer(made[0, -1]).value.astype(float) / courage))
        codes = np.array([[rng.choice(len(SIGNS), p=shares)]])
        text += SIGNS[codes[0, 0]]
    return text


if __name__ == "__main__":
    history = trained(progress=True)
    print(written(history.model).expandtabs(4), end="\n\n")
    bits = history.val_loss[-1] / np.log(2)
    print(f"{bits:.2f} bits a character on a part it never read, where {np.log2(len(SIGNS)):.1f} "
          f"tell {len(SIGNS)} characters apart; {went(history)}")  # fmt: skip
