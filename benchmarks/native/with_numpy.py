"""NumPy by hand: the backward pass written out, everything in place."""

import numpy as np
import work as w


def make_step(work):
    x, y = work.data()
    params = work.weights()
    velocity = [np.zeros_like(p) for p in params]
    last = len(params) // 2 - 1

    def call():
        activations = [x]
        for k in range(last + 1):
            h = activations[-1] @ params[2 * k].T
            h += params[2 * k + 1]
            activations.append(np.tanh(h, h) if k < last else h)
        delta = activations[-1] - y
        loss = np.mean(delta * delta)
        delta *= np.float32(2 / delta.size)
        for k in range(last, -1, -1):
            gradients = delta.T @ activations[k], delta.sum(0)
            if k:
                delta = delta @ params[2 * k]
                delta *= 1 - activations[k] * activations[k]
            for j, g in enumerate(gradients):
                v = velocity[2 * k + j]
                v *= w.MOMENTUM
                v += g
                params[2 * k + j] -= w.LR * v
        return loss

    return call


if __name__ == "__main__":
    w.main({w.Step: make_step})
