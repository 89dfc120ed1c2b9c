"""PyTorch: a Sequential or a recurrent layer of its own, eager; `torch.compile` where asked."""

from itertools import pairwise

import torch
import work as w

RECURRENT = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU, "RNN": torch.nn.RNN}


def make_step(work, through=lambda f: f):
    layers = []
    for a, b in pairwise(work.sizes):
        layers += [torch.nn.Linear(a, b), torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    start(model, work)
    x, y = (torch.from_numpy(a) for a in work.data())
    optimizer = torch.optim.SGD(model.parameters(), lr=w.LR, momentum=w.MOMENTUM)
    loss_of = through(lambda x, y: torch.nn.functional.mse_loss(model(x), y))

    def call():
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return call


def make_recurrent(work, through=lambda f: f):
    model = RECURRENT[work.kind](work.inputs, work.hidden)
    start(model, work)
    x, y = (torch.from_numpy(a) for a in work.data())
    loss_of = through(lambda x, y: torch.nn.functional.mse_loss(model(x)[0], y))

    def call():
        model.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        return loss.detach()

    return call


def make_scalar(work, through=lambda f: f):
    value_of = through(lambda x: work.expression(torch.sin, x))

    def call():
        x = torch.tensor(0.5, requires_grad=True)
        y = value_of(x)
        y.backward()
        return y.detach()

    return call


def start(model, work):
    """The weights that every system starts from."""
    with torch.no_grad():
        for p, given in zip(model.parameters(), work.weights(), strict=True):
            p.copy_(torch.from_numpy(given))


MAKE = {w.Step: make_step, w.Recurrent: make_recurrent, w.Scalar: make_scalar}

if __name__ == "__main__":
    w.main(MAKE)
