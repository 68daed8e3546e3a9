"""The page for the array in a file, checked before the server starts."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from .errors import CommandError
from .server import Page

VARIABLE = "HEATWIDGET_VIEW"  # environment variable of the kernel: the request as JSON

_ITEMS = {"token", "prompt"}


def view_page(
    file: str, *, name: str | None, dims: Sequence[str] | None, widget: str | None
) -> Page:
    """Page for the array in a file.

    Raises
    ------
    CommandError
        If the file cannot be read, or its axes are not known.
    """
    from ..arrays.files import open_labelled
    from ..arrays.labelled import RENAMES

    if not file:
        raise CommandError("FILE must be the path of a file, got ''")
    path = os.path.abspath(file)
    # No default for two axes, which may be (iteration, token) or (layer, token).
    default_dims = {3: ("iteration", "layer", "token")}
    try:
        array = open_labelled(path, name=name, dims=dims, default_dims=default_dims)
        guessed = len(array.dims) == 3 and dims is None and not _names_axes(path, name)
    except (ImportError, OSError, TypeError, ValueError) as error:
        message = str(error).replace(RENAMES, "")
        raise CommandError(printable(f"{message}{_advice(message)}")) from error
    asked = {"path": path, "name": name, "dims": array.dims, "guessed": guessed}
    widgets = choose_widgets(array.dims, widget)
    # In ASCII, which holds any file name.
    text = json.dumps({**asked, "widgets": widgets})
    return Page("view", "view.ipynb", printable(Path(path).name), {VARIABLE: text})


def _names_axes(path: str, name: str | None) -> bool:
    """Whether a file names the axes of its array."""
    from ..arrays.files import open_labelled

    try:
        open_labelled(path, name=name, dims=None, default_dims={})
    except ValueError:
        return False
    return True


def _advice(error: str) -> str:
    """Advice on the option that resolves an error; empty if there is none."""
    options = {
        "name ": "; use --name",
        "dims ": "; use --dims, such as --dims iteration,token or --dims layer,token",
    }
    return next((advice for start, advice in options.items() if error.startswith(start)), "")


def choose_widgets(dims: tuple[str, ...], asked: str | None) -> tuple[str, ...]:
    """Names of the heatmaps for an array: all that fit its axes, or the requested one.

    Parameters
    ----------
    dims : tuple of str
        Names of the axes.
    asked : {"convergence", "activation"}, optional

    Raises
    ------
    CommandError
        If the requested heatmap needs an axis that the array lacks.
    """
    from ..arrays import find_roles

    needs = {"convergence": "iteration", "activation": "layer"}
    roles = find_roles(dims)
    fitting = tuple(w for w, axis in needs.items() if axis in roles and _ITEMS & roles.keys())
    if asked is None:
        return fitting or ("heatmap",)
    if asked not in fitting:
        wanted = f"{needs[asked]} and token or prompt"
        raise CommandError(f"--widget {asked} needs axes {wanted}, the file has {', '.join(dims)}")
    return (asked,)


def printable(text: str) -> str:
    """Text in one line, with unprintable characters escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
