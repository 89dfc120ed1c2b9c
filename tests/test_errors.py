"""Every mistake is answered by an error of ours that names the op, the shapes, the line, the fix.

Each row is a call, the class of the error, and what its message must say. The call stands on one
line, and the message must name that very line.
"""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest
from messages import own_words, refused

import chainrule as cr
from chainrule import nn, optim
from chainrule.graph.walk import Graph

A = np.ones
x = cr.tensor([1.0, 2.0, 3.0], name="x")
m = cr.tensor(A((2, 3)))
one = cr.tensor(1.0)


def at(f, *args, argnums=0):
    """The gradient, one call further away from the line that is to be named."""
    return cr.grad(f, argnums)(*args)


SHAPES = {
    "add": (lambda: x + cr.tensor(A(4)), cr.ShapeError, r"add: .*\(3,\) and \(4,\).*equal"),
    "add to an array": (lambda: A((2, 4)) + m, cr.ShapeError, r"add: shapes \(2, 4\) and \(2, 3\)"),
    "maximum": (lambda: cr.maximum(x, A(4)), cr.ShapeError, r"maximum: shapes \(3,\) and \(4,\)"),
    "where": (lambda: cr.where(x > 0, x, A(4)), cr.ShapeError, r"where: .*\(3,\).*\(4,\)"),
    "matmul": (lambda: m @ m, cr.ShapeError, r"matmul: shapes \(2, 3\) and \(2, 3\).*rows"),
    "matmul of arrays": (lambda: cr.matmul(A((2, 3)), A(2)), cr.ShapeError, r"\(2, 3\) and \(2,\)"),
    "einsum": (lambda: cr.einsum("ij,jk->ik", m, m), cr.ShapeError, "'j' is 3 and 2"),
    "sum": (lambda: cr.sum(m, axis=2), cr.AxisError, "sum: axis 2 .* 2 axes"),
    "sum, half an axis": (lambda: cr.sum(m, axis=1.5), cr.AxisError, "axis=1.5"),
    "an axis twice": (lambda: cr.mean(m, axis=(0, -2)), cr.AxisError, "mean: .* twice"),
    "argmax": (lambda: cr.argmax(m, axis=5), cr.AxisError, "argmax: axis 5"),
    "reshape": (lambda: cr.reshape(m, (4,)), cr.ShapeError, r"reshape: \(2, 3\) .* 6 elements"),
    "a shape of text": (lambda: cr.reshape(m, "a"), cr.UsageError, "whole numbers"),
    "broadcast_to": (lambda: cr.broadcast_to(m, (4, 4)), cr.ShapeError, r"\(2, 3\).*\(4, 4\)"),
    "concat": (lambda: cr.concat([m, A((2, 4))]), cr.ShapeError, r"concat: .*\(2, 3\).*\(2, 4\)"),
    "stack": (lambda: cr.stack([m, x]), cr.ShapeError, r"stack: .*\(2, 3\).*\(3,\)"),
    "transpose": (lambda: x.T, cr.ShapeError, r"\.T is for matrices.*permute_dims"),
    "an index": (lambda: x[5], cr.AxisError, r"index.*5|5.*index"),
    "an index array": (lambda: x[np.array([7])], cr.AxisError, "7"),
    "an index of floats": (lambda: x[np.array([0.5])], cr.DTypeError, "float64; use integers"),
    "a mask": (lambda: x[np.array([True, False])], cr.ChainruleError, r"\(3,\).*mask of \(2,\)"),
    "solve": (lambda: cr.solve(m, x), cr.ShapeError, r"solve: .*\(2, 3\)"),
    "a singular matrix": (lambda: cr.inv(np.zeros((2, 2))), cr.MatrixError, "[Ss]ingular"),
    "no Cholesky factor": (lambda: cr.cholesky(-np.eye(2)), np.linalg.LinAlgError, "multiple of"),
    "linear": (lambda: cr.linear(x, A((2, 4))), cr.ShapeError, r"linear: .*\(3,\).*\(2, 4\)"),
    "linear's bias": (lambda: cr.linear(x, A((2, 3)), A(5)), cr.ShapeError, r"bias \(5,\)"),
    "a layer": (lambda: nn.Linear(3, 2)(A(4)), cr.ShapeError, r"linear: .*\(4,\).*\(2, 3\)"),
    "a layer of another": (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.Linear(3, 1))(A(3)), cr.ShapeError, r"\(1, 3\)",
    ),
    "a loss": (lambda: nn.losses.mse(A((4, 1)), A(4)), cr.ShapeError, r"\(4, 1\).*\[:, 0\]"),
    "the upstream gradient": (lambda: (x * 2).backward(A(4)), cr.ShapeError, r"\(4,\).*\(3,\)"),
    "a vjp's": (lambda: cr.vjp(lambda v: v * 2, A(3))[1](A(4)), cr.ShapeError, r"\(4,\).*\(3,\)"),
    "a tangent": (lambda: cr.jvp(cr.sin, (A(3),), (A(4),)), cr.ShapeError, r"\(4,\).*\(3,\)"),
    "no tangent": (lambda: cr.jvp(cr.sin, (1.0,), ()), cr.ShapeError, "one tangent for each"),
    "tangents of another tree": (
        lambda: cr.jvp(lambda d: d["a"], ({"a": 1.0},), ({"b": 1.0},)), cr.ShapeError, "'b'",
    ),
    "hvp": (lambda: cr.hvp(lambda v: cr.sum(v), (A(3),), A(4)), cr.ShapeError, r"\(4,\)"),
    "scan, shape": (
        lambda: cr.scan(lambda c, v: (cr.stack([c, c]), v), 0.0, A(3)), cr.ShapeError,
        r"\(\) and comes out as float64 \(2,\)",
    ),
    "scan, dtype": (
        lambda: cr.scan(lambda c, v: (c + v, v), np.float32(0), A(3)), cr.ShapeError,
        r"float32 \(\) and comes out as float64",
    ),
    "scan, structure": (
        lambda: cr.scan(lambda c, v: ((c, c), v), 0.0, A(3)), cr.ShapeError, "structure",
    ),
    "scan, lengths": (
        lambda: cr.scan(lambda c, v: (c, c), 0.0, (A(3), A(4))), cr.ShapeError, "'3', '4'",
    ),
    "cond, shapes": (
        lambda: cr.cond(True, cr.sin, cr.sum, x), cr.ShapeError, r"\(3,\) and float64 \(\)",
    ),
    "cond, structure": (
        lambda: cr.cond(True, lambda v: v, lambda v: (v, v), x), cr.ShapeError, "must agree",
    ),
    "cond of many": (lambda: cr.cond(A(3) > 0, cr.sin, cr.cos, x), cr.ChainruleError, "cond"),
    "an update": (
        lambda: optim.apply_updates([A(3)], [A(4)]), cr.ShapeError, r"\(4,\).*\(3,\)",
    ),
    "a state": (
        lambda: nn.Linear(1, 2).load_state_dict({"weight": A(3), "bias": A(2)}), cr.ShapeError,
        r"weight is \(2, 1\).*\(3,\)",
    ),
}  # fmt: skip

DTYPES = {
    "integers": (lambda: at(cr.sum, np.array([1, 2])), cr.DTypeError, r"int64 \(2,\).*astype"),
    "bools": (lambda: at(cr.sum, np.array([True])), cr.DTypeError, "bool"),
    "an integer tensor": (lambda: at(cr.sum, cr.asarray([1])), cr.DTypeError, "int64"),
    "an integer output": (
        lambda: cr.sum(cr.asarray([1, 2])).backward(), cr.DTypeError, "int64.*end in a float loss",
    ),
    "complex": (lambda: cr.tensor(1j), cr.DTypeError, "complex128.*real and the imaginary"),
    "complex operands": (lambda: x + 1j, cr.DTypeError, "complex|numbers"),
    "complex arguments": (lambda: at(cr.sin, 1j), cr.DTypeError, "complex"),
    "complex upstream": (lambda: x.backward(A(3) * 1j), cr.DTypeError, "complex"),
    "complex tangents": (lambda: cr.jvp(cr.sin, (1.0,), (1j,)), cr.DTypeError, "complex"),
    "text": (lambda: cr.tensor(["a"]), cr.DTypeError, "<U1; give numbers"),
    "text operands": (lambda: x * "a", cr.DTypeError, "<U1"),
    "text arguments": (lambda: cr.sin("a"), cr.DTypeError, "sin"),
    "None": (lambda: x + None, cr.DTypeError, "object"),
    "a dict": (lambda: x + {}, cr.DTypeError, "object"),
    "None as an argument": (lambda: at(cr.sin, None), cr.ChainruleError, "sin|grad"),
    "an object": (lambda: at(cr.sin, object()), cr.DTypeError, "object, which holds no numbers"),
    "text in a tree": (lambda: at(lambda d: d["a"], {"a": "b"}), cr.DTypeError, r"\['a'\] is str"),
    "ragged lists": (lambda: cr.tensor([[1], [1, 2]]), cr.ShapeError, "different lengths"),
    "ragged operands": (lambda: x * [[1], [1, 2]], cr.ShapeError, "different lengths"),
    "a dtype that is none": (lambda: cr.tensor([1.0], dtype="foo"), cr.DTypeError, "'foo'"),
    "a dtype of text": (lambda: cr.tensor([1.0], dtype=str), cr.DTypeError, "dtype of numbers"),
    "astype of no dtype": (lambda: cr.astype(m, "foo"), cr.DTypeError, "'foo'"),
    "astype of complex": (lambda: cr.astype(m, complex), cr.DTypeError, "real numbers"),
    "astype of a dict": (lambda: cr.astype(m, {}), cr.DTypeError, "real numbers"),
    "text as upstream": (lambda: x.backward("a"), cr.ChainruleError, "upstream"),
    "text as a tangent": (lambda: cr.jvp(cr.sin, (1.0,), ("a",)), cr.DTypeError, "tangent"),
    "text in a scan": (lambda: cr.scan(lambda c, v: (c, v), "a", A(3)), cr.DTypeError, "numbers"),
    "text out of a scan": (
        lambda: cr.scan(lambda c, v: (c, "a"), 0.0, A(3)), cr.DTypeError, "numbers",
    ),
    "text through a stop": (lambda: cr.stop_gradient("a"), cr.DTypeError, "numbers"),
    "integer weights": (lambda: nn.Linear(1, 2, dtype=int), cr.DTypeError, "weights are floats"),
    "integer parameters": (lambda: optim.Adam().init([A(2, int)]), cr.DTypeError, "int64"),
}  # fmt: skip

# Every way in which the path to the value can break.
PATHS = {
    "float()": (lambda: at(lambda v: float(v), 1.0), "left the graph"),
    "item()": (lambda: at(lambda v: v.item(), 1.0), "left the graph"),
    ".value": (lambda: at(lambda v: v.value * 2, 1.0), "left the graph"),
    "np.asarray": (lambda: at(lambda v: np.asarray(v), 1.0), "left the graph"),
    "float() on the way": (lambda: at(lambda v, w: w * float(v), 1.0, one), "left|without it"),
    ".value on the way": (lambda: at(lambda v: one * v.value, 1.0), "without it.*argnums"),
    "a comparison": (lambda: at(lambda v: (v > 0) * one, 1.0), "breaks at greater|breaks at less"),
    "argmax": (lambda: at(lambda v: cr.argmax(v) * one, A(3)), "breaks at argmax"),
    "a cast": (lambda: at(lambda v: cr.astype(v, int) * one, 1.0), "breaks at cast.*int64"),
    "stop_gradient": (lambda: at(lambda v: cr.stop_gradient(v) * one, 1.0), "breaks at stop_grad"),
    "an argument unused": (lambda: at(lambda v, w: w * one, 1.0, 2.0), r"\[0\] \(\) is not on the"),
    "a number returned": (lambda: at(lambda v: 3.0, 1.0), r"a constant of shape \(\)"),
    "nothing returned": (lambda: at(lambda v: None, 1.0), "returned"),
    "text returned": (lambda: at(lambda v: "s", 1.0), "returned"),
    "no argument": (lambda: cr.vjp(lambda: 1.0), "returned"),
    "backward of an array": (lambda: cr.backward(A(3)), "ndarray.*does not remember"),
}

SCALARS = {
    "a list": (lambda: at(lambda v: [v, v], 1.0), cr.UsageError, "returned a list.*jacobian"),
    "backward": (lambda: (x * 2).backward(), cr.ScalarError, r"multiply, shape \(3,\).*cr\.sum"),
    "grad": (
        lambda: at(lambda v: v * 2, A(3)),
        cr.ScalarError,
        r"multiply, shape \(3,\).*cr\.mean",
    ),
    "hessian": (lambda: cr.hessian(lambda v: v * 2)(A(3)), cr.ScalarError, r"\(3,\)"),
    "float": (lambda: float(x), cr.ShapeError, r"float: .*\(3,\)"),
    "item": (lambda: x.item(), cr.ShapeError, r"\(3,\)"),
    "if": (lambda: 1 if x > 0 else 0, cr.ShapeError, r"\(3,\).*cr\.any"),
    "format": (lambda: f"{x:.2f}", cr.ShapeError, r"format: .*\(3,\)"),
    "len": (lambda: len(one), cr.ShapeError, "no axes"),
}

IN_PLACE = {
    "an element": (lambda: x.__setitem__(0, 1.0), r"cr\.where\(mask"),
    "a deletion": (lambda: x.__delitem__(0), r"x\[mask\]"),
    "the numbers": (lambda: setattr(x, "value", 1), "apply_updates"),
    "the gradient": (lambda: setattr(x, "grad", A(3)), r"x\.grad = None"),
    "the name": (lambda: setattr(x, "name", "y"), r"x\.named\('y'\)"),
    "out=": (lambda: np.add(A(3), A(3), out=x), "written|never"),
    "a parameter": (lambda: setattr(nn.Linear(1, 2), "weight", 1), r"layer\.replace\(weight="),
    "no parameter": (lambda: setattr(nn.Linear(1, 2), "foo", 1), "no field"),
    "a parameter's element": (lambda: nn.Linear(1, 2).weight.__setitem__(0, 1), r"cr\.where"),
    "a parameter gone": (lambda: delattr(nn.Linear(1, 2), "weight"), "make a new one"),
    "a layer": (lambda: nn.Sequential(nn.Tanh()).__setitem__(0, 1), "make a new Sequential"),
}

TRACING = {
    "if": (lambda: cr.capture(lambda v: v if v > 0 else -v, 1.0), r"cr\.where.*cr\.cond"),
    "if in a scan": (
        lambda: cr.scan(lambda c, v: (c if c > 0 else v, v), 0.0, A(3)), r"cr\.where",
    ),
    "if in a checkpoint": (lambda: cr.checkpoint(lambda v: v if v > 0 else -v)(1.0), r"cr\.where"),
    "while": (lambda: cr.capture(lambda v: list(iter(lambda: bool(v > 0), False)), 1.0), "if of"),
    "float": (lambda: cr.capture(lambda v: float(v), 1.0), "float of v"),
    "int": (lambda: cr.capture(lambda v: range(v), 1.0), "int of v"),
    "np.asarray": (lambda: cr.capture(lambda v: np.asarray(v), 1.0), "np.asarray of v"),
    "item": (lambda: cr.capture(lambda v: v.item(), 1.0), r"\.item of v"),
    "value": (lambda: cr.capture(lambda v: v.value, 1.0), r"\.value of v"),
    "backward": (lambda: cr.capture(lambda v: v.backward(), 1.0), r"\.backward of v"),
    "format": (lambda: cr.capture(lambda v: f"{v:.3f}", 1.0), "format of v"),
    "max": (lambda: cr.capture(lambda v: max(v, 0.0), 1.0), "if of"),
    "a mask": (lambda: cr.capture(lambda v: v[v > 0], A(3)), "asks for a number"),
}  # fmt: skip

USAGE = {
    "no function": (lambda: cr.grad(3), "grad: of 3, which is an int"),
    "no function, vjp": (lambda: cr.vjp(None, 1.0), "vjp: of None"),
    "no function, jvp": (lambda: cr.jvp(3, (1.0,), (1.0,)), "jvp: of 3"),
    "no function, jacobian": (lambda: cr.jacobian(3), "jacobian"),
    "no function, hvp": (lambda: cr.hvp(3, (A(3),), A(3)), "of 3"),
    "no function, scan": (lambda: cr.scan(3, 0.0, A(3)), "scan: of 3"),
    "no function, cond": (lambda: cr.cond(True, 1, 2, x), "cond: of 1"),
    "no function, checkpoint": (lambda: cr.checkpoint(3), "checkpoint: of 3"),
    "no function, capture": (lambda: cr.capture(3, 1.0), "capture: of 3"),
    "no function, tree_map": (lambda: cr.tree_map(3, {}), "tree_map: of 3"),
    "argnums too large": (lambda: at(lambda v: v, 1.0, argnums=3), "argnums 3.*1 arguments"),
    "argnums of text": (lambda: cr.grad(cr.sin, "a"), "argnums='a'"),
    "argnums of halves": (lambda: cr.grad(cr.sin, 0.5), "argnums=0.5"),
    "argnums twice": (lambda: cr.grad(cr.sin, (0, 0)), "different ones"),
    "jacobian by two": (lambda: cr.jacobian(cr.add, (0, 1)), "one argument"),
    "has_aux without": (lambda: cr.grad(lambda v: v, has_aux=True)(1.0), "has_aux=True"),
    "has_aux of three": (lambda: cr.grad(lambda v: (v, 1, 2), has_aux=True)(1.0), "has_aux"),
    "tangents in no tuple": (lambda: cr.jvp(cr.sin, A(3), A(3)), "tuples"),
    "a scan of no pair": (lambda: cr.scan(lambda c, v: c, 0.0, A(3)), r"\(carry, y\)"),
    "a scan of negative length": (
        lambda: cr.scan(lambda c, v: (c, c), 0.0, length=-1), "length=-1",
    ),
    "other trees": (lambda: cr.tree_map(lambda a, b: a, {"a": 1}, {"b": 1}), "must agree"),
    "too many leaves": (lambda: cr.tree_unflatten(cr.tree_flatten([1])[1], [1, 2]), "leaves"),
    "zero_grad of a number": (lambda: cr.zero_grad(3.0), "only tensors"),
    "np.fft": (lambda: np.fft.fft(x), "fft"),
    "np.median": (lambda: np.median(x), "median"),
    "an op of no function": (lambda: cr.elementwise(3, 4), "elementwise"),
    "an op without operands": (lambda: cr.elementwise(lambda xp: 1, lambda y: ()), "operand"),
    "an op without local": (lambda: cr.elementwise(lambda xp, v: v, None), "local is None"),
    "an op with a number as name": (
        lambda: cr.elementwise(lambda xp, v: v, lambda y, v: (1.0,), name=3), "name=3",
    ),
    "a local that is no tuple": (
        lambda: at(cr.elementwise(lambda xp, v: v * v, lambda y, v: 2 * v), 1.0), "tuple of 1",
    ),
    "two locals for one": (
        lambda: at(cr.elementwise(lambda xp, v: v * v, lambda y, v: (v, v)), 1.0), "2 of them",
    ),
    "einsum of a number": (lambda: cr.einsum(3, m), "subscripts 3"),
    "concat of a number": (lambda: cr.concat(3), "give a list"),
    "pad by text": (lambda: cr.pad(m, "a"), "widths 'a'"),
    "repeat a negative number": (lambda: cr.repeat(m, -1), "-1 times"),
    "one_hot of text classes": (lambda: cr.one_hot(np.array([0]), "a"), "'a' classes"),
    "top_k of text": (lambda: cr.top_k(x, "a"), "k='a'"),
    "a correction of text": (lambda: cr.std(m, correction="a"), "correction='a'"),
    "a layer's size": (lambda: nn.Linear("a", 2), r"Linear\('a', 2\)"),
    "a layer's init": (lambda: nn.Linear(1, 2, init="foo"), "'foo'.*glorot"),
    "a layer's seed": (lambda: nn.Linear(1, 2, seed="a"), "seed='a'"),
    "a layer's class": (lambda: nn.Sequential(nn.Linear), r"layer 0.*nn\.Tanh\(\)"),
    "a list of layers": (lambda: nn.Sequential([nn.Tanh()]), "layer 0"),
    "a layer of no module": (lambda: nn.layer(int), "int must be derived"),
    "a layer that computes nothing": (lambda: nn.Module()(1.0), "define __call__"),
    "a field that is not there": (lambda: nn.Linear(1, 2).replace(foo=1), "foo.*weight"),
    "a state without keys": (lambda: nn.Linear(1, 2).load_state_dict({}), "missing"),
    "a state of None": (lambda: nn.Linear(1, 2).load_state_dict(None), "NoneType"),
    "a slope of text": (lambda: nn.LeakyReLU("a"), r"slope='a'"),
    "a perceptron's target": (lambda: nn.Perceptron(2).step(A(2), 5), "target=5"),
}  # fmt: skip

OTHER = {
    "no layer of the number": (lambda: nn.Sequential(nn.Tanh())[4], cr.AxisError, "0 to 0"),
    "an op that is not elementwise": (
        lambda: cr.elementwise(lambda xp, v: xp.sum(v), lambda y, v: (v,))(A(3)), cr.ShapeError,
        r"\(\) for operands of shape \(3,\)",
    ),
    "an op without value": (
        lambda: cr.elementwise(lambda xp, v: None, lambda y, v: (v,))(A(3)), cr.ShapeError,
        "object",
    ),
    "a local of another shape": (
        lambda: at(cr.elementwise(lambda xp, v: v * v, lambda y, v: (A(7),)), 1.0), cr.ShapeError,
        r"\(7,\)",
    ),
    "a perceptron's data": (lambda: nn.Perceptron(2)([[1], [2, 3]]), cr.DataError, "numbers"),
    "a perceptron's rows": (lambda: nn.Perceptron(2)(A(3)), cr.ShapeError, r"\(3,\) for 2"),
    "flatten of a number": (lambda: nn.Flatten()(one), cr.ShapeError, "Flatten"),
}  # fmt: skip

ROWS = {
    **{f"shapes: {k}": row for k, row in SHAPES.items()},
    **{f"dtypes: {k}": row for k, row in DTYPES.items()},
    **{f"path: {k}": (f, cr.PathError, words) for k, (f, words) in PATHS.items()},
    **{f"one number: {k}": row for k, row in SCALARS.items()},
    **{f"in place: {k}": (f, cr.InPlaceError, words) for k, (f, words) in IN_PLACE.items()},
    **{f"tracing: {k}": (f, cr.TracingError, words) for k, (f, words) in TRACING.items()},
    **{f"usage: {k}": (f, cr.UsageError, words) for k, (f, words) in USAGE.items()},
    **{f"other: {k}": row for k, row in OTHER.items()},
}


@pytest.mark.parametrize("name", ROWS)
def test_a_mistake_is_answered_in_words(name):
    call, kind, words = ROWS[name]
    with refused(kind, f"(?s){words}") as caught:
        call()
    assert len(own_words(caught.value)) > 15


@pytest.mark.parametrize("name", ROWS)
def test_a_mistake_is_found_at_the_line_that_made_it(name):
    call, kind, _ = ROWS[name]
    with pytest.raises(kind) as caught:
        call()
    found = re.findall(r"made at test_errors\.py:(\d+) {4}(.*)", str(caught.value))
    lines, _ = inspect.getsourcelines(inspect.getmodule(call))
    (place,) = {int(number) for number, _ in found}
    assert [text for _, text in found] == [lines[place - 1].strip()]
    mine = call.__code__.co_firstlineno
    helper = range(at.__code__.co_firstlineno, at.__code__.co_firstlineno + 3)
    assert place == mine or place in helper


def test_an_error_in_one_s_own_function_passes_as_it_is():
    with pytest.raises(KeyError):
        cr.grad(lambda d: d["missing"])({"a": 1.0})
    with pytest.raises(ZeroDivisionError):
        cr.capture(lambda v: v + 1 // 0, 1.0)


def test_hasattr_of_a_traced_value_says_no():
    seen = []
    cr.capture(lambda v: seen.append(hasattr(v, "value")) or v, 1.0)
    assert seen == [False]


@pytest.mark.parametrize("kind", [ValueError, TypeError, IndexError, ArithmeticError])
def test_errors_are_also_python_s_own_kinds(kind):
    ours = [
        c for c in vars(cr).values() if isinstance(c, type) and issubclass(c, cr.ChainruleError)
    ]
    assert any(issubclass(c, kind) for c in ours)


def test_a_message_names_its_line_once_however_deep_it_was_raised():
    with pytest.raises(cr.ShapeError) as caught:
        cr.grad(cr.checkpoint(lambda v: cr.sum(nn.Linear(3, 2)(v))))(A(4))
    assert str(caught.value).count("made at") == 1


def test_one_number_formats_like_a_number():
    assert (f"{one:.3f}", f"{one}") == ("1.000", "tensor(1.)")


def test_a_graph_holds_no_line_of_ours():
    graph = cr.capture(lambda v: nn.losses.mse(nn.Linear(3, 1)(v), A((2, 1))), A((2, 3)))
    assert isinstance(graph, Graph)
    files = {node.line[0].co_filename for node in graph.order if node.line}
    assert files == {__file__}
