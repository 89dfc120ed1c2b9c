"""Round numbers for axes, and how to write them."""

from __future__ import annotations

from math import ceil, floor, log10

from ..study.numbers import MINUS

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def linear_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten that span `low` to `high`.

    >>> linear_ticks(0.0, 0.93)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not high > low:
        pad = abs(low) * 0.5 or 0.5
        low, high = low - pad, high + pad
    rough = (high - low) / max(wanted, 1)
    power = 10.0 ** floor(log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    digits = max(0, -floor(log10(step)) + 1)
    return [round(k * step, digits) for k in range(first, last + 1)]


def log_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Powers of ten that span `low` to `high`; fewer of them where there would be many.

    >>> log_ticks(0.003, 4.0)
    [0.001, 0.01, 0.1, 1.0, 10.0]
    """
    first, last = floor(log10(low) + 1e-9), ceil(log10(high) - 1e-9)
    last = max(last, first + 1)
    step = max(1, ceil((last - first) / most))
    return [10.0**k for k in range(first, last + step, step)]


def tick_text(x: float) -> str:
    """A tick's label, short.

    >>> tick_text(0.25), tick_text(20000.0), tick_text(1e-7)
    ('0.25', '20,000', '10⁻⁷')
    """
    if x == 0:
        return "0"
    power = round(log10(abs(x)), 9)
    if power == int(power) and not -3 <= power <= 4:
        return (MINUS if x < 0 else "") + "10" + str(int(power)).translate(SUPERSCRIPT)
    if abs(x) >= 1e6 or abs(x) < 1e-4:
        mantissa, _, exponent = f"{x:.3g}".partition("e")
        return f"{mantissa.replace('-', MINUS)}·10{str(int(exponent)).translate(SUPERSCRIPT)}"
    return (f"{x:,.6g}" if x != int(x) else f"{int(x):,}").replace("-", MINUS)
