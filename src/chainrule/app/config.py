"""Where settings come from: a TOML file, --set key=value, options; each wins over those before."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..graph.errors import UsageError
from ..graph.spelling import did_you_mean
from ..train.data.tables.csvfile import missing_file
from .settings import SETTINGS, defaults
from .values import Unfit


@dataclass(frozen=True)
class Given:
    """A value that somebody gave, and where: what an error about it begins with."""

    value: Any
    where: str
    in_file: bool = False


class Chosen(dict[str, Any]):
    """Every setting's value; `places` says where those that were given stand, `lines` those in a
    file.
    """

    def __init__(self, given: Mapping[str, Given]):
        super().__init__(defaults())
        self.places = {key: g.where for key, g in given.items()}
        self.lines = {key: g.where for key, g in given.items() if g.in_file}
        self.update({key: g.value for key, g in given.items()})

    def asked(self, key: str) -> bool:
        """Whether the setting was given."""
        return key in self.places

    def said_of(self, key: str, error: Exception) -> str:
        """What is said of a setting; first its line, where it stands in a file of settings."""
        told = str(error).removeprefix("fit: ")
        return f"{self.lines[key]}: {told}" if key in self.lines else told

    def fitting(self, key: str, made: Callable[..., Any], *rest: Any) -> Any:
        """What a function makes of a setting; where it cannot, the place and what would do.

        Raises: UsageError.
        """
        try:
            return made(self[key], *rest)
        except Unfit as error:
            raise UsageError(f"{self.places.get(key, key)}: {error}") from None


def chosen(
    options: Mapping[str, Any], sets: tuple[str, ...] = (), config: str | None = None
) -> Chosen:
    """All settings, from a file, from --set and from the options typed.

    Raises: UsageError with the place and the nearest right word.

    >>> found = chosen({"epochs": "3"}, ("lr=0.1",))
    >>> found["epochs"], found["lr"], found["batch_size"], found.places["lr"]
    (3, 0.1, 32, '--set lr=0.1')
    """
    given = from_file(Path(config)) if config is not None else {}
    given |= from_sets(sets)
    given |= from_options(options)
    found = Chosen(given)
    if found.asked("model"):
        for key in ("hidden", "activation"):
            if found.asked(key):
                raise UsageError(
                    f"{found.places[key]}: {found.places['model']} says which layers there are; "
                    "give one of the two"
                )
    return found


def from_options(options: Mapping[str, Any]) -> dict[str, Given]:
    """Settings typed as options of the command line."""
    found = {}
    for key, value in options.items():
        if value is None or value == () or value is False:
            continue
        setting = SETTINGS[key]
        shown = " ".join(value) if isinstance(value, tuple) else value
        where = str(value) if key == "data" else f"{setting.option} {shown}"
        found[key] = Given(_read(key, value, where), where)
    return found


def from_sets(sets: tuple[str, ...]) -> dict[str, Given]:
    """Settings typed as --set key=value."""
    found = {}
    for given in sets:
        key, equals, value = given.partition("=")
        where = f"--set {given}"
        if not equals:
            raise UsageError(f"{where}: write key=value")
        key = _known(key.strip(), where)
        found[key] = Given(_read(key, value.strip(), where), where)
    return found


def from_file(path: Path) -> dict[str, Given]:
    """Settings from a TOML file.

    Raises: UsageError with the line of the mistake.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise UsageError(missing_file(path)) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: this is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(_broken(path, text, str(error))) from None
    found = {}
    for key, value in data.items():
        line = line_of(text, key)
        where = f"{path}, line {line}: {text.splitlines()[line - 1].strip()}"
        if isinstance(value, dict):
            raise UsageError(f"{where}: settings stand without a heading, key = value")
        key = _known(key, where)
        found[key] = Given(_read(key, value, where), where, in_file=True)
    return found


def _broken(path: Path, text: str, said: str) -> str:
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)", said)
    what = said[: place.start()] if place else said
    told = TOML.get(what, what[:1].lower() + what[1:])
    lines = text.splitlines() or [""]
    line, column = (int(place[1]), int(place[2])) if place and place[1] else (len(lines), 0)
    line = min(line, len(lines))
    under = f"\n  {' ' * (column - 1)}^" if 0 < column <= len(lines[line - 1]) else ""
    return f"{path}, line {line}: {told}\n  {lines[line - 1]}{under}"


TOML = {  # what the reader of TOML says → what we say
    "Invalid value": "this is no value; a text stands in quotes",
    "Cannot overwrite a value": "this setting stands in the file twice",
    "Unterminated string": "a quote that begins here is never closed",
    "Illegal character '\\n'": "a quote that begins here is never closed",
}


def line_of(text: str, key: str) -> int:
    """The line of a file on which a key is given its value.

    >>> line_of("# about lr = 2\\nlr = 3", "lr")
    2
    """
    pattern = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[\]=.]""")
    lines = enumerate(text.splitlines(), 1)
    return next((number for number, line in lines if pattern.match(line)), 1)


def _known(key: str, where: str) -> str:
    found = key.replace("-", "_")
    if found in SETTINGS:
        return found
    advice = did_you_mean(key, SETTINGS, f"there are {', '.join(SETTINGS)}")
    raise UsageError(f"{where}: there is no setting {key}; {advice}")


def _read(key: str, value: Any, where: str) -> Any:
    try:
        return SETTINGS[key].read(value)
    except Unfit as error:
        raise UsageError(f"{where}: {error}") from None
