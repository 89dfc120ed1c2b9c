"""A user's own table as data for training: which columns, which task, what was done, all said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ....graph.errors import DataError, UsageError
from ....graph.spelling import counted, did_you_mean, listed
from ..prepared import FEW, FEWEST_ROWS, Prepared, Unasked, split, standardised
from ..sources.kinds import Arrays
from .columns import Preparation, kind_of
from .csvfile import Table, is_missing
from .notes import done_to
from .numerals import are_rounded_away, is_number, number_style, numbers


def from_table(
    table: Table,
    target: str,
    task: str | None = None,
    seed: int = 0,
    categorical: Sequence[str] = (),
    drop: Sequence[str] = (),
) -> Prepared:
    """A table as data to train on; see `prepared`."""
    for name in (target, *categorical, *drop):
        _known(table, name)
    for option, given in (("drop", drop), ("categorical", categorical)):
        if target in given:
            advice = {"drop": "name another target, or keep the column",
                      "categorical": "--task classification makes classes of it"}  # fmt: skip
            raise UsageError(f"--{option} {target}: this is the target; {advice[option]}")
    table, notes = _without_missing_targets(table, target)
    task, why = decide(table, target, task)
    notes.insert(0, f"{task}: {why}")
    y, classes = _target(table, target, task)
    if classes:
        counts = ", ".join(f"{c} {k}" for c, k in zip(classes, np.bincount(y), strict=True))
        notes.append(f"{len(classes)} classes, with how many rows: {_clip(counts)}")
    rows = split(len(table), seed, classes=y if classes else None)
    kinds, said = choose(table, target, categorical, drop)
    notes += said
    train = table.rows(rows["train"].tolist())
    prep = Preparation.fit(train, kinds)
    notes += done_to(table, target, rows, prep)
    mean, scale = 0.0, 1.0
    if not classes:
        y, mean, scale = standardised(y, rows["train"])
    return Prepared(
        Path(table.source).stem, task, Arrays(prep.transform(table).astype(np.float32), y), rows,
        prep.features, classes, mean, scale, notes,
        {
            "kind": "table", "columns": prep.to_json(), "target": target, "task": task,
            "classes": classes, "target_mean": mean, "target_scale": scale,
            "delimiter": table.delimiter,
        },
    )  # fmt: skip


def _known(table: Table, name: str) -> None:
    if name in table.columns:
        return
    advice = did_you_mean(name, table.columns, f"the columns are {listed(list(table.columns))}")
    raise DataError(f"{table.source}: there is no column {name!r}; {advice}")


def _clip(text: str, size: int = 160) -> str:
    return text if len(text) <= size else text[: size - 3] + "..."


def _without_missing_targets(table: Table, target: str) -> tuple[Table, list[str]]:
    kept = [k for k, cell in enumerate(table.columns[target]) if not is_missing(cell)]
    notes = list(table.notes)
    gone = len(table) - len(kept)
    if gone:
        notes.append(Unasked(f"{counted(gone, 'row')} without {target} left out"))
        table = table.rows(kept)
    if len(table) < FEWEST_ROWS:
        raise DataError(
            f"{table.source}: {counted(len(table), 'row')} with a {target}; at least {FEWEST_ROWS} "
            "are needed to train, validate and test"
        )
    return table, notes


def decide(table: Table, target: str, asked: str | None = None) -> tuple[str, str]:
    """Classification or regression, and the reason in words."""
    cells = table.columns[target]
    style = number_style(cells, table.delimiter)
    distinct = len(set(cells))
    values = numbers(cells, style)
    words = np.flatnonzero(np.isnan(values)).tolist()
    if asked not in (None, "classification", "regression"):
        raise UsageError(f"task {asked!r}; it is classification or regression")
    if distinct == 1:
        raise DataError(f"{table.source}: {target} is {cells[0]!r} in every row: nothing to learn")
    if asked == "regression" and words:
        raise DataError(
            f"{table.source}: regression needs numbers, and {target} is {cells[words[0]]!r} "
            f"in {table.word} {table.lines[words[0]]}"
        )
    if not words and asked != "classification" and are_rounded_away(values):
        raise DataError(
            f"{table.source}: {target} is {cells[0]}, {cells[1]}, ...: such numbers differ where "
            "they are rounded, after 16 digits; subtract what they have in common"
        )
    if words and not asked:
        kind_of(table, target)  # a column of numbers with a stray word is a slip, and says so
    if asked != "regression" and (words or asked) and distinct > len(cells) / 2:
        raise DataError(
            f"{table.source}: {target} has {distinct} values in {len(cells)} rows, too many to "
            "be classes; name another target" + ("" if words else ", or --task regression")
        )
    if asked:
        return asked, "as asked for"
    if words:
        return "classification", f"{target} holds words, {distinct} different ones"
    whole = np.all(values % 1 == 0)
    if whole and distinct <= FEW and distinct <= len(cells) / 2:
        return "classification", (
            f"{target} holds {distinct} different whole numbers (--task regression overrules)"
        )
    kind = "whole numbers" if whole else "numbers with decimals"
    return "regression", f"{target} holds {distinct} different {kind}"


def _target(table: Table, target: str, task: str) -> tuple[np.ndarray, list[str]]:
    cells = table.columns[target]
    if task == "regression":
        return _values(table, cells), []
    classes = sorted(set(cells), key=lambda c: (0, float(c), c) if is_number(c) else (1, 0.0, c))
    place = {c: k for k, c in enumerate(classes)}
    return np.array([place[c] for c in cells], np.int64), classes


def _values(table: Table, cells: list[str]) -> np.ndarray:
    return numbers(cells, number_style(cells, table.delimiter))


def _useless(table: Table, name: str, known: list[str], kind: str) -> str:
    """Why nothing can be learned from a column with these cells; "" where something can."""
    distinct = len(set(known))
    if not known:
        return "has no values"
    if distinct == 1:
        return f"is constant, {known[0][:40]!r} in every row"
    kind = kind or kind_of(table, name)
    if kind == "categorical" and distinct == len(known):
        return "is text that differs in every row, as a name does"
    if kind == "numeric" and are_rounded_away(_values(table, known)):
        return f"is {known[0][:40]} in every row, but for what is rounded"
    return ""


def choose(
    table: Table, target: str, categorical: Sequence[str] = (), drop: Sequence[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """The kind of every column that is used, and notes on those that are not."""
    kinds: dict[str, str] = {}
    notes: list[str] = []
    for name, cells in table.columns.items():
        if name == target or name in drop:
            continue
        known = [c for c in cells if not is_missing(c)]
        kind = "categorical" if name in categorical else ""
        why = _useless(table, name, known, kind)
        if why:
            notes.append(Unasked(f"left out: {name} {why}"))
        else:
            kinds[name] = kind or kind_of(table, name)
    if drop:
        notes.append(f"left out as asked for: {listed(drop)}")
    if not kinds:
        raise DataError(
            f"{table.source}: no column is left to learn from; " + "; ".join(notes or ["none"])
        )
    for kind in ("categorical", "numeric"):
        names = [n for n, k in kinds.items() if k == kind]
        if names:
            some = "column" if len(names) == 1 else "columns"
            notes.insert(0, f"{len(names)} {kind} {some}: {listed(names)}")
    return kinds, notes
