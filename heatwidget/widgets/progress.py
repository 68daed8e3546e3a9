"""How far a run is, on the page, with a button that cancels it."""

from __future__ import annotations

import traceback
from math import ceil
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING, Any
from weakref import ref

import ipywidgets

from ..scene.text import escape
from .pace import Pace, duration
from .subshells import answer_beside_the_cell
from .tree import close_tree

if TYPE_CHECKING:
    from .run import Run

# Seconds between two looks at the run.
_INTERVAL = 0.2
# Characters of a traceback and of an error's message that go to the page.
_TRACEBACK_LENGTH = 20_000
_MESSAGE_LENGTH = 500

_BAR_STYLES = {
    "running": "info",
    "cancelling": "warning",
    "cancelled": "warning",
    "failed": "danger",
    "finished": "success",
}

# Digits of one width keep the text still.
_TEXT_STYLE = "font-variant-numeric:tabular-nums;color:var(--jp-ui-font-color1)"
_WRAP_STYLE = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.4"
_MESSAGE_STYLE = f"display:block;color:var(--jp-ui-font-color1);{_WRAP_STYLE}"
# All of it said: Lab and Voila each have rules of their own for `pre`.
_TRACEBACK_STYLE = (
    f"max-height:20em;overflow:auto;margin:4px 0 0;padding:4px 8px;{_WRAP_STYLE};"
    "font-family:var(--jp-code-font-family);font-size:var(--jp-code-font-size);"
    "color:var(--jp-content-font-color1);background:var(--jp-rendermime-error-background)"
)


class Progress(ipywidgets.VBox):  # type: ignore[misc]
    """Bar, pace and cancel button of a run; afterwards how it ended, with the traceback.

    While the run computes, a daemon thread looks at it a few times a second: a producer
    pays nothing for being watched. Closing the widget does not end the run.

    Parameters
    ----------
    run : Run
        Held weakly: what it has computed can go although a page shows how it went.
    """

    def __init__(self, run: Run) -> None:
        self._run = ref(run)
        self._lock, self._stop = RLock(), Event()
        self._displayed = False
        self._bar = ipywidgets.IntProgress(
            layout=ipywidgets.Layout(flex="0 1 240px", width="auto", min_width="120px")
        )
        self._button = ipywidgets.Button(
            description="cancel",
            icon="stop",
            tooltip="Stop at the next write",
            layout=ipywidgets.Layout(width="90px", flex="0 0 auto"),
        )
        self._button.on_click(self._cancel)
        answer_beside_the_cell(self._button)
        self._text = ipywidgets.HTML(layout=ipywidgets.Layout(flex="0 1 auto"))
        self._row = ipywidgets.HBox(
            [self._bar, self._button, self._text],
            layout=ipywidgets.Layout(flex_flow="row wrap"),
        )
        self._error = ipywidgets.HTML()
        super().__init__([self._row])
        self.add_class("heatwidget-progress")
        self.draw()
        if not self._stop.is_set():
            Thread(target=self._follow, name="heatwidget-progress", daemon=True).start()

    @property
    def closed(self) -> bool:
        """Whether it has been taken off all pages."""
        return self.comm is None

    @property
    def shown(self) -> bool:
        """Whether a page has it, in its own right: what a box shows does not learn of it."""
        return self._displayed and not self.closed

    def draw(self) -> None:
        """Show how far the run is now, from any thread; the last time once it has ended."""
        run = self._run()
        with self._lock:
            if self._stop.is_set() or run is None:
                return
            # The state first: what is measured after the end cannot change any more.
            state, pace = run.state, run.pace
            with self._bar.hold_sync():
                # Full where nobody knows the end.
                self._bar.max = pace.n or max(pace.n_reached, 1)
                self._bar.value = pace.n_reached
                self._bar.bar_style = _BAR_STYLES[state]
            text = _describe(state, pace, run.seconds)
            self._text.value = f'<span style="{_TEXT_STYLE}">{text}</span>'
            if state in ("running", "cancelling"):
                return
            self._button.disabled = True
            if run.error is not None:
                self._error.value = error_html(run.error)
                self.children = [self._row, self._error]
            self._stop.set()

    def close(self) -> None:
        """Take it off all pages, and look at the run no more. Twice does no harm."""
        with self._lock:
            self._stop.set()
            close_tree(self._row, self._error, self.layout)
        super().close()

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        self._displayed = True
        return super()._repr_mimebundle_(**keywords)

    def _cancel(self, _: ipywidgets.Button) -> None:
        run = self._run()
        if run is not None:
            run.cancel()

    def _follow(self) -> None:
        # A run that has gone has ended, though its end could not be drawn.
        while not self._stop.wait(_INTERVAL) and self._run() is not None:
            self.draw()


def _describe(state: str, pace: Pace, seconds: float) -> str:
    """Text beside the bar."""
    if state == "cancelling":
        return f"cancelling at its next write · {pace}"
    if state in ("cancelled", "failed"):
        return f"{state} after {pace}"
    each = "" if pace.each is None else f" · {duration(pace.each)} each"
    if state == "finished":
        return f"finished: {pace}{each} · {duration(seconds)} in all"
    if pace.each is None:
        # Whole seconds: one message a second at most.
        return f"{pace} · {duration(int(seconds))} so far" if seconds >= 1 else str(pace)
    if pace.stalled:
        return f"{pace}{each} · {duration(int(pace.since))} since the last"
    if pace.n in (None, pace.n_reached):
        return f"{pace}{each}"
    return f"{pace}{each} · {duration(max(ceil(pace.left), 1))} left"


def error_html(error: BaseException) -> str:
    """An error's message, and the traceback below it in a box of its own."""
    message = "".join(traceback.format_exception_only(error)).strip()
    lines = "".join(traceback.format_exception(error)).strip()
    return (
        f'<b style="{_MESSAGE_STYLE}">{escape(_cut(message, _MESSAGE_LENGTH))}</b>'
        f'<pre style="{_TRACEBACK_STYLE}">{escape(_cut(lines, _TRACEBACK_LENGTH))}</pre>'
    )


def _cut(text: str, most: int) -> str:
    """Text without its middle, if it is too long."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}\n…\n{text[-most // 2 :]}"
