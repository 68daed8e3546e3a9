"""Which of the kernel's shells answers a control."""

from __future__ import annotations

from typing import Any

import ipywidgets


def answer_beside_the_cell(*controls: ipywidgets.Widget) -> None:
    """Let a control be answered on the shell that the page asks, not on the one it was made in.

    JupyterLab sends what hands do to a subshell, which runs beside a busy cell. But ipykernel
    7.4 hands a message on to the shell that last published on the same widget, because who
    asked may wait for it there. Nobody waits for a slider, and the one that a cell has made, or
    moved, would be dead until that cell, or the next one, ends. Other kernels never look here.
    """
    for control in controls:
        if control.comm is not None:
            control.comm._reply_subshell_for = _as_asked


def _as_asked(data: Any, default: Any) -> Any:
    return default
