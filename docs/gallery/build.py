"""Write the gallery: every picture of the articles, and of functions that are in none of them.

python docs/gallery/build.py          writes the pages, the films and the pictures
python docs/gallery/build.py --pages  writes the pages alone, in seconds
python docs/gallery/build.py --check  fails if a page is not what the code makes
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import article0
import article1
import article2
import article3
import beyond
import depth
from exhibit import Exhibit, Told
from films import FILMS
from pages import pages, steady

HERE = Path(__file__).parent
ROOMS = (article0.ROOM, article1.ROOM, article2.ROOM, article3.ROOM, depth.ROOM, beyond.ROOM)
PATIENCE = 2.0  # seconds without a word


def results(whole: bool = True) -> dict[Exhibit, Any]:
    """What every exhibit's call gives; where not `whole`, without trainings and noise."""
    every = [e for room in ROOMS for e in room.exhibits]
    return {e: e.make() if whole or e.steady else Told("") for e in _told(every)}


def _told(every: list[Any]) -> Iterator[Any]:
    """One by one, with a bar if it takes long."""
    from rich.console import Console
    from rich.progress import Progress

    start, bar, task = perf_counter(), Progress(console=Console(stderr=True), transient=True), None
    try:
        for k, e in enumerate(every):
            if task is None and perf_counter() - start > PATIENCE:
                bar.start()
                task = bar.add_task("", total=len(every))
            if task is not None:
                bar.update(task, completed=k, description=getattr(e, "title", e))
            yield e
    finally:
        bar.stop()


def stale(made: Iterable[tuple[str, str]]) -> list[str]:
    """The pages that are not what the code makes."""
    found = []
    for name, page in made:
        there = HERE / name
        if not there.exists() or steady(there.read_text("utf-8")) != steady(page):
            found.append(name)
    return found


def check() -> int:
    """Compare the pages with a fresh build, and see that films and pictures are there."""
    old = stale(pages(ROOMS, results(whole=False)))
    old += [name for name in FILMS if not (HERE / name).exists()]
    for name in old:
        print(f"docs/gallery/{name} is not what the code makes; run: make gallery")
    return bool(old)


def build(films: bool = True) -> int:
    """Write everything; the films take the longest."""
    found = results()
    for name, page in pages(ROOMS, found):
        (HERE / name).write_text(page, "utf-8")
    by_address = {f"{room.name}#{e.anchor}": found[e] for room in ROOMS for e in room.exhibits}
    for name in _told(list(FILMS)) if films else ():
        FILMS[name](by_address, HERE / name)
    print(f"written: {len(found)} exhibits on {len(ROOMS) + 1} pages, {len(FILMS)} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(check() if "--check" in sys.argv else build("--pages" not in sys.argv))
