"""JSON from a file that may be anyone's: nothing twice, nothing deep, nothing large unannounced.

Python's own reader keeps the last of two equal keys, and makes 50 bytes of memory from the two
bytes `[]`. This one has a budget, and asks it before it makes anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from json.decoder import scanstring  # type: ignore[attr-defined]
from math import isfinite
from sys import getsizeof
from typing import Any

DEPTH = 128  # brackets inside each other
DIGITS = 64  # characters of a number: more would only take time
_KEYS = 64  # texts of keys that are shared
SHOWN = 60  # characters of a name in a message

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_CODE = re.compile(r"(?<!\\)(?:\\\\)*\\u")  # an escape that may make a string four times as wide
_HALF = re.compile("[\ud800-\udfff]")  # half a pair: no program can print it
_WORDS = (("true", True), ("false", False), ("null", None))

# What Python takes for them, from above; the tests measure it.
_OBJECT, _MEMBER, _ARRAY, _ELEMENT, _SCALAR = 96, 104, 88, 16, 32


class Malformed(Exception):
    """What is wrong with a file, in words; who opened it makes an error of it."""


class Budget:
    """How much memory may still be taken, and how little there was left at the worst moment."""

    def __init__(self, limit: int):
        self.limit = self.left = self.least = limit

    def take(self, count: int) -> None:
        """Ask for so many bytes.

        Raises: Malformed where they are not to be had.
        """
        self.left -= count
        self.least = min(self.least, self.left)
        if self.left < 0:
            raise Malformed(
                f"what it says of itself would take more than {self.limit:,} bytes of memory, "
                "out of proportion to the file"
            )


def shown(name: Any) -> str:
    """A name from a file in a message: in quotes, on one line, not too long.

    >>> shown("a\\nb"), len(shown("a" * 1000))
    ("'a\\\\nb'", 63)
    """
    cut = name[:SHOWN] if isinstance(name, str) else name
    return repr(cut) + ("…" if cut is not name and cut != name else "")


Each = Callable[[str, Any], Any]


def read_json(text: str, budget: Budget, each: Each | None = None, size: int = 0) -> Any:
    """The data of a JSON text.

    `each(name, value)` is kept for a member of the outermost object instead of its value, and
    takes no more than `size` bytes: so a long list of them is never all there as JSON.
    Raises: Malformed for what is no JSON, for a key that stands twice, for NaN and infinities,
    for what is nested deeper than `DEPTH`, and for what takes more memory than `budget` has.

    >>> read_json('{"a": [1, 2.5, null]}', Budget(10_000))
    {'a': [1, 2.5, None]}
    """
    reader = _Reader(text, budget, each, size)
    found, at = reader.value(_Reader.blank(text, 0), 0)
    if at != len(text):
        raise Malformed(f"its JSON goes on after its end, at character {at}")
    return found


class _Reader:
    def __init__(self, text: str, budget: Budget, each: Each | None, size: int):
        self.text, self.budget, self.ascii = text, budget, text.isascii()
        self.each, self.size = each, size
        self.keys: dict[str, str] = {}  # a key that stands in a thousand objects is one text

    @staticmethod
    def blank(text: str, at: int) -> int:
        return _BLANK.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing too

    def wrong(self, at: int, wanted: str) -> Malformed:
        found = shown(self.text[at : at + 12]) if at < len(self.text) else "its end"
        return Malformed(f"its JSON has {found} at character {at}, where {wanted} should stand")

    def value(self, at: int, depth: int) -> tuple[Any, int]:
        """The value that begins at `at`, and where what follows it begins."""
        first = self.text[at : at + 1]
        if first == '"':
            found, at = self.string(at)
        elif first in ("{", "["):
            if depth >= DEPTH:
                raise Malformed(f"its JSON is nested more than {DEPTH} deep")
            found, at = (self.object if first == "{" else self.array)(at + 1, depth + 1)
        else:
            found, at = self.scalar(at)
        return found, self.blank(self.text, at)

    def scalar(self, at: int) -> tuple[Any, int]:
        self.budget.take(_SCALAR)
        for word, meaning in _WORDS:
            if self.text.startswith(word, at):
                return meaning, at + len(word)
        match = _NUMBER.match(self.text, at, at + DIGITS + 1)
        if not match:
            raise self.wrong(at, "a value")
        digits, at = match[0], match.end()
        if len(digits) > DIGITS:
            raise Malformed(f"its JSON has a number of more than {DIGITS} characters")
        found = float(digits) if set(digits) & set(".eE") else int(digits)
        if isinstance(found, float) and not isfinite(found):
            raise Malformed(f"its JSON has the number {digits}, which is no float")
        return found, at

    def string(self, at: int) -> tuple[str, int]:
        text, end = self.text, at + 1
        while True:
            end = text.find('"', end)
            if end < 0:
                raise Malformed(f"its JSON has a text that does not end, from character {at}")
            slashes = end
            while text[slashes - 1] == "\\":
                slashes -= 1
            if (end - slashes) % 2 == 0:
                break
            end += 1
        coded = _CODE.search(text, at, end) is not None
        most = 64 + (end - at) * (7 if coded or not self.ascii else 1)
        self.budget.take(most)
        try:
            found, end = scanstring(text, at + 1, True)
        except ValueError as error:
            raise Malformed(f"its JSON has a wrong text: {error}") from None
        if coded and _HALF.search(found):
            raise Malformed(f"its JSON has half a character in a text, at character {at}")
        self.budget.left += max(0, most - getsizeof(found))
        return found, end

    def key(self, at: int) -> tuple[str, int]:
        left = self.budget.left
        found, at = self.string(at)
        if found in self.keys:
            self.budget.left = left
        elif len(self.keys) < _KEYS:
            self.keys[found] = found
        return self.keys.get(found, found), at

    def array(self, at: int, depth: int) -> tuple[list, int]:
        self.budget.take(_ARRAY)
        found: list = []
        at = self.blank(self.text, at)
        if self.text.startswith("]", at):
            return found, at + 1
        while True:
            self.budget.take(_ELEMENT)
            value, at = self.value(at, depth)
            found.append(value)
            if self.text.startswith("]", at):
                return found, at + 1
            if not self.text.startswith(",", at):
                raise self.wrong(at, "a comma or ]")
            at = self.blank(self.text, at + 1)

    def object(self, at: int, depth: int) -> tuple[dict, int]:
        self.budget.take(_OBJECT)
        found: dict = {}
        at = self.blank(self.text, at)
        if self.text.startswith("}", at):
            return found, at + 1
        while True:
            self.budget.take(_MEMBER)
            if not self.text.startswith('"', at):
                raise self.wrong(at, "a name in quotes")
            key, at = self.key(at)
            if key in found:
                raise Malformed(f"it has {shown(key)} twice")
            at = self.blank(self.text, at)
            if not self.text.startswith(":", at):
                raise self.wrong(at, "a colon")
            at = self.blank(self.text, at + 1)
            left = self.budget.left
            value, at = self.value(at, depth)
            if depth == 1 and self.each is not None:
                value = self.each(key, value)
                self.budget.left = left
                self.budget.take(self.size)
            found[key] = value
            if self.text.startswith("}", at):
                return found, at + 1
            if not self.text.startswith(",", at):
                raise self.wrong(at, "a comma or }")
            at = self.blank(self.text, at + 1)
