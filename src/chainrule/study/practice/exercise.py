"""An exercise: a question, a way to check the answer, and hints that grow more telling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

from ...graph.errors import AxisError
from .verdict import Verdict

# What is asked for, in the order in which one learns it.
KINDS = {
    "value": "a value of the forward pass",
    "local": "a local gradient",
    "downstream": "what a node sends on: upstream times local, or the sum of what arrives",
    "formula": "the closed formula of a gradient",
    "code": "a line of backward code",
}


@dataclass(frozen=True, eq=False)
class Exercise:
    """A question about a computation, and everything that is needed to answer and to check it.

    `check` never looks at how an answer is written, only at what it comes to. `hints` begin
    with the rule and end with the answer and the line that derives it.
    """

    question: str
    kind: str
    given: str  # the computation it is about, a line for each value
    answer: str  # one right answer
    hints: tuple[str, ...]
    judge: Callable[[str], Verdict]

    def check(self, answer: object) -> Verdict:
        """The verdict on an answer, typed or a number: right or not, and which slip it was.

        >>> import chainrule as cr
        >>> from chainrule.study.practice import practice
        >>> x, y = cr.tensor(2.0, name="x"), cr.tensor(5.0, name="y")
        >>> (one,) = practice(x * y, kinds="formula", count=1)
        >>> one.question
        'What is ∂u1/∂y, as a formula?'
        >>> one.check("x").right, one.check("-x").words
        (True, 'the sign is wrong')
        """
        return self.judge(str(answer))

    def __repr__(self) -> str:
        return f"Exercise({self.kind}: {self.question})"


@dataclass(frozen=True, eq=False)
class Practice:
    """Exercises about one computation."""

    given: str
    exercises: tuple[Exercise, ...]

    def __len__(self) -> int:
        return len(self.exercises)

    def __iter__(self) -> Iterator[Exercise]:
        return iter(self.exercises)

    def __getitem__(self, place: int) -> Exercise:
        try:
            return self.exercises[place]
        except IndexError:
            raise AxisError(
                f"practice: there is no exercise {place}; there are {len(self)}, from 0 on"
            ) from None

    def __str__(self) -> str:
        asked = "\n".join(f"{k}. {e.question}" for k, e in enumerate(self.exercises, 1))
        return f"{self.given}\n\n{asked}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        asked = "".join(f"<li>{escape(e.question)}{_hidden(e)}</li>" for e in self.exercises)
        given = f"<pre>{escape(self.given)}</pre>"
        return f'<div class="chainrule-practice">{given}<ol>{asked}</ol></div>'


def _hidden(e: Exercise) -> str:
    """The hints, each behind a line to click on."""
    return "".join(
        f"<details><summary>hint {k}</summary>{escape(hint)}</details>"
        for k, hint in enumerate(e.hints, 1)
    )
