"""A backward pass played on its own picture: forward, loss, backward, update, forward again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..eager.tensor import Tensor
from ..graph.chain import path
from ..graph.errors import UsageError
from ..graph.node import Pick
from ..graph.spelling import told_type
from ..nn import Module
from ..study.numbers import figure as number
from ..study.steps import Step
from ..study.trace import Trace, trace
from .graph import Sketch, picture
from .graph.figures import figure
from .graph.signs import letter
from .play import telling
from .play.marks import Mark, cut
from .scene import Moment, Scene

MOST = 120  # ops that are played one by one
SHORT = 20  # ops up to which arriving and going down are two moments
READING = 0.052  # seconds for a character of a caption
PAPER = 7  # digits of what is shown of paper arithmetic, which rounds by itself
DASHES = ("9 6", 60.0)  # of a line along which something flows, and how far they run


def animate(L: Any, *args: Any, **options: Any) -> Scene:
    """The computation of `L` as a scene: forward, loss and backward pass, op by op.

    `animate(L, wrt=None, digits=None, lr=None)` takes a tensor: `wrt` are the leaves whose
    gradients are asked for (all that were given), `digits` those of paper arithmetic, and with
    `lr` a step of gradient descent and the forward pass after it follow.
    `animate(model, x, y, loss, lr=0.5)` takes a network and plays it layer by layer.
    Raises: UsageError (more operations than one can follow), and whatever `trace` raises.

    >>> import chainrule as cr
    >>> from chainrule.show.animate import animate
    >>> x, y, z = cr.tensor(-2.0, name="x"), cr.tensor(5.0, name="y"), cr.tensor(-4.0, name="z")
    >>> scene = animate((x + y) * z)
    >>> print(scene.moments[-1].words)
    The gradients: x −4, y −4 and z 3.
    """
    if isinstance(L, Tensor):
        return _of_value(L, *args, **options)
    if isinstance(L, (Module, list, tuple)) and L:
        from .mlp import backprop

        return backprop(L, *args, **options)
    raise UsageError(
        f"animate: {told_type(L)}; give a tensor computed from chainrule.tensor(...), or a "
        "network with x, y and the loss: animate(model, x, y, loss)"
    )


def _of_value(
    L: Tensor, wrt: Any = None, digits: int | None = None, lr: float | None = None,
    ident: str = "play", title: str = "",
) -> Scene:  # fmt: skip
    told = trace(L, wrt, digits=digits, lr=lr)
    count = sum(1 for n in told.nodes if n.inputs and not isinstance(n.op, Pick))
    if count > MOST:
        raise UsageError(
            f"animate: {count} operations are more than one can follow, {MOST} at most; take a "
            "smaller example, draw it folded with chainrule.draw, or give the network itself: "
            "animate(model, x, y, loss)"
        )
    leaves = wrt if isinstance(wrt, Sequence) else () if wrt is None else (wrt,)
    name = letter(L.name) if L.name else "the loss"
    title = title or f"How {name} and its gradients are computed"
    drawn = picture(told, wrt=tuple(leaves), hidden=True, ident=ident, title=title)
    return Story(told, drawn, count).scene(title)


@dataclass
class Story:
    """The moments of one trace on its picture."""

    told: Trace
    drawn: Sketch
    count: int
    moments: list[Moment] = field(default_factory=list)
    lit: dict[str, str] = field(default_factory=dict)  # what is lit now: mark → kind of light

    def __post_init__(self) -> None:
        of_one = [v for of in self.drawn.ids.values() for v in of.values()]
        every = [x for v in of_one for x in (v if isinstance(v, list) else [v]) if x]
        self.marks = cut(self.drawn.svg, every, ())
        self.hidden = {i for i, m in self.marks.found.items() if "hidden" in _classes(m)}
        # Opacity can move, a class cannot.
        for ident in self.hidden:
            mark = self.marks.found[ident]
            mark.attributes |= {
                "class": " ".join(c for c in _classes(mark) if c != "hidden"),
                "opacity": "0",
            }
        self.svg = self.marks.written({})
        self.digits = 4 if self.told.digits is None else PAPER
        self.nodes = {self.told.name_of(n): n for n in self.told.nodes}
        wrt = [self.nodes[name] for name in self.told.gradients]
        on_the_way = {*wrt, *(n for n, _ in path(self.told.nodes, wrt))}
        self.asked = {self.told.name_of(n) for n in on_the_way}
        last = self.told.nodes[-1]
        self.loss = letter(last.name) if last.name else "the loss"

    def scene(self, title: str) -> Scene:
        """All of it, chapter by chapter."""
        self._introduction()
        self._forward()
        self._loss()
        self._backward()
        if self.told.update is not None:
            self._update()
        return Scene(title, self.drawn.told, self.svg, tuple(self.moments))

    # One moment: what appears, what goes, what is lit, what is written anew.

    def add(
        self, words: str, chapter: str, show: Iterable[Any] = (), lit: Mapping[str, str] = {},
        hide: Iterable[Any] = (), texts: Mapping[str, str] = {},
    ) -> None:  # fmt: skip
        """A moment after those that are there."""
        changes: dict[str, dict[str, Any]] = {}
        for ident in show:
            if ident in self.hidden:
                changes.setdefault(ident, {})["opacity"] = 1
        for ident in hide:
            if ident in self.hidden:
                changes.setdefault(ident, {})["opacity"] = 0
        for ident in {**self.lit, **lit}:
            if ident in self.marks.found and self.lit.get(ident) != lit.get(ident):
                changes.setdefault(ident, {}).update(self._light(ident, lit.get(ident)))
        for ident, words_ in texts.items():
            changes.setdefault(ident, {})["text"] = words_
        self.lit = dict(lit)
        words = words[:1].upper() + words[1:] if words[:3] == "to " else words
        seconds = round(max(1.6, 0.8 + READING * len(words)), 1)
        self.moments.append(Moment(words, changes, chapter, seconds))

    def _light(self, ident: str, kind: str | None) -> dict[str, Any]:
        mark = self.marks.found[ident]
        base = mark.attributes.get("class", "")
        made: dict[str, Any] = {"class": base if kind is None else f"{base} lit {kind}".strip()}
        if mark.name == "path":
            runs = {"forth": -DASHES[1], "back": DASHES[1]}.get(kind or "", 0.0)
            made["stroke-dasharray"] = DASHES[0] if runs else ""
            made["stroke-dashoffset"] = runs
        return made

    # The chapters.

    def _introduction(self) -> None:
        given = [s for s in self.told.steps if s.is_variable]
        values = [f"{letter(s.name)} = {telling.value(s.value, self.digits)}" for s in given]
        ops = "1 operation leads" if self.count == 1 else f"{self.count} operations lead"
        said = telling.listed(values, 6)
        words = f"Given: {said}. {ops} from here to {self.loss}."
        show = [of.get("value") for name, of in self.drawn.ids.items() if self._is_leaf(name)]
        self.add(words, "forward", show)

    def _is_leaf(self, name: str) -> bool:
        node = self.nodes.get(name)
        return node is None or not node.inputs

    def _made(self) -> list[tuple[Step, Any]]:
        steps = [(s, self.nodes[s.name]) for s in self.told.steps if not s.is_variable]
        return [(s, n) for s, n in steps if not isinstance(n.op, Pick)]

    def _forward(self) -> None:
        for s, n in self._made():
            self.add(self._told(s, n, self.told.value_of), "forward", self._values(n),
                     self._way_in(s.name, "forth"))  # fmt: skip

    def _told(self, s: Step, n: Tensor, value_of: Callable) -> str:
        values = [value_of(i) for i in n.inputs]
        names = [self.told.name_of(i) or i.name or telling.value(v)
                 for i, v in zip(n.inputs, values, strict=True)]  # fmt: skip
        return telling.forward(s, n, values, names, self.digits)

    def _values(self, n: Tensor) -> list[Any]:
        """The marks of a node's values: of several, those that are read."""
        return [self.drawn.ids.get(name, {}).get("value") for name in self._outs(n)]

    def _outs(self, n: Tensor) -> list[str]:
        picks = [p for p in self.told.nodes if isinstance(p.op, Pick) and p.inputs[0] is n]
        return [self.told.name_of(p) for p in (n, *picks)]

    def _way_in(self, name: str, kind: str) -> dict[str, str]:
        of = self.drawn.ids.get(name, {})
        lit = {of.get("shape", ""): ""}
        for k, edge in enumerate(of.get("edges", ())):
            dead = "cold" in self._class_of(edge)
            if not (dead and kind == "back"):
                trunk = self.drawn.ids.get(of["sources"][k], {}).get("trunk", "")
                lit |= dict.fromkeys((edge, of["rows"][k], trunk), kind)
        return lit

    def _class_of(self, ident: str) -> str:
        mark = self.marks.found.get(ident)
        return mark.attributes.get("class", "") if mark else ""

    def _loss(self) -> None:
        last = self.told.steps[-1]
        made = telling.value(last.value, self.digits)
        named = f"{self.loss} = " if self.told.nodes[-1].name else ""
        words = f"The loss is {named}{made}. Its gradient by itself is 1; the way back starts."
        of = self.drawn.ids.get(last.name, {})
        lit = self._way_in("end", "back")
        self.add(words, "loss", [of.get("grad")], lit)

    def _backward(self) -> None:
        for s in self.told.backward:
            if len(s.parts) > 1 and s.name in self.asked:
                self._meet(s)
            if not s.is_variable and not isinstance(self.nodes[s.name].op, Pick):
                self._down(s)
        asked = self.told.gradients
        found = [f"{letter(n)} {'0' if g is None else telling.value(g, self.digits)}"
                 for n, g in asked.items()]  # fmt: skip
        shapes = {self.drawn.ids.get(n, {}).get("shape", ""): "" for n in asked}
        verb = "The gradients" if len(found) > 1 else "The gradient"
        self.add(f"{verb}: {telling.listed(found, 6)}.", "backward", (), shapes)

    def _meet(self, s: Step) -> None:
        of = self.drawn.ids.get(s.name, {})
        lit = {of.get("shape", ""): "", of.get("trunk", ""): "back"}
        self.add(telling.meets(s, self.digits), "backward", [of.get("grad")], lit)

    def _down(self, s: Step) -> None:
        of = self.drawn.ids.get(s.name, {})
        ways = [o for o in s.operands if o.downstream is not None and o.name in self.asked]
        if not ways:
            return
        show = [x for x in of.get("parts", ()) if x]
        for o in ways:
            if len(self.told[o.name].parts) == 1:
                show.append(self.drawn.ids.get(o.name, {}).get("grad"))
            show += [self.drawn.ids.get(p, {}).get("grad") for p in self._alias(o.name)]
        local = [x for x in of.get("locals", ()) if x]
        arrives = telling.arrives(s, ways, self.digits)
        lit = self._way_in(s.name, "back")
        if telling.copies(s, ways):
            self.add(arrives + telling.copied(ways, self.digits), "backward", [*local, *show], lit)
            return
        goes = telling.goes_down(s, ways, self.digits)
        if self.count > SHORT:
            self.add(f"{letter(s.name)}: {goes}", "backward", [*local, *show], lit)
            return
        here = {of.get("shape", ""): "", of.get("trunk", ""): "back"} | dict.fromkeys(local, "")
        self.add(arrives + telling.locals_of(ways, self.digits), "backward", local, here)
        self.add(goes, "backward", show, lit)

    def _alias(self, name: str) -> list[str]:
        node = self.nodes.get(name)
        return [] if node is None else self._outs(node)[1:]

    def _update(self) -> None:
        update = self.told.update
        assert update is not None
        rate = f"{update.lr:g}"
        for name, after in update.after.items():
            of, g = self.drawn.ids.get(name, {}), self.told.gradients[name]
            words = self._moved(name, update.before[name], g, after, rate)
            lit = {of.get("shape", ""): "", of.get("trunk", ""): "forth"}
            self.add(words, "update", (), lit, (), self._rewritten(name, after))
        gone = [i for i in sorted(self.hidden) if "grad" in self._class_of(i) or "factor" in
                self._class_of(i)]  # fmt: skip
        steps = {s.name: s for s in update.steps}
        hide = gone
        for s, n in self._made():
            again = steps[s.name]
            texts = {k: v for name in self._outs(n) for k, v in
                     self._rewritten(name, steps[name].value).items()}  # fmt: skip
            told = self._told(again, n, lambda i: self._value_after(i, steps))
            self.add(told, "after the step", (), self._way_in(s.name, "forth"), hide, texts)
            hide = []
        self._verdict(update.result)

    def _value_after(self, i: Tensor, steps: Mapping[str, Step]) -> Any:
        found = steps.get(self.told.name_of(i))
        return self.told.value_of(i) if found is None else found.value

    def _moved(self, name: str, before: Any, g: Any, after: Any, rate: str) -> str:
        w, made = letter(name), telling.value(after, self.digits)
        if g is None:
            return f"No gradient reaches {w}: it stays as it is."
        if telling.single(before):
            numbers = f"{number(before, self.digits)} − {rate} · {telling.factor(g, self.digits)}"
            return f"{w} becomes {w} − lr · gradient = {numbers} = {made}."
        return f"{w} becomes {w} − {rate} · its gradient: {made}."

    def _rewritten(self, name: str, value: Any) -> dict[str, str]:
        """The mark of a value with the new value in it, line by line."""
        ident = self.drawn.ids.get(name, {}).get("value")
        if not ident:
            return {}
        lines = figure(value, self.digits)
        if len(lines) == 1:
            return {ident: f"→ {lines[0]}"}
        return {f"{ident}.{k}": ("→ " if not k else "") + line for k, line in enumerate(lines)}

    def _verdict(self, after: Any) -> None:
        before = self.told.steps[-1].value
        old, new = telling.value(before, self.digits), telling.value(after, self.digits)
        way = "fell" if after < before else "rose" if after > before else "stayed"
        told = f"stayed at {old}" if way == "stayed" else f"{way} from {old} to {new}"
        rose = " The step was too long: take a smaller lr." if way == "rose" else ""
        self.add(f"After one step of gradient descent {self.loss} {told}.{rose}", "after the step",
                 (), {self.drawn.ids.get("end", {}).get("shape", ""): ""})  # fmt: skip


def _classes(mark: Mark) -> list[str]:
    return mark.attributes.get("class", "").split()
