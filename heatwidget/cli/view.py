"""Which page shows the array in a file, checked before anything is served."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from .errors import CommandError
from .server import Page

VARIABLE = "HEATWIDGET_VIEW"  # of the kernel's environment: what is asked, as JSON

_ITEMS = {"token", "prompt"}


def view_page(
    file: str, *, name: str | None, dims: Sequence[str] | None, widget: str | None
) -> Page:
    """Page of the array in a file.

    Raises
    ------
    CommandError
        If it cannot be read, or it cannot be told what its axes are.
    """
    from ..arrays.files import open_labelled
    from ..arrays.labelled import RENAMES

    if not file:
        raise CommandError("FILE must be the path of a file, got ''")
    path = os.path.abspath(file)
    # A plain array of two axes may be iterations or layers: only the user knows.
    default_dims = {3: ("iteration", "layer", "token")}
    try:
        array = open_labelled(path, name=name, dims=dims, default_dims=default_dims)
        guessed = len(array.dims) == 3 and dims is None and not _says_dims(path, name)
    except (ImportError, OSError, TypeError, ValueError) as error:
        said = str(error).replace(RENAMES, "")
        raise CommandError(printable(f"{said}{_advice(said)}")) from error
    asked = {"path": path, "name": name, "dims": array.dims, "guessed": guessed}
    widgets = choose_widgets(array.dims, widget)
    # ASCII, so that any file name comes through.
    text = json.dumps({**asked, "widgets": widgets})
    return Page("view", "view.ipynb", printable(Path(path).name), {VARIABLE: text})


def _says_dims(path: str, name: str | None) -> bool:
    """Whether a file names the axes of an array."""
    from ..arrays.files import open_labelled

    try:
        open_labelled(path, name=name, dims=None, default_dims={})
    except ValueError:
        return False
    return True


def _advice(error: str) -> str:
    """Option that answers what an error asks for, if one does."""
    options = {
        "name ": "; --name gives it",
        "dims ": "; --dims gives them, as in --dims iteration,token or --dims layer,token",
    }
    return next((advice for start, advice in options.items() if error.startswith(start)), "")


def choose_widgets(dims: tuple[str, ...], asked: str | None) -> tuple[str, ...]:
    """Names of the heatmaps that show an array: all that its axes fit, or the one asked.

    Parameters
    ----------
    dims : tuple of str
        Names of its axes.
    asked : {"convergence", "activation"}, optional

    Raises
    ------
    CommandError
        If the one that is asked needs an axis that it lacks.
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
    """Text in one line, in which what cannot be shown, as in odd file names, is escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
