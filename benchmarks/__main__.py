"""Run the benchmarks: ``python -m benchmarks [scrub|frame|metrics|open|live|leaks|pages] ...``."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from .result import Record, table
from .versions import versions

#: Module of each benchmark, in the order in which they run.
PARTS = {
    "scrub": "scrub",
    "frame": "frame",
    "metrics": "metrics",
    "open": "opening",
    "live": "live",
    "leaks": "leaks",
    "pages": "pages",
}

#: Distributions whose versions are noted.
DISTRIBUTIONS = (
    *("heatwidget", "numpy", "torch", "ipywidgets", "bqplot", "bqplot-image-gl", "voila"),
    *("ipykernel", "plotly", "anywidget", "ipympl", "matplotlib", "plopp", "scipp", "playwright"),
)

_RESULTS = Path(__file__).parent / "results"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for, print tables, and write numbers and a picture."""
    asked = _parser().parse_args(arguments)
    names = [name for name in PARTS if name in asked.parts] or list(PARTS)
    stem = "all" if len(names) == len(PARTS) else "-".join(names)
    asked.folder.mkdir(parents=True, exist_ok=True)
    file: Path = asked.folder / f"{stem}.json"
    parts: dict[str, Record] = {}
    numbers = {**_circumstances(), "quick": asked.quick, "parts": parts}
    for name in names:
        try:
            part = import_module(f".{PARTS[name]}", __package__)
        except ModuleNotFoundError as error:
            print(f"{name} left out: needs {error.name}\n")
            continue
        parts[name] = _measure(name, part, quick=asked.quick)
        # Each time: what took long should not be lost with what fails after it.
        file.write_text(json.dumps(numbers, indent=1))
    print(f"numbers: {file}")
    _draw(numbers, file.with_suffix(".png"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--quick", action="store_true", help="as little as shows that it works")
    parser.add_argument(
        "--folder", type=Path, default=_RESULTS, help="where numbers and picture go"
    )
    return parser


def _measure(name: str, part: Any, *, quick: bool) -> Record:
    """Run one benchmark and print what it found."""
    caption = (part.__doc__ or "").strip()
    print(f"{name}\n\n{caption}\n", flush=True)
    options = part.QUICK if quick else {}
    result = part.run(**options)
    print(table(result.records), "", *result.notes, "", sep="\n", flush=True)
    defaults = {key: one.default for key, one in signature(part.run).parameters.items()}
    return {
        "caption": caption,
        "options": {**defaults, **options},
        "records": result.records,
        "notes": result.notes,
    }


def _draw(numbers: Record, file: Path) -> None:
    try:
        from .picture import draw
    except ModuleNotFoundError as error:
        print(f"no picture: needs {error.name}")
        return
    draw(numbers, file)
    print(f"picture: {file}")


def _circumstances() -> dict[str, Any]:
    """When, on what, and with which versions."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": {"cpus": os.cpu_count()},
        "versions": {"python": platform.python_version(), **versions(DISTRIBUTIONS)},
    }


if __name__ == "__main__":
    main()
