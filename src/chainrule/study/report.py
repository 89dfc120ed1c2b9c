"""What a gradient check found, as data and as words."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Check:
    """One comparison: what the gradient says, and what differences of the values say."""

    order: int
    mode: str  # "forward", "reverse", "reverse over forward" ..., "local", "forward = reverse"
    argument: str  # as `argument[0]['weight']`
    claimed: float
    measured: float
    uncertainty: float
    verdict: str  # "agrees", "kink", "wrong" or "unsure"

    @property
    def distance(self) -> float:
        """How far the two are apart, relative to the larger."""
        larger = max(abs(self.claimed), abs(self.measured))
        return abs(self.claimed - self.measured) / larger if larger else 0.0

    def __str__(self) -> str:
        return (
            f"order {self.order}, {self.mode}, {self.argument}: {self.claimed:.9g} against "
            f"{self.measured:.9g} ± {self.uncertainty:.1g}: {self.verdict}"
        )


@dataclass(frozen=True)
class GradientReport:
    """All comparisons of one gradient check. It prints as a summary; `checks` has the rest."""

    what: str
    checks: tuple[Check, ...] = ()
    fixed: tuple[str, ...] = field(default=())  # arguments that are no floats, and were kept

    @property
    def ok(self) -> bool:
        """Whether everything agrees; at a kink there is nothing to agree with."""
        return all(c.verdict in ("agrees", "kink") for c in self.checks)

    @property
    def kinks(self) -> tuple[Check, ...]:
        """The comparisons at points where there is no derivative, only a convention."""
        return tuple(c for c in self.checks if c.verdict == "kink")

    @property
    def worst(self) -> Check | None:
        """The comparison that is furthest apart, kinks aside."""
        smooth = [c for c in self.checks if c.verdict != "kink"]
        return max(smooth, key=lambda c: c.distance, default=None)

    def __str__(self) -> str:
        orders = max((c.order for c in self.checks), default=0)
        verdict = "right" if self.ok else "WRONG"
        count = f"{len(self.checks)} comparisons, order 1 to {orders}"
        lines = [f"{self.what}: gradient {verdict}, {count}"]
        if self.worst is not None:
            lines.append(f"  furthest apart: {self.worst}")
        lines += [f"  a kink, where there is only a convention: {c}" for c in self.kinks]
        lines += [f"  kept as given, having no gradient: {name}" for name in self.fixed]
        return "\n".join(lines)

    __repr__ = __str__
