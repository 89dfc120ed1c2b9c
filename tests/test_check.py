"""The checker is checked: it accepts what is right, and rejects every rule that is off by 1 %."""

import inspect

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule.graph import Op, order
from chainrule.graph.errors import DTypeError, GradientError, NotFiniteError, UsageError
from chainrule.ops.catalogue import EXAMPLES, Cube
from chainrule.ops.family import Elementwise, Move, Reduce
from chainrule.study import check_grads, check_op
from chainrule.study.differences import slope
from chainrule.transform import tree_leaves

FAMILIES = {Op, Elementwise, Reduce, Move}
RULES = ("local", "grad", "pull", "push")
# The rules a mode reads; `local` serves both.
MODE = {"local": ("forward", "reverse"), "grad": ("reverse",), "pull": ("reverse",),
        "push": ("forward",)}  # fmt: skip


def owner(op: type, rule: str) -> type | None:
    """The class, below its family, in which an op's rule is written."""
    return next((c for c in op.__mro__ if rule in vars(c) and c not in FAMILIES), None)


def ops_on_path(example) -> list[type]:
    xs = [cr.tensor(x) for x in example.arguments()]
    floats = {xs[k] for k in example.differentiable}
    nodes = order(t for t in tree_leaves(example.call(*xs)) if isinstance(t, cr.Tensor))
    reached = set(floats)
    found = {}
    for n in nodes:
        if any(i in reached for i in n.inputs) and n.flows:
            reached.add(n)
            found[type(n.op)] = None
    return [t for t in found if not t.zero and not t.stops]


def rules_to_spoil():
    """Every written rule of every op, with the first example in which it takes part."""
    found = {}
    for example in EXAMPLES:
        if not example.differentiable:
            continue
        for op in ops_on_path(example):
            for rule in RULES:
                cls = owner(op, rule)
                unused = rule == "local" and owner(op, "pull") is not None
                if cls is not None and not unused:
                    for mode in MODE[rule]:
                        found.setdefault((cls, rule, mode), example)
    return [
        pytest.param(cls, rule, mode, example, id=f"{cls.__name__}.{rule}-{mode}-{example}")
        for (cls, rule, mode), example in found.items()
    ]


def off(result, by=1.01):
    """A rule's result, and every part of it, 1 % too large."""
    if result is None:
        return None
    if isinstance(result, tuple):
        return tuple(off(r, by) for r in result)
    if callable(result):
        return lambda: off(result(), by)
    return result * by


def spoil(monkeypatch, cls: type, rule: str, by=1.01) -> None:
    right = vars(cls)[rule]
    if rule == "pull":
        monkeypatch.setattr(cls, rule, lambda *a, **k: list(off(tuple(right(*a, **k)), by)))
    else:
        monkeypatch.setattr(cls, rule, lambda *a: off(right(*a), by))


@pytest.mark.parametrize(("cls", "rule", "mode", "example"), rules_to_spoil())
def test_a_rule_off_by_one_percent_is_rejected(cls, rule, mode, example, monkeypatch):
    xs = example.arguments()
    assert check_grads(example.call, xs, order=1, modes=(mode,)).ok
    spoil(monkeypatch, cls, rule)
    with pytest.raises(GradientError, match="is wrong"):
        check_grads(example.call, xs, order=1, modes=(mode,))


SLOPING = [e for e in EXAMPLES if e.op is not None and e.differentiable and not e.op.zero]


@pytest.mark.parametrize("example", SLOPING, ids=str)
def test_a_local_gradient_off_by_one_percent_is_rejected_and_named(example, monkeypatch):
    cls = type(example.op)
    spoil(monkeypatch, owner(cls, "local"), "local")
    with pytest.raises(
        GradientError, match=rf"{cls.__name__}.*is wrong[\s\S]*{cls.__name__}.local"
    ):
        check_op(example.op, *example.arguments())


def wrong_cube(by):
    """x³ with a local gradient that is `by` times the right one."""
    body = {"local": lambda self, y, x: (by * 3.0 * x * x,)}
    return type("WrongCube", (Cube,), body)()


def test_every_rule_is_among_the_spoiled_ones():
    spoiled = {p.values[0] for p in rules_to_spoil()}
    written = {owner(type(e.op), "local") for e in SLOPING}
    assert {c.__name__ for c in written - spoiled} <= {"Where"}  # its local is checked by check_op


def test_the_error_says_what_disagreed_and_where_to_look():
    with pytest.raises(GradientError) as error:
        check_op(wrong_cube(2 / 3), np.array([0.5, -1.0]))
    message = str(error.value)
    assert "WrongCube: the gradient by operand 0 (2,) is wrong" in message
    assert "differences of the values say" in message
    assert "look at WrongCube.local" in message
    assert "test_check.py" in message
    assert error.value.report.checks[-1].verdict == "wrong"


def test_the_op_that_is_wrong_is_found_in_a_longer_function():
    cube = wrong_cube(1.01)

    def f(w, x):
        return cr.mean(cube(cr.tanh(x @ w)) ** 2)

    rng = np.random.default_rng(0)
    with pytest.raises(
        GradientError, match=r"argument\[0\] \(3, 2\)[\s\S]*look at WrongCube.local"
    ):
        check_grads(f, (rng.normal(size=(3, 2)), rng.normal(size=(4, 3))))


def test_a_wrong_push_is_found_in_a_longer_function(monkeypatch):
    spoil(monkeypatch, type(cr.matmul), "push")
    with pytest.raises(GradientError, match=r"forward[\s\S]*look at Matmul.push"):
        check_grads(lambda a, b: cr.sin(a @ b), (np.ones((2, 2)), np.ones((2, 2))))


def test_the_worst_element_is_named_on_demand():
    class OneOff(Cube):
        def local(self, y, x):
            return (3.0 * x * x * np.where(np.arange(6).reshape(2, 3) == 4, 1.01, 1.0),)

    x = np.linspace(0.5, 1.5, 6).reshape(2, 3)
    with pytest.raises(GradientError, match=r"worst at element \[1, 1\]"):
        check_grads(OneOff(), (x,), modes=("reverse",), element=True)
    with pytest.raises(GradientError) as error:
        check_grads(OneOff(), (x,), modes=("reverse",))
    assert "element" not in str(error.value)


class FlatSlope(Cube):
    """Right to first order; its local gradient is a constant to the next derivative."""

    def local(self, y, x):
        return (cr.stop_gradient(3.0 * x * x),)


def test_a_second_derivative_that_is_lost_is_rejected_at_order_2():
    x = np.array([0.5, 1.5])
    assert check_grads(FlatSlope(), (x,), order=1).ok
    with pytest.raises(GradientError, match="order 2, forward over forward"):
        check_grads(FlatSlope(), (x,), order=2)
    with pytest.raises(GradientError, match="order 2, reverse over reverse"):
        check_grads(FlatSlope(), (x,), order=2, modes="reverse")


def test_the_two_modes_are_held_against_each_other(monkeypatch):
    # Both are within the tolerance of the differences, but not of each other.
    right = Cube.push
    monkeypatch.setattr(Cube, "push", lambda *a: right(*a) * 1.000004)
    with pytest.raises(GradientError, match="the forward mode say"):
        check_grads(Cube(), (np.array([0.5, 1.5]),))


KINKS = {
    "relu at 0": (cr.relu, 0.0),
    "abs at 0": (cr.abs, 0.0),
    "maximum at a tie": (lambda x: cr.maximum(x, 1.0), 1.0),
    "max at a tie": (cr.max, np.array([2.0, 2.0, 1.0])),
    "sort at a tie": (lambda x: cr.sort(x) * np.array([1.0, 2.0]), np.array([1.0, 1.0])),
    "clip on its edge": (lambda x: cr.clip(x, -1.0, 1.0), np.array([0.3, 1.0])),
    "norm at 0": (cr.norm, np.zeros(2)),
    "a jump": (cr.floor, 2.0),
}


@pytest.mark.parametrize("kink", KINKS)
def test_a_kink_is_reported_as_a_kink(kink):
    f, x = KINKS[kink]
    report = check_grads(f, (x,), order=1)
    assert report.ok
    assert report.kinks
    assert "only a convention" in str(report)


def test_a_jump_of_the_slope_is_a_kink_at_order_2():
    report = check_grads(cr.relu, (0.0,), order=2)
    assert {c.order for c in report.kinks} == {1, 2}


def test_a_smooth_function_with_a_wrong_rule_has_no_kink():
    with pytest.raises(GradientError) as error:
        check_grads(wrong_cube(0.5), (0.0 + 1e-3,))
    assert not error.value.report.kinks


def test_pytrees_in_and_out_and_integers_beside_them():
    def f(params, index, scale):
        picked = params["w"][index]
        return {"sum": cr.sum(picked) * scale, "all": (picked, params["b"][0] ** 3)}

    params = {"w": np.arange(1.0, 5.0).astype(np.float32), "b": [2.0]}
    report = check_grads(f, (params, np.array([0, 2, 2]), 0.5))
    assert report.ok
    assert report.fixed == ("argument[1] int64",)
    assert {c.argument for c in report.checks} == {
        "argument[0]['b'][0] ()", "argument[0]['w'] (4,)", "argument[2] ()",
    }  # fmt: skip
    assert "kept as given" in str(report)


def test_tensors_are_arguments_too():
    assert check_grads(lambda x: x * x, (cr.tensor([1.0, 2.0]),)).ok


def test_an_argument_that_plays_no_part_has_the_gradient_0():
    assert check_grads(lambda x, y: cr.sin(x), (1.0, 2.0)).ok


def test_a_linear_function_is_right_to_any_order():
    assert check_grads(lambda x: 3.0 * x, (np.ones(2),), order=3).ok


def test_the_third_order_is_checked_in_all_combinations():
    report = check_grads(cr.tanh, (0.3,), order=3)
    assert "reverse over forward over reverse" in {c.mode for c in report.checks}
    assert report.worst.distance < 1e-6


def test_the_report_prints_a_summary():
    report = check_grads(cr.exp, (1.0,), order=1)
    assert str(report).startswith("check_grads of exp: gradient right, 3 comparisons")
    assert repr(report) == str(report)


REFUSED = {
    "integers only": (lambda x: x, (np.arange(3),), {}, DTypeError, "argument\\[0\\] is int64"),
    "no arguments": (lambda: 1.0, (), {}, DTypeError, "has no arguments"),
    "text": (lambda x: x, ("one",), {}, DTypeError, "give numbers"),
    "complex": (lambda x: x, (1j,), {}, DTypeError, "real numbers only"),
    "an answer": (lambda x: x > 0, (1.0,), {}, DTypeError, "it returns bool"),
    "a cast inside": (lambda x: cr.astype(x, "float32"), (1.0,), {}, DTypeError, "float32 though"),
    "NaN in": (cr.sin, (np.array([1.0, np.nan]),), {}, NotFiniteError, "nan at \\[1\\]"),
    "Inf out": (cr.log, (np.array([0.0, 1.0]),), {}, NotFiniteError, "-inf at \\[0\\]"),
    "an edge": (cr.sqrt, (0.0,), {}, NotFiniteError, "edge of where the value is finite"),
    "a mode": (cr.sin, (1.0,), {"modes": ("sideways",)}, UsageError, "choose among"),
    "chance": (lambda x: x * np.random.default_rng().random(), (1.0,), {},
               UsageError, "fixed seed"),
    "noise": (lambda x: cr.sin(x) + 1e-3 * cr.stop_gradient(cr.sin(1e11 * x)), (0.4,),
              {"order": 1}, GradientError, "cannot be decided"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_checked_is_refused_in_words(case):
    f, args, options, error, words = REFUSED[case]
    with refused(error, words):
        check_grads(f, args, **options)


def test_an_op_without_floats_has_nothing_to_check():
    with pytest.raises(DTypeError, match="no float among its operands"):
        check_op(cr.abs, np.arange(3))


@pytest.mark.parametrize(
    "op", [cr.tanh, cr.multiply, cr.where, Cube()], ids=lambda f: getattr(f, "name", "where")
)
def test_an_op_is_sampled_in_its_own_domain(op):
    if inspect.isfunction(op):
        op = next(e.op for e in EXAMPLES if e.name == op.__name__)
    operands = () if op.conditions == 0 else next(e for e in EXAMPLES if e.op is op).arguments()
    assert check_op(op, *operands, order=2).ok


def test_the_same_seed_gives_the_same_report():
    one, two, other = (check_grads(cr.sin, (np.ones(3),), seed=s) for s in (1, 1, 2))
    assert one.checks == two.checks
    assert one.checks != other.checks


SLOPES = {
    "exp": (np.exp, 1.0),
    "a large value": (lambda t: 1e6 + np.sin(t), 1.0),
    "a steep one": (lambda t: np.sin(1000.0 * t), 1000.0),
    "flat": (lambda t: 0.0 * t + 3.0, 0.0),
    "a domain that ends close by": (lambda t: np.log(1e-3 + t), 1000.0),
    "a kink close by": (lambda t: np.maximum(np.sin(t) + 1e-3, 0.0), 1.0),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", SLOPES)
def test_the_error_bar_of_a_difference_covers_its_error(case):
    f, exact = SLOPES[case]
    found = slope(lambda t: np.atleast_1d(f(t)), np.atleast_1d(f(0.0)))
    assert abs(found.value[0] - exact) <= 10 * found.uncertainty[0] + 1e-9 * abs(exact) + 1e-9
    assert found.uncertainty[0] < 1e-4 * max(abs(exact), 1.0)
    assert not found.kink[0]
