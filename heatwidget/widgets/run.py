"""A computation that fills a live array in a thread of its own."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from contextvars import copy_context
from threading import Event, Lock, RLock, Thread, get_ident
from time import perf_counter
from typing import Any

from ..arrays import LiveArray
from ..arrays.writing import before_write
from ..scene.text import label
from .pace import Pace, measure
from .progress import Progress

Compute = Callable[[LiveArray], Any]

# Functions that return before anything is computed.
_UNFIT = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
# What such functions return.
_PROMISES = (inspect.isawaitable, inspect.isgenerator, inspect.isasyncgen)
# Text columns of what stands in a message for what was passed.
_COLUMNS = 80

_logger = logging.getLogger("heatwidget")
# Runs that have not ended, in the order of their start.
_running: dict[Run, None] = {}
_lock = Lock()


class Cancelled(BaseException):
    """Raised by a write to a live array in a run that was cancelled.

    No `Exception`, as KeyboardInterrupt is none: ``except Exception`` lets it pass. A
    computation may raise it, too, and then counts as cancelled.

    Examples
    --------
    >>> def stop(live):
    ...     raise hw.Cancelled  # as a write does after run.cancel()
    >>> run = hw.run(stop, hw.LiveArray({"iteration": 3, "token": 2}))
    >>> run.wait(timeout=60), run.state
    (False, 'cancelled')
    """


class Run:
    """A computation in a thread of its own; made by `run`.

    Attributes
    ----------
    live : LiveArray
        What it fills.
    result : object
        What the computation has returned; None before.
    error : BaseException or None
        What it has raised, with its traceback. It is also on the page, or in the log of
        ``heatwidget`` where ``progress`` was not on a page by then, or only inside a box.
    """

    def __init__(self, compute: Compute, live: LiveArray) -> None:
        self.live = live
        self.result: Any = None
        self.error: BaseException | None = None
        self._name = getattr(compute, "__name__", type(compute).__name__)
        self._began, self._end = perf_counter(), 0.0
        self._state = "running"
        self._lock, self._ended = RLock(), Event()
        self._ident: int | None = None  # of its thread
        self._room = live.written_at.size
        self._progress: Progress | None = None
        # As by `asyncio.to_thread`: what the caller has set for its context holds here too.
        inside, job = copy_context().run, (self._compute, compute)
        Thread(target=inside, args=job, name="heatwidget-run", daemon=True).start()

    @property
    def state(self) -> str:
        """``running``, ``cancelling``, or how it ended: ``finished``, ``cancelled``, ``failed``."""
        return self._state

    @property
    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._ended.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether it has ended because it was cancelled."""
        return self._state == "cancelled"

    @property
    def seconds(self) -> float:
        """Seconds it has taken, so far or in all."""
        return (self._end or perf_counter()) - self._began

    @property
    def pace(self) -> Pace:
        """How far it is and how fast."""
        now = self._began + self.seconds
        return measure(self.live, self._began, now, room=self._room)

    @property
    def progress(self) -> Progress:
        """Widget that shows how far it is, the same each time until it is closed."""
        with self._lock:
            if self._progress is None or self._progress.closed:
                self._progress = Progress(self)
            return self._progress

    def cancel(self) -> None:
        """Let its next write raise `Cancelled`. Returns at once.

        Only its own writes do, to whichever live array, also those in `asyncio.to_thread`;
        in a thread that it starts itself they do not. One that has ended stays as it is.
        """
        with self._lock:
            if self._state == "running":
                self._state = "cancelling"

    def wait(self, timeout: float | None = None, *, check: bool = False) -> bool:
        """Wait until it has ended; True if it has finished with its result.

        False where it has failed, was cancelled, or still runs: `state` says which.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most.
        check : bool, default False
            Raise what the computation has raised, `Cancelled` where it was cancelled, and
            TimeoutError where it still runs.

        Raises
        ------
        RuntimeError
            Inside the computation, which would wait for itself.
        """
        if get_ident() == self._ident:
            raise RuntimeError("wait() inside the run that it waits for")
        ended = self._ended.wait(timeout)
        if check:
            if not ended:
                raise TimeoutError(f"still {self._state} after {timeout} s: {self}")
            if self.error is not None:
                raise self.error
            if self.cancelled:
                raise Cancelled("the run was cancelled")
        return ended and self._state == "finished"

    def __repr__(self) -> str:
        """Return what runs and how far it is in one line."""
        return f"<Run {self._name} {self._state}, {self.pace}>"

    def _compute(self, compute: Compute) -> None:
        self._ident = get_ident()
        before_write.set(self._check)
        state = "finished"
        try:
            result = compute(self.live)
            if _drop_promise(result):
                raise _unfit(compute)
            self.result = result
        except Cancelled:
            state = "cancelled"
        except BaseException as error:
            trace = error.__traceback__
            # Without this frame, so that it begins in the user's own code.
            self.error = error.with_traceback(trace and trace.tb_next)
            state = "failed"
        self._finish(state)

    def _check(self) -> None:
        if self._state in ("cancelling", "cancelled"):
            raise Cancelled("the run was cancelled")

    def _finish(self, state: str) -> None:
        with self._lock:
            self._state, self._end = state, perf_counter()
            progress = self._progress
        with _lock:
            _running.pop(self, None)
        try:
            self._tell(progress)
        finally:
            self._ended.set()

    def _tell(self, progress: Progress | None) -> None:
        """Show how it ended; an error that no page shows goes to the log."""
        shown = False
        try:
            if progress is not None:
                progress.draw()
                shown = progress.shown
        finally:
            if self.error is not None and not shown:
                _logger.error("run of %s failed", self._name, exc_info=self.error)


def run(compute: Compute, live: LiveArray, *, together: bool = False) -> Run:
    """Start ``compute(live)`` in a thread of its own, and return at once.

    The kernel stays free meanwhile: sliders answer, and other cells run. What belongs to a
    thread, such as ``torch.no_grad()``, is to be entered inside `compute`. Interrupting the
    kernel does not reach a run: it is cancelled by the button or by ``cancel()``.

    A cell that makes a new array starts another run when it is run again, and the old one goes
    on unseen. ``for old in hw.runs(): old.cancel()`` at its top ends what is still running.

    Parameters
    ----------
    compute : callable
        Takes the array and fills it.
    live : LiveArray
    together : bool
        Whether to start although another run fills the same array.

    Returns
    -------
    Run
        With ``progress``, a widget, and ``cancel()``, ``wait()``, ``result``, ``error``.

    Raises
    ------
    TypeError
        If `live` is no LiveArray, or `compute` no function of one argument.
    RuntimeError
        If another run fills the array, unless `together`.

    Examples
    --------
    >>> def compute(live):
    ...     for k in range(3):
    ...         live[k] = 0.5**k
    ...     return "converged"
    >>> run = hw.run(compute, hw.LiveArray({"iteration": 3, "token": 2}))
    >>> run.wait(timeout=60)
    True
    >>> run.result
    'converged'
    """
    if not isinstance(live, LiveArray):
        raise TypeError(f"live must be a LiveArray, got {type(live).__name__}")
    _check_compute(compute, live)
    with _lock:
        other = next((run for run in _running if run.live is live), None)
        if other is not None and not together:
            raise RuntimeError(_refusal(other))
        started = Run(compute, live)
        _running[started] = None
    return started


def runs() -> list[Run]:
    """Runs that have not ended, the oldest first.

    Examples
    --------
    >>> for old in hw.runs():  # before a new run
    ...     old.cancel()
    """
    with _lock:
        return list(_running)


def _check_compute(compute: Any, live: LiveArray) -> None:
    if not callable(compute):
        raise TypeError(f"compute must be a function of the array, got {_short(compute)}")
    if any(is_unfit(compute) for is_unfit in _UNFIT):
        raise _unfit(compute)
    try:
        signature = inspect.signature(compute)
    except (TypeError, ValueError):
        return  # as of some built-in functions
    try:
        signature.bind(live)
    except TypeError as error:
        got = f"got {_short(compute)}: {error}"
        raise TypeError(f"compute must take the array alone, {got}") from None


def _drop_promise(result: Any) -> bool:
    """Whether it is still to be computed; it never is then."""
    if inspect.iscoroutine(result):
        # Python would warn that nobody awaits it: the error says so already.
        result.close()
    return any(is_promise(result) for is_promise in _PROMISES)


def _unfit(compute: Any) -> TypeError:
    return TypeError(f"compute must neither await nor yield, got {_short(compute)}")


def _short(compute: Any) -> str:
    return label(repr(compute), _COLUMNS)


def _refusal(other: Run) -> str:
    if other.state == "running":
        advice = "cancel() it"
    else:
        advice = "it ends at its next write: wait() for it"
    return f"live is being filled by {other}: {advice} (runs() has it), or pass together=True"
