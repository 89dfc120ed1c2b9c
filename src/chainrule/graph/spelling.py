"""Words in messages: the nearest right one, long lists cut short, one and several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

SPELT_WITH_AN = "AEFHILMNORSXn"  # an MLP, an LSTM, an ndarray: letters that are spelt out
LISTED = 6  # words that are told before "and N more"


def nearest(name: Any, known: Iterable[str], how_many: int = 2) -> list[str]:
    """The known words most like this one, best first; letter case counts for nothing.

    >>> nearest("tahn", ["sin", "tanh", "atan"])
    ['tanh', 'atan']
    """
    by_lower: dict[str, str] = {}
    for k in known:
        by_lower.setdefault(k.lower(), k)
    asked = str(name).lower()
    found = get_close_matches(asked, by_lower, n=how_many, cutoff=0.6)
    found.sort(key=lambda f: sorted(f) != sorted(asked))  # two letters swapped: the commonest slip
    return [by_lower[f] for f in found]


def did_you_mean(name: Any, known: Iterable[str], otherwise: str = "") -> str:
    """The advice that names the nearest right word, or `otherwise`.

    >>> did_you_mean("sigmod", ["relu", "sigmoid"])
    'did you mean sigmoid?'
    """
    found = nearest(name, known)
    return f"did you mean {' or '.join(found)}?" if found else otherwise


def listed(words: Sequence[Any], most: int = LISTED) -> str:
    """Words with commas between; of many the first, and how many more there are.

    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    told = ", ".join(map(str, words[:most]))
    return told + (f" and {len(words) - most} more" if len(words) > most else "")


def counted(count: int, word: str, words: str = "") -> str:
    """How many there are, with the word as it is for one or for several.

    >>> counted(1, "epoch"), counted(1000, "epoch"), counted(2, "class", "classes")
    ('1 epoch', '1,000 epochs', '2 classes')
    """
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def with_article(word: str) -> str:
    """A word with the article that it is spoken with.

    >>> with_article("int"), with_article("str"), with_article("LSTM"), with_article("ndarray")
    ('an int', 'a str', 'an LSTM', 'an ndarray')
    """
    spelt = word[:2].isupper() or word[:2] == "nd"
    vowels = SPELT_WITH_AN if spelt else "aeioAEIO"  # a uint8
    return f"{'an' if word[:1] in vowels else 'a'} {word}"


def told_type(x: Any) -> str:
    """What something is, where it is not what it should be.

    >>> told_type(3), told_type("three")
    ('an int', 'a str')
    """
    return with_article(type(x).__name__)
