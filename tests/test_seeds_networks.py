"""Every worked number of the seed articles 2 and 3: exact, and as printed, the rounding named.

Article 2 is a two-layer network with a mean squared error, whose printed formulas have slips that
are shown to be slips; article 3 a binary classifier with three weight matrices.
"""

from __future__ import annotations

from math import log, prod

import numpy as np
import pytest

import chainrule as cr
from chainrule.nn import losses

# ------------------------------------------------------------------ 2: two layers, N samples


@pytest.mark.parametrize("x", [-1.5, 0.0, 2.0])
def test_three_times_seven_plus_x_squared_has_the_slope_6x(x):
    t = cr.tensor(x)
    u = 7 + t**2
    (3 * u).backward()
    assert float(u.grad) == 3.0
    assert float(t.grad) == 6 * x


def network(x, w1, b1, w2, b2):
    return cr.relu(x @ w1 + b1) @ w2 + b2


def mse_of(x, w1, b1, w2, b2, y):
    return losses.mse(network(x, w1, b1, w2, b2), y, reduction="sum") / x.shape[0]


def closed(x, w1, b1, w2, b2, y):
    """The article's final formulas as sums over samples, the ReLU case inside the sum."""
    n = len(x)
    found = [np.zeros_like(a) for a in (x, w1, b1, w2, b2)]
    dx, dw1, db1, dw2, db2 = found
    for i in range(n):
        xi, u1 = x[i : i + 1], x[i : i + 1] @ w1 + b1
        ei = np.maximum(0, u1) @ w2 + b2 - y[i : i + 1]
        open_ = np.where(u1 > 0, 1.0, 0.0)  # 0 at 0, as the article has it
        back = (ei @ w2.T) * open_
        dx[i : i + 1] += 2 / n * back @ w1.T
        dw1 += 2 / n * xi.T @ back
        db1 += 2 / n * back[0]
        dw2 += 2 / n * np.maximum(0, u1).T @ ei
        db2 += 2 / n * ei[0]
    return found


SIZES = [(n, *widths) for n in (1, 3, 100) for widths in ((1, 1, 1), (2, 5, 1), (4, 3, 2))]


def sample(n, d, h, k):
    rng = np.random.default_rng([n, d, h, k])
    shapes = ((n, d), (d, h), (h,), (h, k), (k,), (n, k))
    return [rng.normal(size=s) for s in shapes]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("place", range(5), ids=["x", "w1", "b1", "w2", "b2"])
def test_the_network_has_the_gradients_of_its_closed_formula(sizes, place):
    parts = sample(*sizes)
    found = cr.grad(mse_of, place)(*parts)
    assert found == pytest.approx(closed(*parts)[place], rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("n", [1, 3, 100])
def test_the_network_of_layers_has_them_too(n):
    x, w1, b1, w2, b2, y = sample(n, 2, 5, 1)
    first, second = cr.nn.Linear(2, 5, dtype=np.float64), cr.nn.Linear(5, 1, dtype=np.float64)
    model = cr.nn.Sequential(first, cr.nn.ReLU(), second).load_state_dict(
        {"0.weight": w1.T, "0.bias": b1, "2.weight": w2.T, "2.bias": b2}
    )
    losses.mse(model(x), y).backward()
    _, dw1, db1, dw2, db2 = closed(x, w1, b1, w2, b2, y)
    for p, expected in zip(model.parameters(), (dw1.T, db1, dw2.T, db2), strict=True):
        assert p.grad == pytest.approx(expected, rel=1e-12, abs=1e-13)


def test_the_intermediate_gradients_are_the_running_products_of_the_article():
    x, w1, b1, w2, b2, y = (cr.tensor(a) for a in sample(6, 3, 4, 2))
    u1 = x @ w1 + b1
    u2 = cr.relu(u1)
    u3 = u2 @ w2 + b2
    u4 = y - u3
    (cr.sum(u4**2) / 6).backward()
    assert u4.grad == pytest.approx(2 / 6 * u4.value)
    assert u3.grad == pytest.approx(-u4.grad)
    assert u2.grad == pytest.approx(u3.grad @ w2.value.T)
    assert u1.grad == pytest.approx(u2.grad * (u2.value > 0))
    assert w1.grad == pytest.approx(x.value.T @ u1.grad)
    assert b1.grad == pytest.approx(u1.grad.sum(0))


def test_relu_at_exactly_0_passes_nothing():
    assert float(cr.grad(cr.relu)(0.0)) == 0.0
    x, w1, b1 = np.array([[1.0]]), np.array([[2.0]]), np.array([-2.0])
    rest = (np.array([[3.0]]), np.array([0.5]), np.array([[9.0]]))
    assert cr.grad(mse_of, 1)(x, w1, b1, *rest).tolist() == [[0.0]]


def test_the_printed_factor_order_does_not_even_have_the_shape_of_the_weights():
    x, w1, b1, w2, b2, y = sample(1, 4, 3, 1)
    e = np.maximum(0, x @ w1 + b1) @ w2 + b2 - y
    printed = e @ w2.T  # (1, 3), and x.T is (4, 1)
    with pytest.raises(ValueError, match="mismatch"):
        printed @ x.T
    assert (x.T @ printed).shape == w1.shape


def test_the_printed_condition_outside_of_the_sum_gives_other_numbers():
    x, w1, b1, w2, b2, y = sample(100, 2, 5, 1)
    e = np.maximum(0, x @ w1 + b1) @ w2 + b2 - y
    every = 2 / 100 * x.T @ (e @ w2.T)  # the case of an open gate, for all samples together
    assert np.abs(cr.grad(mse_of, 1)(x, w1, b1, w2, b2, y) - every).max() > 0.01


def test_the_printed_sum_without_an_axis_is_one_number_and_not_a_matrix():
    x, w1, b1, w2, b2, y = sample(7, 1, 5, 1)
    e = np.maximum(0, x @ w1 + b1) @ w2 + b2 - y
    l1_g = 2 / 7 * (e @ w2.T) * (x @ w1 + b1 > 0)
    exact = cr.grad(mse_of, 1)(x, w1, b1, w2, b2, y)
    assert (l1_g * x).sum().shape == ()
    assert (l1_g * x).sum(0, keepdims=True) == pytest.approx(exact)  # one feature, with the axis
    x, w1, b1, w2, b2, y = sample(7, 4, 5, 1)
    l1_g = np.zeros((7, 5))
    with pytest.raises(ValueError, match="broadcast"):
        l1_g * x


# ------------------------------------------------------------------ 3: sin(x²), the classifier


@pytest.mark.parametrize("x", [-2.0, 0.0, 0.3, 1.7])
def test_the_slope_of_sin_x_squared_is_the_product_of_its_factors(x):
    t = cr.tensor(x)
    u = t**2
    v = cr.sin(u)
    v.backward()
    assert v.item() == pytest.approx(np.sin(x * x), abs=1e-15)
    assert float(u.grad) == pytest.approx(np.cos(x * x), abs=1e-15)
    assert float(t.grad) == pytest.approx(np.cos(x * x) * 2 * x, abs=1e-15)


def test_a_nudge_of_x_moves_sin_x_squared_by_the_slope():
    slope = float(cr.grad(lambda x: cr.sin(x**2))(1.2))
    assert (np.sin(1.2001**2) - np.sin(1.1999**2)) / 0.0002 == pytest.approx(slope, rel=1e-7)


def test_the_output_of_0_55_for_a_target_of_1_gives_the_delta_of_0_45():
    z = cr.tensor(log(0.55 / 0.45))
    y = cr.sigmoid(z)
    loss = losses.binary_cross_entropy(y, np.asarray(1.0))
    loss.backward()
    slope = y.item() * (1 - y.item())
    assert f"{loss.item():.4f}" == "0.5978"
    assert f"{float(y.grad):.4f}" == "-1.8182"
    assert slope == pytest.approx(0.2475, abs=1e-15)
    assert float(y.grad) * slope == pytest.approx(-0.45, abs=1e-15)
    assert float(z.grad) == pytest.approx(-0.45, abs=1e-15)
    assert float(z.grad) == pytest.approx(0.55 - 1.0, abs=1e-15)


@pytest.mark.parametrize(("t", "curve"), [(1.0, lambda y: -log(y)), (0.0, lambda y: -log(1 - y))])
@pytest.mark.parametrize("y", [0.01, 0.3, 0.55, 0.99])
def test_the_cross_entropy_joins_its_two_curves(t, curve, y):
    assert float(losses.binary_cross_entropy(np.array([y]), np.array([t]))) == pytest.approx(
        curve(y), rel=1e-14
    )


def sigma(z):
    return 1 / (1 + np.exp(-z))


@pytest.fixture(scope="module")
def classifier():
    """Three weight matrices without biases; forward and backward by hand, in columns."""
    rng = np.random.default_rng(3)
    x, t = rng.normal(size=(2, 8)), (rng.random((1, 8)) > 0.5) * 1.0
    w1, w2, w3 = rng.normal(size=(4, 2)), rng.normal(size=(3, 4)), rng.normal(size=(1, 3))
    h1 = sigma(w1 @ x)
    h2 = sigma(w2 @ h1)
    y = sigma(w3 @ h2)
    delta3 = y - t
    delta2 = w3.T @ delta3 * h2 * (1 - h2)
    delta1 = w2.T @ delta2 * h1 * (1 - h1)
    by_hand = {"delta1": delta1, "delta2": delta2, "delta3": delta3,
               "dw1": delta1 @ x.T, "dw2": delta2 @ h1.T, "dw3": delta3 @ h2.T}  # fmt: skip
    leaves = {k: cr.tensor(v) for k, v in {"w1": w1, "w2": w2, "w3": w3}.items()}
    z1 = leaves["w1"] @ x
    z2 = leaves["w2"] @ cr.sigmoid(z1)
    z3 = leaves["w3"] @ cr.sigmoid(z2)
    losses.binary_cross_entropy(cr.sigmoid(z3), t, reduction="sum").backward()
    found = {"delta1": z1.grad, "delta2": z2.grad, "delta3": z3.grad} | {
        f"d{k}": w.grad for k, w in leaves.items()
    }
    return by_hand, found, {"x": x, "h1": h1, "h2": h2}


@pytest.mark.parametrize("name", ["delta3", "dw3", "delta2", "dw2", "delta1", "dw1"])
def test_the_classifier_has_the_deltas_and_updates_of_the_article(classifier, name):
    by_hand, found, _ = classifier
    assert found[name] == pytest.approx(by_hand[name], rel=1e-10, abs=1e-14)


@pytest.mark.parametrize(("k", "read"), [(1, "x"), (2, "h1"), (3, "h2")])
def test_an_update_is_one_matrix_product_and_the_sum_of_every_sample_s_outer_product(
    classifier, k, read
):
    _, found, inputs = classifier
    columns = zip(found[f"delta{k}"].T, inputs[read].T, strict=True)
    outer = sum(np.outer(delta, h) for delta, h in columns)
    assert found[f"dw{k}"] == pytest.approx(outer, rel=1e-12, abs=1e-15)


def test_all_updates_together_are_one_step_down_a_single_vector(classifier):
    _, found, inputs = classifier
    shapes = [(4, 2), (3, 4), (1, 3)]
    ends = np.cumsum([prod(s) for s in shapes])[:-1]
    rng = np.random.default_rng(3)
    rng.normal(size=(2, 8))
    t = (rng.random((1, 8)) > 0.5) * 1.0
    flat = np.concatenate([rng.normal(size=s).ravel() for s in shapes])

    def loss(v):
        h = inputs["x"]
        for part, shape in zip(np.split(np.arange(len(flat)), ends), shapes, strict=True):
            h = cr.sigmoid(cr.reshape(v[part[0] : part[-1] + 1], shape) @ h)
        return losses.binary_cross_entropy(h, t, reduction="sum")

    gathered = np.concatenate([found[f"dw{k}"].ravel() for k in (1, 2, 3)])
    assert cr.grad(loss)(flat) == pytest.approx(gathered, rel=1e-9, abs=1e-13)
    assert float(loss(flat - 1e-3 * gathered)) < float(loss(flat))


@pytest.mark.parametrize(("target", "sign"), [(1, 1), (0, -1)])
def test_a_perceptron_step_moves_the_dot_product_towards_its_target(target, sign):
    rng = np.random.default_rng(5)
    x = rng.normal(size=3)
    model = cr.nn.Perceptron(3, lr=0.5).replace(weight=cr.tensor(-sign * x))
    after = model.step(x, target)
    assert sign * float(x @ after.weight.value) > sign * float(x @ model.weight.value)
    assert after.weight.value == pytest.approx(model.weight.value + sign * 0.5 * x)
    assert model.step(x, 1 - target) is model
