"""Recurrent cells for systems that write them out, in the notation that NumPy's heirs share."""


def _split(z, count):
    size = z.shape[-1] // count
    return [z[:, k * size : (k + 1) * size] for k in range(count)]


def _sigmoid(xp, z):
    return xp.sigmoid(z) if hasattr(xp, "sigmoid") else 1 / (1 + xp.exp(-z))


def lstm(xp, weights, carry, x):
    """Hochreiter and Schmidhuber's cell with a forget gate."""
    w, u, b, c = weights
    h, memory = carry
    z = x @ w.T + h @ u.T + b + c
    i, f, g, o = _split(z, 4)
    memory = _sigmoid(xp, f) * memory + _sigmoid(xp, i) * xp.tanh(g)
    h = _sigmoid(xp, o) * xp.tanh(memory)
    return (h, memory), h


def gru(xp, weights, carry, x):
    """Cho's cell, the reset gate after the product."""
    w, u, b, c = weights
    r, z, n = _split(x @ w.T + b, 3)
    r_h, z_h, n_h = _split(carry @ u.T + c, 3)
    z = _sigmoid(xp, z + z_h)
    n = xp.tanh(n + _sigmoid(xp, r + r_h) * n_h)
    h = (1 - z) * n + z * carry
    return h, h


def rnn(xp, weights, carry, x):
    """Elman's cell."""
    w, u, b, c = weights
    h = xp.tanh(x @ w.T + b + carry @ u.T + c)
    return h, h


def _one(xp, batch, hidden, dtype):
    return xp.zeros((batch, hidden), dtype=dtype)


# kind: the cell, and what it begins with
CELLS = {
    "LSTM": (lstm, lambda *a: (_one(*a), _one(*a))),
    "GRU": (gru, _one),
    "RNN": (rnn, _one),
}
