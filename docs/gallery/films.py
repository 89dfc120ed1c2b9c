"""The films and pictures that other pages show, such as the README."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainrule.show.scene import Scene

Film = Callable[[Mapping[str, Any], Path], None]
LEAST = 1.0  # seconds of a moment, however much faster than it is read


def _saved(of: str, pace: float = 1.0, **options: Any) -> Film:
    """The result of the exhibit at this address, saved; `pace` times as fast as it is read."""

    def film(results: Mapping[str, Any], path: Path) -> None:
        scene = results[of] if pace == 1.0 else faster(results[of], pace)
        scene.save(path, **options)

    return film


def faster(scene: Scene, pace: float) -> Scene:
    """The same scene, told faster: for those who look and do not read."""
    moments = (
        replace(m, seconds=max(LEAST, m.seconds / pace), moving=min(LEAST, m.moving or 0.6))
        for m in scene.moments
    )
    return Scene(scene.title, scene.told, scene.svg, tuple(moments))


FILMS: dict[str, Film] = {
    "backpropagation.gif": _saved("elegant#mirror", pace=5.0, fps=8, scale=0.9),
    "spiral.gif": _saved("beyond#spiral-learned", fps=8, scale=0.9),
    "neuron.png": _saved("neuron#backward", scale=1.5),
}
