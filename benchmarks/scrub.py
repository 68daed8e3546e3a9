"""Milliseconds from a key press on the layer slider to the last paint, in Chromium on Voila.

All libraries show the same 36-layer float32 cube, the mean over a band of 8 to 16 layers, in
a figure of about 900 x 540 pixels; each key press moves the upper end of the band by one. The
floor is a slider that changes a label. Pages stay open and are pressed in turn.

- ``ms``: median, with its quartiles. The last paint is the end of the first animation frame
  after the last change of the page: of the document, of a canvas, or a picture loaded;
- ``answered``: until the largest message, the picture, has come back from the kernel;
- ``bytes``: all that came for one key press.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from .browser import SliderPage, serve
from .cube import write_cube
from .peers import NEEDS, PEERS
from .result import Record, Result, spread
from .versions import versions

#: Cells of the picture, (tokens, iterations).
SHAPES = ((35, 17), (250, 65), (1024, 256), (4096, 1024))

#: By how much heatwidget may be slower than the floor, and must be faster than any peer.
TARGETS = {
    (250, 65): (1.3, 1.0),
    (1024, 256): (1.6, 4.0),
    (4096, 1024): (None, 8.0),
}

QUICK: dict[str, Any] = {"shapes": [(35, 17)], "repeats": 2, "names": ["floor", "heatwidget"]}

_QUIET, _TIMEOUT = 0.5, 90.0
# Seconds after which a library has pressed enough keys of one size, if it has at least three.
_PATIENCE = 60.0
_WARM_UP = 2
# Layers up before it goes down again: a picture just seen should not come back at once.
_WAY = 8

_CELL = """
from pathlib import Path
from benchmarks.cube import open_cube
from benchmarks.peers import PEERS
PEERS[{name!r}](open_cube(Path({path!r}), {shape}))
"""


def run(
    shapes: Sequence[tuple[int, int]] = SHAPES,
    repeats: int = 20,
    names: Sequence[str] = tuple(PEERS),
) -> Result:
    """Measure all libraries that are installed.

    Parameters
    ----------
    shapes : sequence of tuple of int
        Numbers of tokens and iterations.
    repeats : int
        Key presses for each library and shape.
    names : sequence of str
        Libraries to measure, of `PEERS`.
    """
    there = versions(one for name in names for one in NEEDS[name])
    missing = {name: [one for one in NEEDS[name] if one not in there] for name in names}
    usable = [name for name in names if not missing[name]]
    records: list[Record] = []
    for shape in shapes:
        presses = _press_all(shape, repeats, usable)
        records += _compare(shape, presses)
    skipped = [f"{name} left out: needs {' and '.join(n)}" for name, n in missing.items() if n]
    return Result(records, [*skipped, *_verdicts(records)])


def _press_all(
    shape: tuple[int, int], repeats: int, names: Sequence[str]
) -> dict[str, list[Record]]:
    """What each library's key presses took, after some that do not count."""
    presses: dict[str, list[Record]] = {name: [] for name in names}
    with _pages(shape, names) as pages:
        for key in _keys(_WARM_UP + repeats):
            for name, page in list(pages.items()):
                press = page.press(key, quiet=_QUIET, timeout=_TIMEOUT)
                if press is not None:
                    presses[name].append(press)
                if press is None or _is_long(presses[name]):
                    # It may still be at work, in the turn of others.
                    pages.pop(name).close()
    return {name: taken[_WARM_UP:] for name, taken in presses.items()}


@contextmanager
def _pages(shape: tuple[int, int], names: Sequence[str]) -> Iterator[dict[str, SliderPage]]:
    """A page of each library, open until the end of the block."""
    with tempfile.TemporaryDirectory() as folder, serve() as (browser, server):
        path = Path(folder) / "cube"
        write_cube(path, shape)
        codes = {n: _CELL.format(name=n, path=str(path), shape=tuple(shape)) for n in names}
        yield {name: SliderPage(browser, server, name, code) for name, code in codes.items()}


def _is_long(presses: Sequence[Record]) -> bool:
    seconds = sum(press["painted"] for press in presses) / 1000
    return len(presses) >= _WARM_UP + 3 and seconds > _PATIENCE


def _keys(n: int) -> Iterator[str]:
    """Keys that move the upper end of the band up, down, and up again."""
    for press in range(n):
        yield "ArrowLeft" if press // _WAY % 2 else "ArrowRight"


def _compare(shape: tuple[int, int], presses: dict[str, list[Record]]) -> list[Record]:
    """One record for each library at one shape."""
    middle = {name: median(p["painted"] for p in taken) for name, taken in presses.items() if taken}
    peers = [ms for name, ms in middle.items() if name not in ("floor", "heatwidget")]
    fastest = min(peers, default=None)
    return [
        {
            "library": name,
            "tokens": shape[0],
            "iterations": shape[1],
            **_summary(taken, middle.get("floor"), fastest),
        }
        for name, taken in presses.items()
    ]


def _summary(taken: Sequence[Record], floor: float | None, fastest: float | None) -> Record:
    """Medians over key presses; None for all of them where there is no press."""
    times = [press["painted"] for press in taken]
    low, ms, high = spread(times) if times else (None, None, None)
    return {
        "ms": ms,
        "lower": low,
        "upper": high,
        "of floor": ms / floor if ms and floor else None,
        "of fastest peer": ms / fastest if ms and fastest else None,
        "answered": median(press["received"] for press in taken) if taken else None,
        "bytes": round(median(press["bytes"] for press in taken)) if taken else None,
        "presses": len(taken),
        "times": times,
    }


def _verdicts(records: Sequence[Record]) -> list[str]:
    """What must be reached, and what was."""
    notes = [
        f"{r['library']} at {r['tokens']}x{r['iterations']}: no picture within {_TIMEOUT:.0f} s"
        for r in records
        if not r["presses"]
    ]
    for record in records:
        if record["library"] != "heatwidget" or record["ms"] is None:
            continue
        most, least = TARGETS.get((record["tokens"], record["iterations"]), (None, 1.0))
        floor, peer = record["of floor"], record["of fastest peer"]
        said = f"heatwidget at {record['tokens']}x{record['iterations']}:"
        if floor:
            said += f" {floor:.2f} times the floor" + (f" (at most {most})" if most else "")
        if peer:
            said += f", {1 / peer:.1f} times as fast as the fastest peer (at least {least:g})"
        notes.append(said)
    return notes
