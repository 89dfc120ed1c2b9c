"""Fit the polynomials of native code's functions, and write them as a module of numbers.

    python benchmarks/coefficients.py > src/chainrule/read/native/functions/coefficients.py

Each row of `FITS` is a function of a small interval, and the share that it has in the value it is
part of. A polynomial is fitted to 60 digits by least squares of that share over Chebyshev nodes,
which comes close to the smallest largest error (Trefethen, *Approximation Theory and Approximation
Practice*, chapters 3 and 10); terms are added until the rest is an eighth of a unit of the last
place at most. Constants are split so that the first part has few digits, and its products with
whole numbers are exact (Cody & Waite, *Software Manual for the Elementary Functions*).
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
import numpy as np

mp.mp.dps = 60
DIGITS = {4: 24, 8: 53}
FLOAT = {4: np.float32, 8: np.float64}
HALF_LN2 = mp.log(2) / 2 * mp.mpf("1.0001")
ROOT = mp.sqrt(2)
S_END = ((ROOT - 1) / (ROOT + 1)) ** 2 * mp.mpf("1.0001")
SHORT = mp.mpf(2) ** -18
TURN = mp.mpf("0.64")  # a little more than (π/4)²
ATAN_END = mp.mpf("0.1716")  # (√2 - 1)², and a little


def odd(f: Callable) -> tuple[Callable, Callable]:
    """Of f(x) = x + x³·p(x²): p, and its share of f, both of z = x²."""

    def p(z):
        x = mp.sqrt(z)
        return (f(x) - x) / (x * z)

    return p, lambda z: mp.sqrt(z) * z / f(mp.sqrt(z))


def _exp(r):
    return (mp.exp(r) - 1 - r) / r**2


def _log(f):
    return (mp.log1p(f) - f + f * f / 2) / f**3


def _atanh_series(z):
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) - 2 * s) / (s * z)


def _atanh_rest(z):
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) - 2 * s - mp.mpf(2) / 3 * s * z) / (s * z * z)


def _cos(z):
    return (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2


# name: what is fitted, its share in the whole value, for each size the interval, words
FITS = {
    "EXP": (_exp, lambda r: r * r / mp.exp(r), (-HALF_LN2, HALF_LN2), (4, 8),
            "eʳ = 1 + r + r²·p(r)"),
    "EXPM1": (_exp, lambda r: r * r / mp.expm1(r), (-HALF_LN2, HALF_LN2), (4, 8),
              "eʳ - 1 = r + r²·p(r)"),
    "LOG": (_log, lambda f: f**3 / mp.log1p(f), (1 / ROOT - 1, ROOT - 1), (4,),
            "log(1 + f) = f - f²/2 + f³·p(f)"),
    "ATANH_SERIES": (_atanh_series, lambda z: z / 2, (0, S_END), (8,),
                     "log(1 + f) = 2s + s³·p(s²), s = f/(2 + f)"),
    "ATANH_REST": (_atanh_rest, lambda z: z * z * 512, (0, S_END), (8,),
                   "log(1 + f) = 2s + ⅔s³ + s⁵·p(s²), to 2⁻⁶⁵"),
    "ATANH_SHORT": (_atanh_series, lambda z: z / 2 * SHORT, (0, S_END), (8,),
                    "log(1 + f) = 2s + s³·p(s²), to 2⁻³⁸: for powers in float32"),
    "EXP_SHORT": (_exp, lambda r: r * r / mp.exp(r) * SHORT, (-HALF_LN2, HALF_LN2), (8,),
                  "eʳ = 1 + r + r²·p(r), to 2⁻³⁸: for powers in float32"),
    "SIN": (*odd(mp.sin), (0, TURN), (4, 8), "sin x = x + x³·p(x²)"),
    "COS": (_cos, lambda z: z * z, (0, TURN), (4, 8), "cos x = 1 - x²/2 + x⁴·p(x²)"),
    "ATAN": (*odd(mp.atan), (0, ATAN_END), (4, 8), "atan x = x + x³·p(x²)"),
    "ASIN": (*odd(mp.asin), (0, mp.mpf("0.2501")), (4, 8), "asin x = x + x³·p(x²)"),
    "SINH": (*odd(mp.sinh), (0, mp.mpf("1.001")), (4, 8), "sinh x = x + x³·p(x²)"),
    "ERF_NEAR": (lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, lambda z: 1, (0, mp.mpf("1.001")),
                 (4, 8), "erf x = x + x·p(x²), x ≤ 1"),
}  # fmt: skip
ERF_END = {4: mp.mpf(4), 8: mp.mpf(6)}  # from where on erf is 1


def nodes(a: mp.mpf, b: mp.mpf, count: int) -> list:
    """Chebyshev nodes of an interval."""
    return [
        (a + b) / 2 + (b - a) / 2 * mp.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)
    ]


def fit(f: Callable, share: Callable, a: mp.mpf, b: mp.mpf, terms: int) -> tuple[list, mp.mpf]:
    """Coefficients from the lowest up, and the largest error weighted by the share."""
    xs = nodes(a, b, 4 * terms)  # an even number of them: none is 0, where the formulas are 0/0
    values, weights = [f(x) for x in xs], [share(x) for x in xs]
    rows = mp.matrix([[w * x**k for k in range(terms)] for x, w in zip(xs, weights, strict=True)])
    wanted = mp.matrix([v * w for v, w in zip(values, weights, strict=True)])
    found = list(mp.lu_solve(rows, wanted))
    worst = max(
        abs(w * (v - mp.polyval(found[::-1], x)))
        for x, v, w in zip(xs, values, weights, strict=True)
    )
    return found, worst


def enough(f: Callable, share: Callable, a: mp.mpf, b: mp.mpf, size: int) -> tuple[float, ...]:
    """The shortest polynomial that is good enough, its coefficients rounded to the size."""
    for terms in range(2, 40):
        found, worst = fit(f, share, mp.mpf(a), mp.mpf(b), terms)
        if worst < mp.mpf(2) ** -(DIGITS[size] + 3):
            return tuple(float(FLOAT[size](str(c))) for c in found)
    raise ValueError("no polynomial is good enough")


def erf_far(size: int) -> tuple[float, ...]:
    """erf x = 1 - exp(-p(x)) for x ≥ 1: an error of p counts erfc(x) times."""
    return enough(lambda x: -mp.log(mp.erfc(x)), mp.erfc, mp.mpf(1), ERF_END[size], size)


def split(value: mp.mpf, size: int, *digits: int) -> tuple[float, ...]:
    """A number as a sum of floats, the first ones with so many binary digits."""
    parts = []
    for count in digits:
        scale = mp.mpf(2) ** (count - 1 - mp.floor(mp.log(abs(value), 2)))
        part = mp.nint(value * scale) / scale
        parts.append(float(part))
        value -= part
    return (*parts, float(FLOAT[size](str(value))))


def table(name: str, words: str, rows: dict[int, tuple[float, ...]]) -> None:
    """Print one table."""
    print(f"# {words}")
    print(f"{name} = {{")
    for size, numbers in rows.items():
        print(f"    {size}: (")
        for k in range(0, len(numbers), 3):
            print("        " + ", ".join(repr(c) for c in numbers[k : k + 3]) + ",")
        print("    ),")
    print("}  # fmt: skip")


def main() -> None:
    """Print the module."""
    print('"""Coefficients of the functions: written by `benchmarks/coefficients.py`.\n')
    print("By the size of the float in bytes; polynomials from the constant term up.")
    print('"""\n')
    full = DIGITS
    table("LN2", "ln 2, the first part short, so that its product with an exponent is exact",
          {4: split(mp.log(2), 4, 12), 8: split(mp.log(2), 8, 40)})  # fmt: skip
    table("HALF_PI", "π/2 in three parts, for subtractions that are rounded once",
          {s: split(mp.pi / 2, s, full[s], full[s]) for s in (4, 8)})  # fmt: skip
    for name, value in (("LOG2_E", 1 / mp.log(2)), ("LOG10_E", 1 / mp.log(10)),
                        ("LOG10_2", mp.log10(2)), ("TWO_THIRDS", mp.mpf(2) / 3)):  # fmt: skip
        table(name, "in two parts", {s: split(value, s, DIGITS[s]) for s in (4, 8)})
    for name, (f, share, (a, b), sizes, words) in FITS.items():
        table(name, words, {s: enough(f, share, a, b, s) for s in sizes})
    table("ERF_FAR", "erf x = 1 - exp(-p(x)), x ≥ 1", {s: erf_far(s) for s in (4, 8)})


if __name__ == "__main__":
    main()
