"""A gradient is the sum over all paths, and the backward sweep shares what they have in common."""

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule.ops.catalogue import EXAMPLES
from chainrule.study import paths as paths_module
from chainrule.study.formula import evaluate
from chainrule.study.paths import paths

VALUES = {"x": -2.0, "y": 5.0, "z": -4.0, "w": 0.7}
EXPRESSIONS = (
    "(x + y) * z",
    "x * x + x",
    "sigmoid(w * x + z) * (w * y + z)",
    "sin(x ** 2) / (1 + exp(w))",
    "maximum(x * w, y * w) + minimum(x, w) * abs(x)",
    "where(x > 0, log(x), x * x)",
    "(w + x) * (w + y) * (w + z) * (w + x * y)",
    "floor(w * 3) * w",
    "tanh(tanh(w * x) * w + x) * w",
)


def of(text):
    leaves = {n: cr.tensor(v, name=n) for n, v in VALUES.items()}
    return evaluate(text, leaves), leaves


def gradient(loss, leaf):
    cr.zero_grad(loss)
    loss.backward()
    return np.zeros(leaf.shape) if leaf.grad is None else leaf.grad


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_products_of_all_paths_add_up_to_the_gradient(text):
    loss, leaves = of(text)
    found = paths(loss)
    for name in found.counts:
        exact = gradient(loss, leaves[name])
        assert found.sums[name] == pytest.approx(exact, rel=1e-12, abs=1e-12)
        assert found.gradients[name] == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_factors_of_a_path_multiply_to_its_product(text):
    for path in paths(of(text)[0]):
        factors = [0.0 if f.value is None else float(f.value) for f in path.factors]
        assert np.prod(factors) == pytest.approx(float(path.product), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_formula_of_a_factor_evaluated_is_its_number(text):
    loss, _ = of(text)
    found = paths(loss)
    names = {s.name: cr.tensor(s.value) for s in cr.trace(loss).steps}
    for factor in (f for p in found for f in p.factors if "step" not in f.formula
                   and "beats" not in f.formula):  # fmt: skip
        assert float(evaluate(factor.formula, names)) == pytest.approx(float(factor.value))


@pytest.mark.parametrize(
    "row", [r for r in EXAMPLES if r.differentiable and r.traces], ids=str
)  # fmt: skip
def test_paths_through_every_op_add_up_to_the_gradient(row):
    xs = [cr.tensor(x, name=f"x{k}") if k in row.differentiable else x
          for k, x in enumerate(row.arguments())]  # fmt: skip
    leaves = [x for x in xs if isinstance(x, cr.Tensor)]
    loss = ends(row.call(*xs))
    for leaf in leaves:
        exact = gradient(loss, leaf)
        found = paths(loss, wrt=leaf)
        np.testing.assert_allclose(found.sums[leaf.name], exact, rtol=1e-9, atol=1e-12)


def ends(found):
    """One number of whatever an op returns."""
    if isinstance(found, (tuple, list)):
        return sum((ends(part) for part in found), cr.tensor(0.0))
    return cr.sum(found * 0.5) if found.dtype.kind == "f" else cr.tensor(0.0)


def network():
    rng = np.random.default_rng(3)
    shapes = {"x": (6, 2), "w1": (2, 3), "b1": (3,), "w2": (3, 1), "b2": (1,), "y": (6, 1)}
    p = {n: cr.tensor(rng.normal(size=s), name=n) for n, s in shapes.items()}
    l1 = cr.relu(p["x"] @ p["w1"] + p["b1"]).named("l1")
    return cr.mean((p["y"] - (l1 @ p["w2"] + p["b2"])) ** 2), p


def test_the_paths_of_a_network_are_told_as_matrix_products():
    loss, p = network()
    (path,) = paths(loss, wrt=p["w1"])
    assert path.formulas.startswith("x.T @ ((")
    assert "@ w2.T" in path.formulas
    assert path.numbers == ""
    assert path.product == pytest.approx(gradient(loss, p["w1"]))


def test_what_two_paths_share_is_named_with_its_value():
    w1, w2, b = (cr.tensor(v, name=n) for n, v in (("w1", 2.0), ("w2", -3.0), ("b", -3.0)))
    z = (w1 * -1.0 + w2 * -2.0 + b).named("z")
    found = paths(0.5 * (1.0 - cr.sigmoid(z)) ** 2)
    delta = found.shared[0]
    assert (delta.name, delta.paths) == ("z", 3)
    assert float(delta.value) == pytest.approx(-0.052877, abs=1e-6)


def test_the_work_counts_every_product_once_or_for_every_path():
    x = cr.tensor(1.5, name="x")
    u = cr.sin(x)
    v = u * u * u  # (u · u) · u: two paths of three edges, one of two
    found = paths(v)
    assert sorted(len(p.factors) for p in found) == [2, 3, 3]
    assert (found.work.expanded, found.work.sweep) == (5, 3)


def doubling(levels):
    x = h = cr.tensor(1.0, name="x")
    for _ in range(levels):
        h = h + h
    return h, x


@pytest.mark.parametrize("levels", [0, 1, 5, 64, 300])
def test_paths_are_counted_exactly_however_many_there_are(levels):
    loss, _ = doubling(levels)
    found = paths(loss * 1.0)
    assert found.count == 2**levels
    assert found.work.expanded == 2**levels * levels
    assert found.work.sweep == 2 * levels
    assert found.gradients["x"] == pytest.approx(2.0**levels)


def test_too_many_to_list_are_counted_and_the_limit_is_said():
    loss, _ = doubling(40)
    found = paths(loss)
    assert found.listed is None
    assert "1,099,511,627,776 paths are more than the 200" in str(found)
    with pytest.raises(cr.UsageError, match="limit"):
        list(found)


def test_the_limit_can_be_raised():
    loss, x = doubling(9)
    assert len(paths(loss, wrt=x, limit=512)) == 512


def test_paths_may_be_asked_of_what_lies_between():
    loss, _ = network()
    l1 = next(s for s in cr.trace(loss).nodes if s.name == "l1")
    assert paths(loss, wrt=l1).sums["l1"] == pytest.approx(gradient(loss, l1))


def test_a_wrong_product_would_be_noticed(monkeypatch):
    right = paths_module._along
    monkeypatch.setattr(paths_module, "_along", lambda leaf, trail: 1.01 * right(leaf, trail))
    loss, _ = of("(x + y) * z")
    found = paths(loss)
    assert found.sums["z"] != pytest.approx(found.gradients["z"])


def test_a_name_in_a_page_is_shown_and_not_run():
    x = cr.tensor(2.0, name="</b><script>alert(1)</script>")
    page = paths(x * x)._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_markdown_lists_the_paths():
    told = paths(of("(x + y) * z")[0]).markdown()
    assert "1. `x → u₁ → u₂`" in told
    assert "- work: 2 multiplications" in told


REFUSED = {
    "no history": (lambda: paths(3.0), cr.UsageError, "paths: of a float"),
    "not one number": (lambda: paths(cr.tensor([1.0, 2.0]) * 2.0), cr.ScalarError, "paths"),
    "an integer": (lambda: paths(cr.astype(cr.tensor(3.0), cr.int64)), cr.DTypeError, "paths"),
    "elsewhere": (
        lambda: paths(cr.tensor(1.0) * 2.0, wrt=cr.tensor(1.0, name="q")), cr.PathError, "on q"),
    "limit": (lambda: paths(cr.tensor(1.0) * 2.0, limit=-1), cr.UsageError, "limit=-1"),
    "a constant": (lambda: paths(cr.tensor(2.0) ** 0 + 1.0, wrt=3.0), cr.PathError, "a float"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_paths_is_said_in_words(name):
    wrong, kind, words = REFUSED[name]
    with refused(kind, words):
        wrong()


def test_paths_are_told_in_the_notation_of_derivations():
    loss, _ = of("-tanh(w * x) ** 3")
    told = str(paths(loss))
    assert "= (−1) · " in told
    assert "1 − u₂²" in told
    assert "-" not in told
    assert "**" not in told


def test_a_label_that_is_no_symbol_is_told_as_it_is():
    x, y = cr.tensor(2.0, name="</script>"), cr.tensor(3.0, name="{\\frac")
    found = paths(x * y)
    assert "1 path from </script> to u₁" in str(found)
    assert "</script>" not in found._repr_html_()
