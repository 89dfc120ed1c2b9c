"""Comparisons, logic and bits: they answer, and no gradient flows through an answer."""

from __future__ import annotations

from ..family import Elementwise


class Answer(Elementwise):
    """An op whose value is no float, or has no slope; made by the table below."""

    words = "answers a question, so nothing flows back"
    stops = True

    def local(self, y, *xs):
        return (None,) * len(xs)


def _answer(name: str, arity: int, latex: str, binds: int = 0, call: str | None = None) -> Answer:
    """One row of the table: an op that calls the namespace function of its name."""
    call = call or name

    def unary(self, xp, x):
        return getattr(xp, call)(x)

    def binary(self, xp, x, y):
        return getattr(xp, call)(x, y)

    body = {
        "__doc__": f"{name.replace('_', ' ')}, element by element.",
        "name": name, "latex": latex, "binds": binds, "takes": (1,) * arity,
        "domain": ((-2.0, 2.0),) * arity, "forward": (unary, binary)[arity - 1],
        "source": f"Array API 2024.12, {name}",
    }  # fmt: skip
    return type(name.title().replace("_", ""), (Answer,), body)()


equal = _answer("equal", 2, "#1 = #2")
not_equal = _answer("not_equal", 2, r"#1 \ne #2")
less = _answer("less", 2, "#1 < #2")
less_equal = _answer("less_equal", 2, r"#1 \le #2")
greater = _answer("greater", 2, "#1 > #2")
greater_equal = _answer("greater_equal", 2, r"#1 \ge #2")

logical_and = _answer("logical_and", 2, r"#1 \land #2")
logical_or = _answer("logical_or", 2, r"#1 \lor #2")
logical_xor = _answer("logical_xor", 2, r"#1 \oplus #2")
logical_not = _answer("logical_not", 1, r"\lnot #1")

isfinite = _answer("isfinite", 1, r"\operatorname{isfinite}\left(#1\right)", 4)
isnan = _answer("isnan", 1, r"\operatorname{isnan}\left(#1\right)", 4)
isinf = _answer("isinf", 1, r"\operatorname{isinf}\left(#1\right)", 4)
signbit = _answer("signbit", 1, r"\operatorname{signbit}\left(#1\right)", 4)
nextafter = _answer("nextafter", 2, r"\operatorname{nextafter}\left(#1, #2\right)", 4)

bitwise_and = _answer("bitwise_and", 2, r"#1 \mathbin{\&} #2")
bitwise_or = _answer("bitwise_or", 2, r"#1 \mathbin{|} #2")
bitwise_xor = _answer("bitwise_xor", 2, r"#1 \oplus #2")
bitwise_invert = _answer("bitwise_invert", 1, r"\lnot #1")
bitwise_left_shift = _answer("bitwise_left_shift", 2, r"#1 \ll #2")
bitwise_right_shift = _answer("bitwise_right_shift", 2, r"#1 \gg #2")
