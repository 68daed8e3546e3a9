"""Words of a scene as HTML, in which texts from outside are never markup."""

from __future__ import annotations

from collections.abc import Iterable

from ..scene import LegendEntry, Place, Readout
from ..scene.text import escape


def legend_html(entries: Iterable[LegendEntry]) -> str:
    """Colour and meaning of each entry."""
    return " ".join(_entry_html(entry) for entry in entries)


def readout_html(readout: Readout) -> str:
    """Value of a cell and where it lies."""
    detail = f" ({readout.detail})" if readout.detail else ""
    parts = [f"<b>{readout.value}</b>{detail}", *map(_place_html, readout.places)]
    return '<span class="heatwidget-readout">' + " · ".join(parts) + "</span>"


def _entry_html(entry: LegendEntry) -> str:
    if not entry.color:
        return entry.text
    return (
        f'<span style="white-space:nowrap;margin-right:1em"><span style="display:inline-block;'
        f"width:0.8em;height:0.8em;border:1px solid #888;background:{entry.color}"
        f'"></span> {entry.text}</span>'
    )


def _place_html(place: Place) -> str:
    # An element of its own keeps right-to-left text from turning its neighbours around.
    labels = " … ".join(f"<bdi>“{escape(text)}”</bdi>" for text in place.labels)
    how = f" ({place.reducer})" if place.reducer else ""
    return f"{place.text} {labels}".rstrip() + how
