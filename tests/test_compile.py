"""`cr.compile` as a newcomer uses it: methods, decorators, settings, ints, loops of training."""

import copy
import enum
import pickle
from dataclasses import dataclass

import numpy as np
import pytest

import chainrule as cr

A = np.random.default_rng(0).normal(size=(4, 3))
I = np.array([0, 2, 2, 1])


def agree(f, *args):
    """That `f` gives the same compiled, at the first call and through the door; kinds included."""
    expected = f(*args)
    compiled = cr.compile(f)
    for _ in range(4):
        found = compiled(*args)
        for a, b in zip(cr.tree_leaves(found), cr.tree_leaves(expected), strict=True):
            assert type(a) is type(b)
            np.testing.assert_allclose(a, b, rtol=1e-5)
            assert np.asarray(a).dtype == np.asarray(b).dtype


INTS = {
    "an index": lambda x, k: x[k],
    "an index of another axis": lambda x, k: x[:, k],
    "an index and a factor": lambda x, k: x[k, 0] * k,
    "take": lambda x, k: cr.take(x, k, axis=0),
    "the gradient of an index": lambda x, k: cr.grad(lambda x: cr.sum(x[k] ** 2))(x),
    "a place in a list": lambda x, k: x * [1.0, 2.0, 3.0][k],
    "a key": lambda x, k: {1: x, 2: -x}[k],
    "an axis": lambda x, k: cr.sum(x, axis=k - 1),
    "a size": lambda x, k: cr.reshape(x, (k, -1)),
    "a bound": lambda x, k: x[:k],
    "a number of turns": lambda x, k: sum((x[i] for i in range(k)), 0.0),
    "a condition": lambda x, k: x if k > 1 else -x,
    "scatter_add": lambda x, k: cr.scatter_add(x, k, 1.0),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f", INTS.values(), ids=INTS)
def test_an_int_is_what_the_function_takes_it_for(f, dtype):
    agree(f, A.astype(dtype), 2)


SCATTERS = {
    "indices of a row": lambda x, i: cr.scatter_add(x[:, 0], i, 2.0 * x[i, 1]),
    "rows": lambda x, i: cr.scatter_add(x, i, x),
    "pairs": lambda x, i: cr.scatter_add(x, (i, i % 3), 1.0),
    "columns": lambda x, i: cr.scatter_add(x, (slice(1, 3), i % 3), 1.0),
    "the gradient": lambda x, i: cr.grad(lambda x: cr.sum(cr.scatter_add(x, i, x) ** 2))(x),
}


@pytest.mark.parametrize("f", SCATTERS.values(), ids=SCATTERS)
def test_scatter_add_takes_indices_that_are_arguments(f):
    agree(f, A, I)


LOOPS = {
    "a sum": lambda x: cr.scan(lambda c, row: (c + cr.sum(row), c), 0.0, x),
    "a factor": lambda x: cr.scan(lambda c, row: (c * 0.9, c * row), 1.0, x),
    "a counter": lambda x: cr.scan(lambda c, row: (c + 1, c * row), 0, x),
    "one after the other": lambda x: cr.scan(
        lambda c, row: ((c[1], c[0] + cr.sum(row)), c[0]), (0.0, 1.0), x
    ),
    "a loop in a loop": lambda x: cr.scan(
        lambda c, row: (cr.scan(lambda d, y: (d + y, None), 0.0, row)[0] + c, c), 0.0, x
    ),
    "two dtypes": lambda x: cr.scan(
        lambda c, r: (c + r[1], c * r[0]), 0.0, (x[:, 0].astype(np.float32), x[:, 1])
    ),
    "a branch": lambda x: cr.cond(x[0, 0] > 0, lambda c, x: (2 * c, c * x), lambda *a: a, 2.0, x),
    "branches of numbers": lambda x: cr.cond(
        x[0, 0] > 0, lambda x: (x, 1.0, 2), lambda x: (-x, 2.0, 3), x
    ),
    "a carry that is set": lambda x: cr.scan(lambda c, row: (0.5, c * row), 1.0, x),
    "a checkpoint": lambda x: cr.checkpoint(lambda c, x: (c * x, c))(2.0, x),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f", LOOPS.values(), ids=LOOPS)
def test_a_number_of_python_is_one_in_bodies_too(f, dtype):
    agree(f, A.astype(dtype))


def test_a_carry_of_pythons_numbers_takes_the_dtype_of_what_it_meets():
    x = A.astype(np.float32)
    (last, counted), factors = cr.scan(
        lambda c, row: ((c[0] * 0.5, c[1] + 1), c[0] * row), (1.0, 0), x
    )
    assert (last, counted) == (0.0625, 4)
    assert type(counted) is int
    assert factors.dtype == np.float32
    total, _ = cr.scan(lambda c, v: (c + v, None), 0.0, x[:, 0])
    assert total.dtype == np.float64  # as it went in


@pytest.mark.parametrize(
    "optimizer",
    [
        cr.optim.SGD(lr=0.1, momentum=0.9),
        cr.optim.Adam(lr=0.01),
        cr.optim.chain(cr.optim.clip_by_norm(1.0), cr.optim.NAdam(lr=0.01)),
        cr.optim.accumulate(cr.optim.Lion(lr=0.01), steps=2),
    ],
    ids=repr,
)
def test_a_loop_of_training_steps_is_the_same_compiled(optimizer):
    X = np.random.default_rng(1).normal(size=(5, 8, 3)).astype(np.float32)

    def train(w, state, X):
        def step(carry, x):
            w, state = carry
            loss, g = cr.value_and_grad(lambda w: cr.mean(cr.tanh(x @ w) ** 2))(w)
            updates, state = optimizer.update(g, state, w)
            return (cr.optim.apply_updates(w, updates), state), loss

        return cr.scan(step, (w, state), X)

    w = A[:3].astype(np.float32)
    agree(train, w, optimizer.init(w), X)


def test_a_whole_training_from_its_first_state_on_is_one_function():
    optimizer = cr.optim.Adam(lr=0.1)

    def train(w, x):
        def step(carry, _):
            w, state = carry
            updates, state = optimizer.update(cr.grad(lambda w: cr.sum((x @ w) ** 2))(w), state, w)
            return (cr.optim.apply_updates(w, updates), state), None

        return cr.scan(step, (w, optimizer.init(w)), length=5)[0]

    agree(train, A[:3].astype(np.float32), A.astype(np.float32))


def test_numpys_questions_about_shapes_need_no_numbers():
    agree(lambda x: x * np.ndim(x) + np.size(x) + np.shape(x)[0], A)
    assert cr.compile(lambda x: np.result_type(x, np.float32))(A) == np.float64


class Plain:
    def __init__(self, scale):
        self.scale = scale

    @cr.compile
    def scaled(self, x):
        return self.scale * x

    @staticmethod
    @cr.compile
    def doubled(x):
        return 2 * x


@cr.nn.layer
class Scaling(cr.nn.Module):
    scale: object

    def __init__(self, scale):
        self.scale = np.full(3, scale)

    @cr.compile
    def __call__(self, x):
        return self.scale * x


def test_a_method_of_a_layer_is_compiled_for_all_layers_of_the_kind():
    one, two = Scaling(1.0), Scaling(2.0)
    for _ in range(4):
        assert (one(A) == A).all()
        assert (two(A) == 2 * A).all()
    assert len(Scaling.__call__.versions) == 1
    assert (Plain.doubled(A) == 2 * A).all()


def test_without_a_function_compile_is_a_decorator():
    @cr.compile(donate=0, threads=1)
    def step(w):
        return w + 1.0

    assert (step.donate, step.threads) == ((0,), 1)
    assert (step(np.zeros(3)) == 1).all()


class Mode(enum.Enum):
    UP, DOWN = 1, -1


@dataclass(frozen=True)
class Config:
    scale: float


@dataclass
class Loose:
    scale: object


SETTINGS = {
    "an enum": (Mode.UP, lambda s, x: s.value * x),
    "a frozen dataclass": (Config(2.0), lambda s, x: s.scale * x),
    "an optimiser": (cr.optim.SGD(lr=0.5), lambda s, x: x - s.update(x, s.init(x), x)[0]),
    "an op": (cr.tanh, lambda s, x: s(x)),
    "a text": ("tanh", lambda s, x: getattr(cr, s)(x)),
    "nothing": (None, lambda s, x: x * 2 if s is None else x),
}


@pytest.mark.parametrize(("given", "f"), SETTINGS.values(), ids=SETTINGS)
def test_a_setting_is_part_of_what_is_compiled(given, f):
    agree(lambda x: f(given, x), A)
    compiled = cr.compile(f)
    np.testing.assert_allclose(compiled(given, A), f(given, A), rtol=1e-12)


HANDED = {  # what nobody could tell apart from what it was
    "an object": (Plain(np.ones(3)), "Plain; if its attributes changed"),
    "a dataclass": (Loose(2.0), "Loose, which is neither numbers nor a setting.*NamedTuple"),
    "a masked array": (np.ma.array([1.0]), "MaskedArray, which is neither.*np.asarray"),
    "a set": ({1.0}, "set, which is neither"),
}


@pytest.mark.parametrize(("given", "words"), HANDED.values(), ids=HANDED)
def test_an_argument_that_could_change_unseen_is_refused(given, words):
    with pytest.raises(cr.UsageError, match=words):
        cr.compile(lambda given, x: x)(given, A)


def test_a_method_of_a_plain_object_is_refused():
    with pytest.raises(cr.UsageError, match=r"holds a Plain; .*@chainrule\.nn\.layer"):
        Plain(2.0).scaled(A)


async def later(x):
    return x


RETURNED = {  # what holds traced values where nobody finds them
    "an object": (lambda x: Plain(x + 1), "returns a Plain, with traced values in it"),
    "a dataclass": (lambda x: Loose(x + 1), "returns a Loose, with traced values in it"),
    "a set": (lambda x: {x + 1}, "returns a set, with"),
    "a generator": (lambda x: (row for row in x), "returns a generator, which would run later"),
    "a map": (lambda x: map(cr.tanh, x), "returns a map, which would run later; return a list"),
}


@pytest.mark.parametrize(("f", "words"), RETURNED.values(), ids=RETURNED)
def test_a_result_that_hides_traced_values_is_refused(f, words):
    with pytest.raises(cr.TracingError, match=words) as caught:
        cr.compile(f)(A)
    assert "test_compile.py" in str(caught.value)


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_a_coroutine_is_refused():
    with pytest.raises(cr.TracingError, match="returns a coroutine, which would run later"):
        cr.compile(later)(A)


def test_results_that_are_no_numbers_are_handed_back():
    settings = (None, "text", Mode.UP, Config(1.0), cr.tanh)
    assert cr.compile(lambda x: (cr.sum(x), settings))(A)[1] == settings


ADVICE = {  # what is asked of a traced value, and what to write instead
    "x.std()": (lambda x: x.std(), r"write cr\.std\(x\)"),
    "x.flatten()": (lambda x: x.flatten(), r"write cr\.reshape"),
    "x.dot(y)": (lambda x: x.dot(x), "write x @ y"),
    "x.copy()": (lambda x: x.copy(), "never changed"),
    "round(x)": (lambda x: round(x), r"use cr\.round"),
    "x[x > 0]": (lambda x: x[x > 0], "how much they find is not known yet"),
    "a and b": (lambda x: x[0, 0] > 0 and x[0, 1] > 0, r"cr\.logical_and"),
    "max(a, b)": (lambda x: max(x[0, 0], x[0, 1]), r"cr\.maximum"),
    "an array as an axis": (lambda x: cr.sum(x, axis=cr.argmax(x[0])), "int of Python's"),
}


@pytest.mark.parametrize(("f", "words"), ADVICE.values(), ids=ADVICE)
def test_what_a_traced_value_does_not_have_is_refused_with_what_to_write(f, words):
    with pytest.raises((cr.TracingError, AttributeError), match=words):
        cr.compile(f)(A)


def test_a_copy_of_a_traced_value_is_itself():
    agree(lambda x: copy.deepcopy({"a": x})["a"] + copy.copy(x), A)


def test_a_refusal_of_an_attribute_has_the_name_of_the_table_of_errors():
    with pytest.raises(cr.TracingError) as caught:
        cr.compile(lambda x: x.item())(A)
    assert caught.type.__qualname__ == "TracingError"
    assert "item" in str(caught.value)


def test_a_gradient_by_an_int_of_pythons_is_that_by_a_float():
    agree(lambda x: cr.grad(lambda k: cr.sum(x) * k**2)(3), A)
    assert cr.compile(cr.grad(lambda k: k**2))(3) == 6.0
    scaled = cr.grad(lambda p: cr.sum(p["w"]) / p["n"])
    assert cr.compile(scaled)({"w": A, "n": 2})["n"] == pytest.approx(-cr.sum(A) / 4)


WRONG = {  # what eager code refuses, and compiled code too, in the same words
    "the gradient by ints": (cr.grad(lambda x: cr.sum(x * 1.0)), I, "only floats have gradients"),
    "the jacobian by ints": (cr.jacobian(lambda x: x * 1.0), I, "only floats have gradients"),
    "the largest of nothing": (cr.max, np.zeros((0, 3)), "no element to choose"),
    "the place of nothing": (cr.argmax, np.zeros(0), "no element to choose"),
    "an inverse": (lambda x: cr.inv(x) * 2, np.zeros((2, 2)), "inv: of .* Singular matrix"),
    "a root": (lambda x: cr.cholesky(x) * 2, -np.eye(2), "cholesky: .*not positive definite"),
    "a power": (lambda x: cr.pow(x, np.int64(-1)), I + 1, "pow: cannot .*negative integer powers"),
    "in a loop": (
        lambda x: cr.scan(lambda c, _: (c * cr.inv(x), None), x, length=2)[0],
        np.zeros((2, 2)),
        "inv: of .* Singular matrix",
    ),
}


@pytest.mark.parametrize(("f", "x", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_computed_is_told_in_the_words_of_eager_code(f, x, words):
    for run in (f, cr.compile(f)):
        with pytest.raises(cr.ChainruleError, match=f"(?s){words}.*test_compile.py"):
            run(x)


def test_a_long_line_is_not_shown_in_full():
    with pytest.raises(cr.UsageError) as caught:
        cr.compile(cr.argmax)(np.zeros(0)), "a line that goes on for longer than anyone would like to read in a message"  # fmt: skip # noqa
    assert len(str(caught.value).splitlines()[-1]) < 170
    assert str(caught.value).endswith(" …")


@pytest.mark.parametrize("asked", ["h", ["h"], {"h": "men"}, {"h": len}, 3], ids=str)
def test_a_statistic_that_there_is_not_is_told_from_a_probe(asked):
    with pytest.raises(cr.UsageError, match=r"there is no statistic .* norm, mean.*give a dict"):
        cr.compile(lambda x: cr.sum(cr.probe(x, "h")), probes=asked)


ASKING = {  # ops of a user's that ask for a number where there are many
    "if": lambda xp, x: x if x > 0 else 0 * x,
    "and": lambda xp, x: x * (x > 0 and x < 1),
    "not": lambda xp, x: x * (not x > 0),
    "max": lambda xp, x: max(x, 0.0),
}


@pytest.mark.parametrize("forward", ASKING.values(), ids=ASKING)
def test_an_op_that_asks_for_a_number_is_not_written_as_machine_code(forward):
    asks = cr.elementwise(forward, lambda y, x: (1.0,), name="asks")
    for run in (asks, cr.compile(lambda x: asks(x))):
        with pytest.raises(cr.UsageError, match=r"asks: cannot be computed.*truth value"):
            run(A)


def doubled(x):
    return 2 * x


@cr.compile(threads=1)
def tripled(x):
    return 3 * x


def test_a_compiled_function_is_copied_and_pickled_as_a_function_is():
    own = cr.compile(doubled, donate=0)
    own(A.copy())
    tripled(A)
    assert copy.deepcopy({"step": own})["step"] is own
    assert copy.copy(own) is own
    assert pickle.loads(pickle.dumps(tripled)) is tripled
    again = pickle.loads(pickle.dumps(own))
    assert (again.f, again.donate, again.versions) == (doubled, (0,), {})
    assert (again(A.copy()) == 2 * A).all()
