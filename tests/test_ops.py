"""Every op of the catalogue: value, shape rule, and gradient by three independent roads."""

from contextlib import contextmanager, suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import chainrule as cr
from chainrule import ops
from chainrule.graph import capture as capture_nodes
from chainrule.graph import input_node, verify
from chainrule.graph.errors import ChainruleError, DTypeError
from chainrule.nn.losses import LOSSES
from chainrule.ops import catalogue
from chainrule.ops.catalogue import CATALOGUE, Example, Operand
from chainrule.ops.family import Elementwise
from chainrule.study import check_grads
from chainrule.transform import tree_leaves

REAL, SHARE = Operand(), Operand(domain=(0.1, 0.9))
TARGETS = {  # what each loss compares a prediction with, and where the prediction lies
    "mse": (REAL, np.arange(6.0).reshape(2, 3)),
    "l1": (REAL, np.arange(6.0).reshape(2, 3) + 3.0),
    "huber": (REAL, np.array([[2.6, -2.6, 3.0], [0.01, 0.02, 0.03]])),
    "cross_entropy": (REAL, np.array([2, 0])),
    "binary_cross_entropy": (SHARE, np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.2]])),
    "binary_cross_entropy_with_logits": (REAL, np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.2]])),
}
OF_LOSSES = [
    Example(name, lambda p, loss=LOSSES[name], t=t: loss(p, t.astype(p.dtype) if t.ndim > 1 else t),
            (operand,), "loss")
    for name, (operand, t) in TARGETS.items()
]  # fmt: skip

EXAMPLES = [*catalogue.EXAMPLES, *OF_LOSSES]
SMOOTH = [e for e in EXAMPLES if e.differentiable]
ANALYTIC = [e for e in SMOOTH if e.analytic]
TRACED = [e for e in EXAMPLES if e.traces]
ELEMENTWISE = [e for e in EXAMPLES if e.op is not None]
BINARY = [e for e in ELEMENTWISE if e.differentiable and len(e.operands) > 1]
STEP = 1e-30


def each(examples):
    return pytest.mark.parametrize("example", examples, ids=str)


def outputs(example: Example, xs) -> list:
    return tree_leaves(example.call(*xs))


def float_outputs(example: Example, xs) -> list:
    return [y for y in outputs(example, xs) if y.dtype.kind == "f"]


def weights(example: Example, xs) -> list[np.ndarray]:
    """A fixed weight for every element of every float output."""
    rng = np.random.default_rng(5)
    ys = [np.asarray(y) for y in float_outputs(example, xs)]
    return [rng.normal(size=y.shape).astype(y.dtype) for y in ys]


def weighted(example: Example, ws):
    """The example as a function with one number as its value."""
    return lambda *xs: sum(
        cr.sum(w * y) for w, y in zip(ws, float_outputs(example, xs), strict=True)
    )


def gradient(example: Example, xs, ws=None):
    ws = weights(example, xs) if ws is None else ws
    return cr.grad(weighted(example, ws), argnums=example.differentiable)(*xs)


def run_traced(f, *xs) -> list:
    """The outputs of the graph of `f`, which is verified, for the numbers `xs`."""
    graph, outside = capture_nodes(f, [input_node(x.shape, x.dtype) for x in xs])
    return verify(graph).run([*xs, *outside])


def close(a, b, rtol=1e-12):
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * (1 + np.max(np.abs(b), initial=0)))


def test_every_public_name_is_in_the_catalogue():
    named = {n for n in ops.__all__ if n[0].islower()}
    assert named - set(CATALOGUE) == {"elementwise"} & named  # makes ops; it is not one


def test_every_loss_is_an_example():
    assert set(TARGETS) == set(LOSSES)


@each(ELEMENTWISE)
def test_an_elementwise_op_says_what_readers_need(example):
    op, arity = example.op, len(example.operands)
    assert op.latex
    assert op.words
    assert op.source
    assert type(op).__doc__
    assert len(op.takes) == len(op.domain) == arity
    with np.errstate(all="ignore"):
        assert len(op.local(*(np.ones(()) for _ in range(arity + 1)))) == arity


@each(EXAMPLES)
def test_tensors_and_arrays_give_the_same_numbers(example):
    xs = example.arguments()
    for y, t in zip(outputs(example, xs), outputs(example, map(cr.tensor, xs)), strict=True):
        np.testing.assert_array_equal(np.asarray(y), np.asarray(t))


@each(TRACED)
def test_the_shape_rule_says_what_forward_gives(example):
    xs = example.arguments()
    graph = verify(cr.capture(example.call, *xs))
    ys = [np.asarray(y) for y in outputs(example, xs)]
    assert [(o.shape, o.dtype) for o in graph.outputs] == [(y.shape, y.dtype) for y in ys]


@each(TRACED)
def test_the_shape_rule_holds_for_float32(example):
    xs = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in example.arguments()]
    graph = cr.capture(example.call, *xs)
    ys = [np.asarray(y) for y in outputs(example, xs)]
    assert [(o.shape, o.dtype) for o in graph.outputs] == [(y.shape, y.dtype) for y in ys]


@each(SMOOTH)
def test_the_gradient_is_that_of_the_values_to_second_order_in_both_modes(example):
    report = check_grads(example.call, example.arguments(), order=2)
    assert report.ok
    assert not report.kinks


@each(ANALYTIC)
def test_complex_step_agrees_to_the_last_digits(example):
    xs = example.arguments()
    rng = np.random.default_rng(6)
    vs = [rng.normal(size=x.shape) if x.dtype.kind == "f" else 0.0 for x in xs]
    stepped = outputs(example, [x + 1j * STEP * v for x, v in zip(xs, vs, strict=True)])
    moved = cr.jvp(lambda *xs: outputs(example, xs), xs, tuple(vs))[1]
    for y, t in zip(stepped, moved, strict=True):
        close(t, np.imag(y) / STEP)


@each(SMOOTH)
def test_the_gradient_has_the_dtype_of_its_operand(example):
    xs = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in example.arguments()]
    downs = gradient(example, xs)
    assert [d.dtype for d in downs] == [xs[k].dtype for k in example.differentiable]
    assert [d.shape for d in downs] == [xs[k].shape for k in example.differentiable]


@each([e for e in SMOOTH if len(e.differentiable) > 1])
def test_mixed_precision_gives_every_operand_its_own(example):
    xs = list(example.arguments())
    first = example.differentiable[0]
    exact = gradient(example, xs)
    xs[first] = xs[first].astype(np.float32)
    downs = gradient(example, xs)
    assert [d.dtype for d in downs] == [xs[k].dtype for k in example.differentiable]
    for d, e in zip(downs, exact, strict=True):
        close(d, e, rtol=1e-4)


@each([e for e in SMOOTH if e.traces])
def test_the_gradient_as_a_graph_gives_the_eager_numbers(example):
    xs = example.arguments()
    ws = weights(example, xs)

    def down(*xs):
        return gradient(example, xs, ws)

    for d, e in zip(run_traced(down, *xs), down(*xs), strict=True):
        close(d, e)
        assert d.dtype == e.dtype


@each([e for e in SMOOTH if e.traces])
def test_the_forward_mode_as_a_graph_gives_the_eager_numbers(example):
    xs = tuple(example.arguments())
    vs = tuple(np.ones_like(x) for x in xs)
    floats = example.differentiable

    def moved(*xs):
        def f(*zs):
            given = list(xs)
            for k, z in zip(floats, zs, strict=True):
                given[k] = z
            return float_outputs(example, given)

        return cr.jvp(f, tuple(xs[k] for k in floats), tuple(vs[k] for k in floats))[1]

    for t, e in zip(run_traced(moved, *xs), moved(*xs), strict=True):
        close(t, e)


LAYOUTS = {
    "negative strides": lambda x: np.array(x[..., ::-1])[..., ::-1] if x.ndim else x,
    "Fortran order": np.asfortranarray,
    "every other element": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
}


def read_only(x):
    x.flags.writeable = False
    return x


@pytest.mark.parametrize("layout", LAYOUTS)
@each(EXAMPLES)
def test_the_layout_in_memory_does_not_matter(example, layout):
    plain = example.arguments()
    laid = [read_only(LAYOUTS[layout](x)) for x in plain]
    for y, e in zip(outputs(example, laid), outputs(example, plain), strict=True):
        close(np.asarray(y), np.asarray(e))
    if example.differentiable:
        for d, e in zip(gradient(example, laid), gradient(example, plain), strict=True):
            close(d, e)


SIZES = {"size 0": 0, "size 1": 1}


@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 0), (1, 1, 1)], ids=str)
@each(ELEMENTWISE)
def test_an_elementwise_op_takes_any_shape(example, shape):
    example = example.shaped(*(shape for _ in example.operands))
    xs = example.arguments()
    (y,) = outputs(example, xs)
    assert y.shape == shape
    if example.differentiable:
        assert [d.shape for d in gradient(example, xs)] == [shape] * len(example.differentiable)


@pytest.mark.parametrize("size", SIZES)
@each(EXAMPLES)
def test_small_sizes_work_or_are_refused_in_words(example, size):
    shapes = [tuple(SIZES[size] for _ in x.shape) for x in example.operands]
    works_or_refuses(example.shaped(*shapes))


@each(EXAMPLES)
def test_single_numbers_work_or_are_refused_in_words(example):
    works_or_refuses(example.shaped(*(() for _ in example.operands)))


@contextmanager
def or_refused_in_words():
    """Any error of ours ends the test well; any other is a failure."""
    with np.errstate(all="ignore"), suppress(ChainruleError):
        yield


def works_or_refuses(example):
    try:
        xs = example.arguments()
    except (ValueError, IndexError):  # no such matrix can be made
        return
    with or_refused_in_words():
        ys = outputs(example, xs)
        made = [(np.shape(y), y.dtype) for y in ys]
        if example.traces:
            graph = cr.capture(example.call, *xs)
            assert [(o.shape, o.dtype) for o in graph.outputs] == made
        if example.differentiable and any(y.dtype.kind == "f" for y in ys):
            downs = gradient(example, xs)
            assert [d.shape for d in downs] == [xs[k].shape for k in example.differentiable]


@pytest.mark.parametrize("dtype", ["int64", "uint8", "int32", "bool"])
@each(EXAMPLES)
def test_integers_and_bools_work_or_are_refused_in_words(example, dtype):
    xs = [np.abs(x).astype(dtype) for x in example.arguments()]
    with or_refused_in_words():
        made = [(np.shape(y), y.dtype) for y in outputs(example, xs)]
        tensors = outputs(example, map(cr.tensor, xs))
        assert [(t.shape, t.dtype) for t in tensors] == made
        if example.traces:
            graph = cr.capture(example.call, *xs)
            assert [(o.shape, o.dtype) for o in graph.outputs] == made


@each(SMOOTH)
def test_a_gradient_by_integers_is_refused_in_words(example):
    xs = [np.ones(x.shape, np.int64) for x in example.operands]
    with pytest.raises(DTypeError, match=r"only floats have\s+gradients"):
        cr.grad(example.call, argnums=example.differentiable)(*xs)


@each(BINARY)
@settings(max_examples=12)
@given(data=st.data())
def test_broadcasting_is_summed_back(example, data):
    arity = len(example.operands)
    drawn = data.draw(mutually_broadcastable_shapes(num_shapes=arity, max_dims=3, max_side=3))
    small = example.shaped(*drawn.input_shapes)
    xs = small.arguments()
    ws = weights(example, xs)
    whole = [np.broadcast_to(x, drawn.result_shape) for x in xs]
    for k, d, e in zip(
        example.differentiable, gradient(example, xs, ws), gradient(example, whole, ws), strict=True
    ):
        extra = len(drawn.result_shape) - xs[k].ndim
        ones = [extra + a for a, n in enumerate(xs[k].shape) if n == 1]
        close(d, np.sum(e, axis=(*range(extra), *ones)).reshape(xs[k].shape))


@each(BINARY)
def test_a_python_number_takes_the_dtype_beside_it(example):
    xs = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in example.arguments()]
    xs[-1] = float(xs[-1].flat[0])
    k = example.differentiable[0]
    assert all(y.dtype == np.float32 for y in outputs(example, xs))
    assert all(y.dtype == np.float32 for y in outputs(example, [*map(cr.tensor, xs[:-1]), xs[-1]]))
    down = cr.grad(lambda *xs: cr.sum(example.call(*xs)), argnums=k)(*xs)
    assert down.dtype == np.float32


@each([e for e in ELEMENTWISE if e.differentiable])
def test_an_ops_own_local_gradient_is_right(example):
    from chainrule.study import check_op

    assert check_op(example.op, *example.arguments(1), order=2).ok


def test_the_ops_of_the_catalogue_are_elementwise_where_it_says_so():
    assert all(isinstance(e.op, Elementwise) for e in ELEMENTWISE)
