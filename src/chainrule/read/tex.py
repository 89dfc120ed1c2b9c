"""Read TeX as a tree: the small subset that the readers of a graph and the ops write.

Whatever lies outside the subset is refused with the place where it stands.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..graph.errors import ExpressionError
from .signs import (
    ACCENTS,
    BIG,
    BINARY,
    BRACES,
    FENCES,
    FUNCTIONS,
    IN_WORDS,
    LETTERS,
    PAIRS,
    PREFIX,
    RELATIONS,
    SPACES,
    STYLES,
    TABLES,
    WITH_LIMITS,
)
from .tree import (
    Accent,
    Big,
    Brace,
    Fenced,
    Fraction,
    Function,
    Mark,
    Number,
    Root,
    Row,
    Script,
    Sign,
    Space,
    Symbol,
    Table,
    Tree,
    Word,
    escaped,
    write,
)

__all__ = ["parse", "unmarked", "write"]

DEEPEST = 150  # what recurses into a formula must fit into Python's stack
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\.\d+|\s+|.", re.S)
CHARACTERS = {
    **{c: ("binary", c) for c in "+*"}, "-": ("binary", "−"), "/": ("ordinary", "/"),
    **{c: ("relation", c) for c in "=<>"}, ":": ("ordinary", ":"), "|": ("ordinary", "|"),
    **{c: ("punctuation", c) for c in ",;"}, "!": ("ordinary", "!"), "?": ("ordinary", "?"),
    ".": ("ordinary", "."),
}  # fmt: skip
COMMANDS = {
    **{rf"\{k}": Symbol(rf"\{k}", v) for k, v in LETTERS.items()},
    **{rf"\{k}": Sign(rf"\{k}", v, "binary") for k, v in BINARY.items()},
    **{rf"\{k}": Sign(rf"\{k}", v, "relation") for k, v in RELATIONS.items()},
    **{rf"\{k}": Sign(rf"\{k}", v, "prefix") for k, v in PREFIX.items()},
    **{rf"\{k}": Function(k, rf"\{k}", k in WITH_LIMITS) for k in FUNCTIONS},
    **{k: Space(k, width) for k, width in SPACES.items()},
    **{k: Sign(k, k[1], "ordinary") for k in (r"\&", r"\%", r"\#", r"\$", r"\_")},
    r"\backslash": Sign(r"\backslash", "\\", "ordinary"),
    r"\|": Sign(r"\|", "‖", "ordinary"),
    r"\prime": Sign(r"\prime", "′", "ordinary"),
}  # fmt: skip


class Token(NamedTuple):
    """A piece of the text, and where it stands."""

    text: str
    at: int


def parse(tex: str) -> Tree:
    """The tree of a TeX text.

    Raises: ExpressionError where the text lies outside the subset, with a caret at the place.

    >>> parse("x_{1}")
    Script(base=Symbol(tex='x', text='x'), below=Number(text='1'), above=None)
    """
    return _Reader(tex).whole()


def unmarked(tex: str) -> str:
    """The TeX without its marks, as LaTeX elsewhere reads it.

    >>> unmarked(r"a + \\mark{w}{b}")
    'a + b'
    """
    return write(parse(tex), marks=False) if r"\mark" in tex else tex


class _Reader:
    """Where we are in the text. Each method reads one kind of part and moves on."""

    def __init__(self, tex: str):
        self.tex = tex
        found = (Token(m[0], m.start()) for m in TOKEN.finditer(tex))
        self.tokens = [t for t in found if not t.text.isspace()]
        self.k, self.depth = 0, 0

    def whole(self) -> Tree:
        row = self.row(())
        if self.next() is not None:
            raise self.mistake(f"{self.next()} closes nothing; open it, or leave it out")
        return row

    def next(self) -> str | None:
        """The token that comes, not taken yet."""
        return self.tokens[self.k].text if self.k < len(self.tokens) else None

    def take(self) -> str:
        """The token that comes, taken."""
        if self.k == len(self.tokens):
            raise self.mistake("the formula ends here, but something is still missing")
        self.k += 1
        return self.tokens[self.k - 1].text

    def mistake(self, what: str, back: int = 0) -> ExpressionError:
        """The error at the token that comes, or some tokens back."""
        k = self.k - back
        at = self.tokens[k].at if k < len(self.tokens) else len(self.tex.rstrip())
        start = max(0, at - 60)
        shown = self.tex[start : at + 40].replace("\n", " ")
        return ExpressionError(f"formula: {what}\n  {shown}\n  {' ' * (at - start)}^")

    def row(self, ends: tuple[str, ...]) -> Tree:
        """Parts up to one of `ends`, which is left."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.mistake(f"nested more than {DEEPEST} deep; give its inner parts a name")
        parts: list[Tree] = []
        while self.next() is not None and self.next() not in ends:
            if self.next() in ("}", r"\right", r"\end", "&", r"\\", *PAIRS.values()):
                break
            parts.append(self.scripted())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def scripted(self) -> Tree:
        """A part with what stands below and above it."""
        base = Row(()) if self.next() in ("_", "^") else self.part()
        below: Tree | None = None
        above: Tree | None = None
        while self.next() in ("_", "^", "'"):
            sign = self.take()
            full = below if sign == "_" else None if _primes(above) else above
            if full is not None:
                raise self.mistake(f"a second {sign} on one part; put the first into braces", 1)
            found = COMMANDS[r"\prime"] if sign == "'" else self.argument()
            if sign == "_":
                below = found
            else:
                above = found if above is None else Row((*_items(above), *_items(found)))
        if isinstance(base, Brace):
            return Brace(base.name, base.inside, below if base.name == "underbrace" else above)
        limits = isinstance(base, Function) and base.limits
        if isinstance(base, Big):
            return Big(base.sign, below, above)
        if below is None and above is None:
            return base
        return Big(base, below, above) if limits else Script(base, below, above)

    def argument(self) -> Tree:
        """What a command or a script takes: braces, or the one part that comes."""
        if self.next() != "{":
            if self.next() in (None, "}", "_", "^", "&", r"\\", r"\right", r"\end"):
                raise self.mistake("something is missing here; write it in braces")
            return self.part()
        return self.braces()

    def braces(self) -> Tree:
        """A row in braces."""
        if self.take() != "{":
            raise self.mistake("an opening brace { is missing", 1)
        inside = self.row(("}",))
        self.close("}")
        return inside

    def close(self, what: str) -> None:
        """Take what must come now."""
        if self.next() != what:
            found = "the formula ends" if self.next() is None else f"{self.next()} comes"
            raise self.mistake(f"{what} is missing: {found} here instead")
        self.take()

    def part(self) -> Tree:
        """One part, without scripts."""
        if self.next() == "{":
            return self.braces()
        token = self.take()
        if token in PAIRS:
            return self.fenced(token)
        if token in COMMANDS:
            return COMMANDS[token]
        if token[0] == "\\":
            return self.command(token)
        if token[0].isdigit() or (token[0] == "." and len(token) > 1):
            return Number(token)
        if token.isalpha():
            return Symbol(token, token)
        if token in CHARACTERS:
            kind, shown = CHARACTERS[token]
            return Sign(token, shown, kind)
        raise self.mistake(f"{token} is not part of the notation; write a word as \\mathrm{{…}}", 1)

    def fenced(self, opening: str) -> Tree:
        """A row in brackets that do not grow."""
        closing = PAIRS[opening]
        inside = self.row((closing,))
        self.close(closing)
        return Fenced(opening, inside, closing, grows=False)

    def command(self, token: str) -> Tree:
        """What a command with arguments stands for."""
        name = token[1:]
        if name in BIG:
            return Big(Sign(token, BIG[name], "big"))
        if name in STYLES:
            return self.styled(name)
        if name in ACCENTS:
            return Accent(name, ACCENTS[name], self.argument())
        if name in BRACES:
            return Brace(name, self.argument())
        own = {"frac": self.fraction, "sqrt": self.root, "left": self.left, "begin": self.table,
               "mark": self.marked, "mathbin": self.sign, "mathrel": self.sign,
               "pmod": self.modulus}.get(name)  # fmt: skip
        if own is None:
            raise self.mistake(
                f"{token} is not known; for a name write \\operatorname{{{name}}}", 1
            )
        return own()

    def fraction(self) -> Tree:
        """Two arguments, one over the other."""
        above = self.argument()
        return Fraction(above, self.argument())

    def root(self) -> Tree:
        """The argument under a root."""
        return Root(self.argument())

    def sign(self) -> Tree:
        """A character that keeps its distance as a sign does."""
        text = self.word()
        return Sign(rf"\mathbin{{{escaped(text)}}}", text, "binary")

    def modulus(self) -> Tree:
        """What two numbers are equal up to multiples of."""
        mod = Function("mod", r"\operatorname{mod}")
        return Fenced("(", Row((mod, *_items(self.argument()))), ")", grows=False)

    def styled(self, style: str) -> Tree:
        """Text in a style; the name of an operator is a function."""
        starred = style == "operatorname" and self.next() == "*"
        if starred:
            self.take()
        text = self.word()
        if style != "operatorname":
            return Word(text, style)
        command = r"\operatorname*" if starred else r"\operatorname"
        return Function(text, rf"{command}{{{escaped(text)}}}", starred)

    def word(self) -> str:
        """The text in braces as it stands, spaces and escapes included."""
        if self.next() != "{":
            return self.take()
        start = self.tokens[self.k].at + 1
        self.take()
        text, at = "", start
        while True:
            if at >= len(self.tex):
                self.k = len(self.tokens)
                raise self.mistake("the word's closing brace } is missing")
            found = re.compile(r"\\hat\{\}|\\[A-Za-z]+ ?|\\.|.", re.S).match(self.tex, at)
            piece = found[0] if found else ""
            if piece == "}":
                break
            known = IN_WORDS.get(piece.removesuffix("{}").rstrip() if piece != r"\ " else piece)
            if known is None and (piece[0] in "\\{" or len(piece) > 1):
                self.k = next(k for k, t in enumerate(self.tokens) if t.at >= at)
                raise self.mistake(f"{piece} inside a word; write it without, or escape it")
            text += piece if known is None else known
            at += len(piece)
        while self.k < len(self.tokens) and self.tokens[self.k].at <= at:
            self.k += 1
        return text

    def left(self) -> Tree:
        """A row in brackets that grow with it."""
        opening = self.fence()
        inside = self.row((r"\right",))
        self.close(r"\right")
        return Fenced(opening, inside, self.fence())

    def fence(self) -> str:
        """One bracket."""
        token = self.take()
        if token not in FENCES:
            raise self.mistake(f"{token} is no bracket", 1)
        return token

    def table(self) -> Tree:
        """Cells between & and rows between double backslashes."""
        kind = self.word()
        if kind not in TABLES:
            raise self.mistake(f"{kind} is no table that is known; use {', '.join(TABLES)}", 1)
        rows: list[tuple[Tree, ...]] = [()]
        while True:
            rows[-1] += (self.row(("&", r"\\", r"\end")),)
            if self.next() == "&":
                self.take()
            elif self.next() == r"\\":
                self.take()
                if self.next() == r"\end":
                    break
                rows.append(())
            else:
                break
        self.close(r"\end")
        if self.word() != kind:
            raise self.mistake(f"\\begin{{{kind}}} is closed by another name", 1)
        return Table(kind, tuple(rows))

    def marked(self) -> Tree:
        """A part with an identity."""
        ident = self.word()
        return Mark(ident, self.argument())


def _items(tree: Tree | None) -> tuple[Tree, ...]:
    return tree.items if isinstance(tree, Row) else () if tree is None else (tree,)


def _primes(tree: Tree | None) -> bool:
    return tree is not None and all(p == COMMANDS[r"\prime"] for p in _items(tree))
