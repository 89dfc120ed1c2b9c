"""What an error says, told apart from the line it quotes, in which a test's own words may stand."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


def own_words(error: BaseException) -> str:
    """The message without the user's line."""
    return str(error).partition("\n  made at ")[0]


@contextmanager
def refused(kind: type | tuple, pattern: str) -> Iterator[pytest.ExceptionInfo]:
    """Inside, an error of this kind is raised whose own words match the pattern."""
    with pytest.raises(kind) as caught:
        yield caught
    assert re.search(pattern, own_words(caught.value)), own_words(caught.value)
