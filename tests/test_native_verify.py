"""A program that breaks a rule is an error before it is code; no program of ours breaks one."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from fuzzing.checks import Run
from fuzzing.programs import draw
from processes import said

import chainrule as cr
from chainrule.graph.errors import GraphError
from chainrule.read.native.plan.verify import RULES, verify
from chainrule.read.native.program import Buffer, Loop, Steps, View, bodies

pytest.importorskip("llvmlite")
pipeline = sys.modules["chainrule.read.native.pipeline"]
RNG = np.random.default_rng(0)
W, X = RNG.normal(size=(2, 5, 5))


def chain(w, x):
    """Three products, and what lies between them in the arena."""
    a = cr.tanh(x @ w)
    b = cr.sin(a @ w)
    return cr.sum(cr.exp(b @ w) + a)


def loop(w, x):
    return cr.scan(lambda c, v: (cr.tanh(c @ w + v), c), x[0], x)


def program(f):
    compiled = cr.compile(f, without={"split"})
    compiled(W, X)
    return next(iter(compiled.versions.values())).run.program


def kernels(p, kind):
    return [k for k in p.kernels if isinstance(k, kind)]


def moved(view, by):
    return view._replace(offset=view.offset + by)


def shift_a_store(p):
    m = next(m for k in kernels(p, Loop) for m in k.members if m.store is not None)
    m.store = moved(m.store, 1)


def stretch_an_operand(p):
    product = p.kernels[0].members[0]
    a, b = product.operands
    product.operands = [a._replace(strides=(a.strides[0] + 3, a.strides[1])), b]


def read_backwards_from_the_start(p):
    product = p.kernels[0].members[0]
    a, b = product.operands
    product.operands = [a._replace(strides=(-a.strides[0], a.strides[1])), b]


def shrink_the_arena(p):
    p.arena = 8


def leave_out_a_kernel(p):
    del p.kernels[0]


def leave_an_output_out(p):
    p.outputs.append(Buffer(np.dtype("f8"), (3,), 9))


def exchange_two_kernels(p):
    p.kernels[0], p.kernels[1] = p.kernels[1], p.kernels[0]


def lay_all_in_one_place(p):
    for k in kernels(p, Loop):
        for m in k.members:
            for v in (m.store, m.sums, *m.operands):
                if isinstance(v, View) and v.buffer.slot == 0:
                    v.buffer.start = 0


def lay_one_a_little_too_early(p):
    starts = sorted({m.store.buffer.start for k in kernels(p, Loop) for m in k.members
                     if m.store is not None and m.store.buffer.slot == 0})  # fmt: skip
    late = next(m.store.buffer for k in kernels(p, Loop) for m in k.members
                if m.store is not None and m.store.buffer.start == starts[-1])  # fmt: skip
    late.start -= 128  # of the 320 bytes that 25 numbers and the gap behind them take


def give_a_member_another_shape(p):
    k = next(k for k in kernels(p, Loop) if not k.product or len(k.members) > 1)
    k.members[-1].operands = [View(p.inputs[0], (2, 2), (5, 1))]


def multiply_what_does_not_fit(p):
    product = p.kernels[0].members[0]
    product.operands = product.operands[::-1]
    product.operands[0] = product.operands[0]._replace(shape=(5, 4))


def exchange_two_members(p):
    k = next(k for k in kernels(p, Loop) if len(k.members) > 1)
    k.members[0], k.members[1] = k.members[1], k.members[0]


def hand_a_scan_too_little(p):
    steps = kernels(p, Steps)[0]
    steps.xs[0] = steps.xs[0]._replace(shape=(steps.length, 2), strides=(5, 1))


def hand_a_scan_one_less(p):
    kernels(p, Steps)[0].constants.pop()


BESIDE, BEFORE, PLACES, SHAPE, ORDER, HANDED = RULES
BROKEN = [  # what is done to the program of a function, and the rule that it breaks then
    (chain, shift_a_store, BESIDE), (chain, stretch_an_operand, BESIDE),
    (chain, read_backwards_from_the_start, BESIDE), (chain, shrink_the_arena, BESIDE),
    (chain, leave_out_a_kernel, BEFORE), (chain, leave_an_output_out, BEFORE),
    (chain, exchange_two_kernels, BEFORE), (chain, lay_all_in_one_place, PLACES),
    (chain, lay_one_a_little_too_early, PLACES), (chain, give_a_member_another_shape, SHAPE),
    (chain, multiply_what_does_not_fit, SHAPE), (chain, exchange_two_members, ORDER),
    (loop, hand_a_scan_too_little, HANDED), (loop, hand_a_scan_one_less, HANDED),
]  # fmt: skip


@pytest.mark.parametrize(("f", "fault", "rule"), BROKEN, ids=lambda x: getattr(x, "__name__", ""))
def test_a_planted_fault_is_named_by_the_rule_that_it_breaks(f, fault, rule):
    p = program(f)
    assert verify(p) is p
    fault(p)
    with pytest.raises(GraphError, match=rule):
        verify(p)


def test_every_rule_can_be_broken():
    assert {rule for *_, rule in BROKEN} == set(RULES)


def test_programs_within_programs_are_looked_at():
    p = program(loop)
    (body,) = bodies(kernels(p, Steps)[0])
    shift_a_store(body)
    with pytest.raises(GraphError, match=BESIDE):
        verify(p)


def test_a_broken_program_is_never_made_into_code(monkeypatch):
    plan = pipeline.plan

    def broken(*given):
        p = plan(*given)
        shift_a_store(p)
        return p

    monkeypatch.setattr(pipeline, "plan", broken)
    monkeypatch.setattr(pipeline, "module", lambda *given: pytest.fail("it was written"))
    with pytest.raises(GraphError, match="kernel 0 \\(Loop\\)"):
        cr.compile(chain)(W, X)


@pytest.mark.filterwarnings("ignore")  # of NumPy, about numbers outside of a domain
def test_random_programs_keep_every_rule(monkeypatch):
    seen = []
    monkeypatch.setattr(pipeline, "verify", lambda p: seen.append(p) or verify(p))
    for seed in range(5000, 5040):
        made = replace(draw(seed), order=0)
        Run(made, 2, 0.0)(made.given)
    assert len(seen) == 40


TEXTS = {  # what LLVM's parser and its verifier refuse
    "a type": "define i64 @f(i64 %x) {\n  ret i32 %x\n}\n",
    "a name that is not there": "define i64 @f() {\n  ret i64 %y\n}\n",
    "a block without an end": "define i64 @f(i64 %x) {\n  %y = add i64 %x, 1\n}\n",
    "used before it is made": "define i64 @f(i64 %x) {\n  br label %b\na:\n  %y = add i64 %x, 1\n"
    "  br label %b\nb:\n  ret i64 %y\n}\n",
    "no text at all": "this is no module",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_wrong_is_an_error_and_no_crash(name):
    """In a process of its own: what LLVM does not refuse may end it."""
    program = (
        "from chainrule.read.native.machine.engine import Code\n"
        f"try:\n    Code({TEXTS[name]!r})\nexcept RuntimeError as e:\n    print('refused')\n"
    )
    assert said(program) == "refused\n"
