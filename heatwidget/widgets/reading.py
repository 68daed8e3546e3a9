"""How much of an array was read, on the page, with a button that stops and goes on."""

from __future__ import annotations

import ipywidgets

from .binding import Model
from .lifetime import weak_callback
from .subshells import answer_beside_the_cell

# Digits of one width keep the text still.
_TEXT_STYLE = "font-variant-numeric:tabular-nums;color:var(--jp-ui-font-color1)"


class ReadingRow:
    """Bar, text and button below the controls; it is not there when all was read.

    Parameters
    ----------
    model : Model
        Held weakly: it owns the row.
    """

    def __init__(self, model: Model) -> None:
        self._stop, self._resume = map(weak_callback, (model.stop_reading, model.resume_reading))
        self._stopped = False
        self._parts: tuple[ipywidgets.IntProgress, ipywidgets.Button, ipywidgets.HTML] | None = None
        self.widget = ipywidgets.HBox(
            layout=ipywidgets.Layout(flex_flow="row wrap", margin="0 8px", display="none")
        )

    def show(self, share: float | None, *, coarse: bool, stopped: bool) -> None:
        """Show how much was read.

        Parameters
        ----------
        share : float or None
            0 to 1; None where there is no more to read.
        coarse : bool
            Whether the picture lacks some of it.
        stopped : bool
            Whether nothing is being read although there is more.
        """
        if share is None:
            self.widget.layout.display = "none"
            return
        text = f"{'stopped at' if stopped else 'reading'} {share:.0%}"
        if coarse:
            text += ": the picture is coarse" + ("" if stopped else " until then")
        bar, button, said = self._parts or self._make()
        self._stopped = stopped
        button.description = "go on" if stopped else "stop"
        button.icon = "play" if stopped else "stop"
        button.tooltip = "Read the rest" if stopped else "Leave the rest unread"
        bar.value = int(100 * share)
        bar.bar_style = "warning" if stopped else "info"
        said.value = f'<span style="{_TEXT_STYLE}">{text}</span>'
        self.widget.layout.display = None

    def _make(self) -> tuple[ipywidgets.IntProgress, ipywidgets.Button, ipywidgets.HTML]:
        """Make the parts, which most heatmaps never need."""
        layout = ipywidgets.Layout
        bar = ipywidgets.IntProgress(
            max=100, layout=layout(flex="0 1 240px", width="auto", min_width="80px")
        )
        button = ipywidgets.Button(layout=layout(width="90px", flex="0 0 auto"))
        button.on_click(self._pressed)
        answer_beside_the_cell(button)
        self._parts = (bar, button, ipywidgets.HTML(layout=layout(flex="0 1 auto")))
        self.widget.children = self._parts
        return self._parts

    def _pressed(self, _: ipywidgets.Button) -> None:
        (self._resume if self._stopped else self._stop)()
