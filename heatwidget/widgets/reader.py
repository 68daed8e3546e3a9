"""What is read beside the page, of an array that is large or not in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from math import prod
from threading import Condition, Thread, current_thread

from ..arrays import ArraySource, Region, ValueRange
from ..arrays.extent import stepped, widen
from ..frames import Frame, ResolvedView, render
from ..frames.kept import keep, load_kept
from ..frames.overview import Overview
from .guarded import GuardedSource, Superseded

# Cells of an array in memory that are read anew for each frame: a few milliseconds.
_SMALL = 1 << 22
# Seconds that closing waits for a read under way.
_PATIENCE = 2.0


class Reader:
    """Renders frames of a source, and reads in a daemon thread what they need and do not have.

    A small array in memory is read when it is drawn, and there is no thread. Of a large one
    an `Overview` is made beside the page, and used once it is complete. One that is not in
    memory is only read there: until all is read its frames are coarse.

    Parameters
    ----------
    source : ArraySource
        Closed with the reader.
    request : callable
        Called, on the thread that reads, when a better frame can be made.
    """

    def __init__(self, source: ArraySource, request: Callable[[], None]) -> None:
        self.source = source
        self.error: Exception | None = None
        self._unkept: Exception | None = None
        self._request = request
        # Reentrant, because the garbage collector may close it anywhere.
        self._changed = Condition()
        self._overviews: tuple[Overview, ...] = ()
        self._current: Overview | None = None
        self._view: ResolvedView | None = None
        self._exact: Frame | None = None
        self._share = 0.0
        self._stopped = self._closed = False
        self._thread: Thread | None = None

    @property
    def in_memory(self) -> bool:
        """Whether its frames are always exact."""
        return self.source.in_memory

    @property
    def share(self) -> float | None:
        """Share that was read of what is to be read, 0 to 1; None where there is no more."""
        with self._changed:
            return self._share if self._stopped or self._job() is not None else None

    @property
    def stopped(self) -> bool:
        """Whether it was told to read no more before all was read."""
        return self._stopped

    def value_range(self) -> ValueRange:
        """Extent of all values, as far as they were read; it moves in steps until they are."""
        if self.in_memory:
            return self.source.value_range()
        found = ValueRange()
        for overview in self._overviews:
            if overview.complete:
                return overview.extent
            found = widen(found, overview.extent)
        return stepped(found)

    def render(
        self, view: ResolvedView, previous: Frame | None, changed: Iterable[Region]
    ) -> Frame:
        """Best frame that can be made now; what it lacks is read in the thread.

        Parameters
        ----------
        view : ResolvedView
        previous : Frame or None
            The last frame of the same source.
        changed : iterable of Region
            What `take_changed` of the source has returned since.
        """
        changed = tuple(changed)
        if self._is_small():
            return render(self.source, view, previous=previous, changed=changed)
        overview = self._want(view, changed)
        if self.in_memory:
            used = overview if overview.complete and overview.serves(view.cells) else None
            return render(self.source, view, previous=previous, changed=changed, overview=used)
        everything = (Region(tuple((0, axis.size) for axis in self.source.axes)),)
        again = partial(render, self.source, overview=overview)
        if overview.holds(view.cells):
            return again(view, previous=previous, changed=everything)
        with self._changed:
            exact = self._exact
        if exact is not None and exact.view.cells == view.cells:
            known = previous is not None and previous.view.cells == view.cells
            return render(self.source, view, previous=previous if known else exact)
        served = replace(view, cells=overview.nearest(view.cells))
        return again(served, previous=previous, changed=everything, approximate=True)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until there is no more to read; False if it took too long.

        Parameters
        ----------
        timeout : float or None
            Seconds; None waits for as long as it takes.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed or self._job() is None, timeout=timeout
            )

    def take_error(self) -> tuple[Exception | None, str]:
        """What went wrong, and what that means; what a watcher has raised is said once."""
        if self.error is not None:
            return self.error, "cannot read"
        if self._unkept is not None:
            return self._unkept, "to be read again next time"
        return self.source.take_error(), "cannot follow"

    def refresh(self) -> None:
        """Read everything anew."""
        with self._changed:
            self._forget()
            self.error, self._unkept, self._stopped = None, None, False
            self._changed.notify_all()
        self.source.refresh()

    def stop(self) -> None:
        """Read no more, until `resume` or `refresh`."""
        self._set_stopped(True)

    def resume(self) -> None:
        """Go on with what `stop` has left, or what has failed."""
        self.error = None
        self._set_stopped(False)

    def close(self, *, wait: bool = True) -> None:
        """Read no more, and end the thread. Twice does no harm."""
        with self._changed:
            self._closed, thread = True, self._thread
            self._changed.notify_all()
        self.source.close()
        if wait and thread is not None and thread is not current_thread():
            thread.join(_PATIENCE)

    def _is_small(self) -> bool:
        # Python in the browser has no threads.
        n_cells = prod(axis.size for axis in self.source.axes)
        return sys.platform == "emscripten" or (self.in_memory and n_cells <= _SMALL)

    def _want(self, view: ResolvedView, changed: tuple[Region, ...]) -> Overview:
        """Overview for a view, up to date; the thread is told what to read."""
        with self._changed:
            fitting = (one for one in self._overviews if one.fits(view.cells))
            overview = next(fitting, None) or Overview(self.source, view.cells)
            if overview is not self._current:
                # Others in memory are not kept up to date: they are made anew when asked for.
                kept = () if self.in_memory else self._overviews
                self._overviews = (overview, *(one for one in kept if one is not overview))[:2]
                self._current = overview
            self._view = view
            overview.want(view.cells)
        overview.update(self.source, changed)
        with self._changed:
            self._start()
        return overview

    def _forget(self) -> None:
        self._overviews, self._current, self._exact = (), None, None

    def _set_stopped(self, stopped: bool) -> None:
        with self._changed:
            self._stopped = stopped and self._job() is not None
            self._changed.notify_all()
        self._request()

    def _start(self) -> None:
        if self._thread is None and not self._closed and self._job() is not None:
            self._thread = Thread(target=self._run, name="heatwidget-read", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _job(self) -> Callable[[], None] | None:
        """What is to be read next, for what was rendered last; under the lock."""
        overview, view = self._current, self._view
        if self._closed or self._stopped or self.error or overview is None or view is None:
            return None
        if not self.in_memory and not overview.holds(view.cells) and self._lacks(view):
            if not overview.serves(view.cells):
                return partial(self._read_frame, view, None)
            if overview.complete:
                return partial(self._read_frame, view, overview)
        return None if overview.complete else partial(self._fill, overview)

    def _lacks(self, view: ResolvedView) -> bool:
        return self._exact is None or self._exact.view.cells != view.cells

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._job() is not None)
                job = self._job()
            if job is None:
                return
            try:
                with suppress(Superseded):
                    job()
            except Exception as error:
                self.error = error
            with self._changed:
                self._changed.notify_all()
            self._request()

    def _read_frame(self, view: ResolvedView, overview: Overview | None) -> None:
        """Read a frame that no overview gives, or what is cut from one at the window's ends."""
        self._share = 0.0

        def look(share: float) -> None:
            self._share = share
            with self._changed:
                if self._closed or self._stopped or self._view is not view:
                    raise Superseded

        guarded = GuardedSource(self.source, view.cells, look)
        frame = render(guarded, view, overview=overview)
        with self._changed:
            self._exact = frame

    def _fill(self, overview: Overview) -> None:
        """Read what an overview lacks, or take the one that was kept."""
        identity = None if self.in_memory else self.source.identity()
        if identity is not None and overview.progress == 0 and load_kept(overview, identity):
            return
        with closing(self.source.map(overview.summarize(), self._pieces(overview))) as jobs:
            for region, summary in jobs:
                overview.add(region, summary)
                self._share = overview.progress
                if not self.in_memory:
                    self._request()
        # What changed while it was read would be kept under a wrong name.
        if overview.complete and identity is not None and identity == self.source.identity():
            try:
                keep(overview, identity)
            except OSError as error:
                self._unkept = error

    def _pieces(self, overview: Overview) -> Iterator[Region]:
        """Pieces to read, as long as nothing else is more urgent."""
        for region in overview.missing():
            with self._changed:
                job = self._job()
                if not isinstance(job, partial) or job.args != (overview,):
                    return
            yield region
