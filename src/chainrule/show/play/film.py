"""A scene as a film: GIF, WebP or MP4, with the captions under the picture."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from ...graph.errors import MissingExtraError, UsageError
from ..measure import width_of
from ..svg import element, text
from .raster import png, size_of
from .tween import ease, travel

if TYPE_CHECKING:
    from ..scene import Scene

WIDE, WIDEST = 1000.0, 1920.0  # pixels that a film fills, and has at most, if none are asked for
SIZE, LINE, MARGIN, HEAD = 15.0, 22.0, 24.0, 20.0  # of captions
PALETTE, SAMPLES = 127, 12  # colours of a GIF or WebP, and the frames that they are taken from
PATIENCE = 2.0  # seconds without a sign of life
CODECS = ("libx264", "libopenh264", "mpeg4")  # the first that is there


class Frame(NamedTuple):
    """One picture of a film, and how long it stands."""

    svg: str
    seconds: float


def frames(scene: Scene, fps: float = 12.0) -> Iterator[Frame]:
    """The frames of a scene: those on the way into each moment, and one that is held."""
    layout = _layout(scene)
    n = len(scene.moments)
    for k, m in enumerate(scene.moments):
        # The film opens on the first moment: nothing moves there.
        moves = k > 0 and scene.at(k, 0.25) != scene.at(k, 0.75)
        count = round(travel(m.seconds, m.moving) * fps) if moves else 0
        for i in range(1, count):
            yield Frame(layout.frame(scene, k, ease(i / count), n), 1 / fps)
        held = max(m.seconds - max(count - 1, 0) / fps, 1 / fps)
        yield Frame(layout.frame(scene, k, 1.0, n), held)


class Layout(NamedTuple):
    """Where the picture and the captions of a film are."""

    width: float
    height: float
    picture: float  # the height of it alone
    inset: float

    def frame(self, scene: Scene, k: int, part: float, n: int) -> str:
        """One frame as SVG."""
        m = scene.moments[k]
        top = self.picture + HEAD
        lines = [
            element("text", text(m.chapter.capitalize()), x=MARGIN, y=top, class_="soft small")
        ]
        lines += [
            element("text", text(line), x=MARGIN, y=top + LINE * (i + 1), font_size=SIZE)
            for i, line in enumerate(wrapped(m.words, self.width - 2 * MARGIN))
        ]
        done = self.width * (k + 1) / n
        bar = element("rect", x=0, y=self.height - 3, width=done, height=3, class_="bar")
        inner = scene.at(k, part).replace("<svg", f'<svg x="{self.inset:g}" y="0"', 1)
        rule = element("path", d=f"M0 {self.picture} H{self.width}", stroke="var(--line)")
        return element(
            "svg", inner + rule + element("g", "".join(lines), class_="caption") + bar,
            xmlns="http://www.w3.org/2000/svg", class_="film",
            viewBox=f"0 0 {self.width:g} {self.height:g}", width=self.width, height=self.height,
        )  # fmt: skip


def _layout(scene: Scene) -> Layout:
    wide, tall = size_of(scene.svg)
    width = max(wide, 480.0)
    most = max(len(wrapped(m.words, width - 2 * MARGIN)) for m in scene.moments)
    height = tall + HEAD + LINE * most + MARGIN
    return Layout(float(round(width)), float(round(height)), tall, (width - wide) / 2)


@cache
def wrapped(words: str, width: float) -> tuple[str, ...]:
    """A caption in lines that are no wider than so many pixels.

    >>> wrapped("one two three", 70.0)
    ('one two', 'three')
    """
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, SIZE) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(x for line in lines for x in _cut(line, width))


def _cut(line: str, width: float) -> Iterator[str]:
    while width_of(line, SIZE) > width and len(line) > 1:
        fits = next(n for n in range(len(line) - 1, 0, -1)
                    if n == 1 or width_of(line[:n], SIZE) <= width)  # fmt: skip
        yield line[:fits]
        line = line[fits:]
    yield line


def film(
    scene: Scene, kind: str, fps: float = 12.0, scale: float | None = None, dark: bool = False
) -> bytes:
    """The scene as the bytes of a film of this kind: gif, webp or mp4.

    Raises: MissingExtraError ("pictures", for MP4 "video"), UsageError.
    """
    if not scene.moments:
        raise UsageError(f"{scene.title}: a still has nothing to play; save it as .svg or .png")
    if not 1 <= fps <= 60:
        raise UsageError(f"film: fps={fps!r}; give 1 to 60 pictures a second")
    pillow = _pillow()
    if kind == "mp4":
        _av()
    scale = _fitting(_layout(scene).width) if scale is None else scale
    made = list(frames(scene, fps))

    def dots(svg: str) -> Any:
        return pillow.open(io.BytesIO(png(svg, scale, dark))).convert("RGB")

    shown = (dots(f.svg) for f in watched(made, f"{scene.title} → {kind}"))
    times = [f.seconds for f in made]
    if kind == "mp4":
        return _mp4(pillow, shown, times, round(fps))
    few = [dots(f.svg) for f in made[:: max(1, len(made) // SAMPLES)]]
    return _of_few_colours(pillow, kind, shown, times, few)


def _fitting(width: float) -> float:
    """The scale of a film of which nobody says how large it shall be.

    >>> _fitting(400.0), _fitting(800.0), _fitting(1600.0), _fitting(3840.0)
    (2.0, 1.25, 1.0, 0.5)
    """
    return min(2.0, max(1.0, WIDE / width), WIDEST / width)


def _of_few_colours(
    pillow: Any, kind: str, shown: Iterable[Any], times: list[float], few: list[Any]
) -> bytes:
    # One palette for all: the frames then differ only where something moves, and stay small.
    sheet = pillow.new("RGB", (few[0].width, few[0].height * len(few)))
    for i, image in enumerate(few):
        sheet.paste(image, (0, i * image.height))
    palette = sheet.quantize(PALETTE, method=pillow.Quantize.MEDIANCUT)
    first, *more = [i.quantize(palette=palette, dither=pillow.Dither.NONE) for i in shown]
    how = (
        {"optimize": True, "disposal": 1, "palette": bytes(palette.getpalette()[: 3 * PALETTE])}
        if kind == "gif" else {"lossless": True, "quality": 60, "method": 3}
    )  # fmt: skip
    out = io.BytesIO()
    first.save(
        out, kind.upper(), save_all=True, append_images=more, loop=0,
        duration=[10 * round(100 * t) for t in times], **how,
    )  # fmt: skip
    return out.getvalue()


def _mp4(pillow: Any, shown: Iterable[Any], times: list[float], rate: int) -> bytes:
    av = _av()
    out, stream, owed = io.BytesIO(), None, 0.0
    with av.open(out, "w", format="mp4") as movie:
        for image, seconds in zip(shown, times, strict=True):
            even = image.width + image.width % 2, image.height + image.height % 2
            if stream is None:
                stream = movie.add_stream(_codec(av), rate=rate)
                stream.width, stream.height = even
                stream.pix_fmt = "yuv420p"
            if image.size != even:  # the format has no odd sizes
                wider = pillow.new("RGB", even, image.getpixel((0, 0)))
                wider.paste(image, (0, 0))
                image = wider
            owed += seconds * rate
            count, owed = int(owed + 0.5), owed - int(owed + 0.5)
            for _ in range(count):
                movie.mux(stream.encode(av.VideoFrame.from_image(image)))
        if stream is not None:
            movie.mux(stream.encode(None))
    return out.getvalue()


def _codec(av: Any) -> str:
    for name in CODECS:
        try:
            av.codec.Codec(name, "w")
        except ValueError:
            continue
        return name
    raise UsageError(f"film: this PyAV writes none of {', '.join(CODECS)}; save as .webp or .gif")


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("a film as GIF or WebP", "pictures") from None
    return Image


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise MissingExtraError("a film as MP4", "video") from None
    return av


def watched(work: list[Any], what: str) -> Iterator[Any]:
    """The same items, with a progress bar in a terminal once they take long."""
    if not sys.stderr.isatty():
        yield from work
        return
    from rich.console import Console
    from rich.progress import Progress

    began, bar, task = monotonic(), Progress(console=Console(stderr=True), transient=True), None
    try:
        for k, item in enumerate(work):
            if task is None and monotonic() - began > PATIENCE:
                bar.start()
                task = bar.add_task(what, total=len(work))
            if task is not None:
                bar.update(task, completed=k)
            yield item
    finally:
        bar.stop()
