"""What is read beside the page, of an array that is large or not in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from math import prod
from threading import Condition, Thread, current_thread

from ..arrays import ArraySource, Region, ValueRange
from ..arrays.extent import scan_values, stepped, widen
from ..frames import Frame, ResolvedView, render
from ..frames.budget import BUDGET, Budget
from ..frames.frame import blank
from ..frames.kept import keep, load_kept
from ..frames.overview import Overview, Subject
from ..frames.view import CellRule
from .jobs import GuardedSource, Job, Superseded
from .lifetime import close_at_exit

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
    budget : Budget, optional
    """

    def __init__(
        self, source: ArraySource, request: Callable[[], None], budget: Budget | None = None
    ) -> None:
        self.source = source
        self._budget = budget or BUDGET
        self.error: Exception | None = None
        self._trouble: tuple[Exception, str] | None = None
        self._request = request
        # Reentrant, because the garbage collector may close it anywhere.
        self._changed = Condition()
        self._overviews: tuple[Overview, ...] = ()
        self._current: Overview | None = None
        self._view: ResolvedView | None = None
        self._exact: Frame | None = None
        self._seen = ValueRange()  # of the frames that were read
        # What the source said it was when an overview's first piece was read.
        self._identities: dict[Overview, str | None] = {}
        self._generation = 0
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
            return None if self._next_job() is None else self._share

    @property
    def stopped(self) -> bool:
        """Whether it reads no more although not all was read: told to, or because it failed."""
        return self._stopped or self.error is not None

    def value_range(self) -> ValueRange:
        """Extent of all values, as far as they were read; it moves in steps until they are."""
        if self.in_memory or self._is_small():
            return self.source.value_range()
        found = self._seen
        for overview in self._overviews:
            if overview.complete and not overview.extent.empty:
                return overview.extent
            found = widen(found, overview.extent)
        return stepped(found)

    def render(
        self, view: ResolvedView, previous: Frame | None, changed: Iterable[Region]
    ) -> Frame:
        """Best frame that can be made now; what it lacks is read in the thread.

        `changed` is what `take_changed` of the source has returned since `previous`.
        """
        changed = tuple(changed)
        draw = partial(render, self.source, budget=self._budget)
        if self._is_small():
            return draw(view, previous=previous, changed=changed)
        overview = self._want(view, changed)
        if self.in_memory:
            used = overview if overview.complete else None
            return draw(view, previous=previous, changed=changed, overview=used)
        everything = (Region(tuple((0, axis.size) for axis in self.source.axes)),)
        plan = overview.plan(view.cells)
        if plan.kind == "exact":
            return draw(view, previous=previous, changed=everything, overview=overview)
        with self._changed:
            exact = self._exact
        if exact is not None and exact.view.cells == view.cells:
            if previous is None or previous.coarse is not None or previous.view.cells != view.cells:
                previous = exact
            return draw(view, previous=previous)
        if plan.kind == "nothing":
            return blank(view, previous)
        view, draw = replace(view, cells=plan.rule), partial(draw, approximate=True)
        return draw(view, previous=previous, changed=everything, overview=overview)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until there is no more to read, or for some seconds; False if it took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self._job() is None, timeout)

    def take_error(self) -> tuple[Exception | None, str]:
        """What went wrong, and what that means."""
        if self.error is not None:
            return self.error, "cannot read"
        if self._trouble is not None:
            return self._trouble
        return self.source.take_error(), "incomplete"

    def refresh(self) -> None:
        """Read everything anew; where its file cannot be opened anew all stays as it is."""
        self.source.refresh()
        self.forget()
        with self._changed:
            self.error, self._trouble, self._stopped = None, None, False

    def forget(self) -> None:
        """Take nothing that was read for what there is now."""
        with self._changed:
            self._overviews, self._current, self._exact = (), None, None
            self._seen = ValueRange()
            self._identities = {}
            self._generation += 1
            self._changed.notify_all()

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
        return sys.platform == "emscripten" or (
            self.in_memory and n_cells <= self._budget.small_cells
        )

    def _want(self, view: ResolvedView, changed: tuple[Region, ...]) -> Overview:
        """Overview for a view, up to date; the thread is told what to read."""
        with self._changed:
            subject = Subject.of(self.source, view.cells, self._budget)
            here = [one for one in self._overviews if one.subject.sizes == subject.sizes]
            overview = next((one for one in here if one.subject == subject), None)
            overview = overview or Overview(self.source, view.cells, self._budget)
            if overview is not self._current:
                # Others in memory are not kept up to date: they are made anew when asked for.
                kept = [] if self.in_memory else here
                self._overviews = (overview, *(one for one in kept if one is not overview))[:2]
                self._identities = {o: i for o, i in self._identities.items() if o in here}
                self._current = overview
            self._view = view
            overview.want(view.cells)
        overview.update(self.source, changed)
        self._start()
        return overview

    def _set_stopped(self, stopped: bool) -> None:
        with self._changed:
            self._stopped = stopped and self._next_job() is not None
            self._changed.notify_all()
        self._request()

    def _start(self) -> None:
        with self._changed:
            if self._job() is None:
                return  # a thread that wakes for nothing costs the frame more than it looks
            if self._thread is None:
                self._thread = Thread(target=self._run, name="heatwidget-read", daemon=True)
                self._thread.start()
                close_at_exit(self)
            self._changed.notify_all()

    def _job(self) -> Job | None:
        """What is to be read next, if anything; under the lock."""
        return None if self._closed or self.stopped else self._next_job()

    def _next_job(self) -> Job | None:
        """What there is to be read for what was rendered last; under the lock."""
        overview, view = self._current, self._view
        if overview is None or view is None:
            return None
        if not self.in_memory and self._lacks(view.cells):
            plan = overview.plan(view.cells)
            if not plan.serves:
                return Job(None, view.cells, self._generation)
            if plan.kind == "edges" and overview.complete:
                return Job(overview, view.cells, self._generation)
        return None if overview.complete else Job(overview, None, self._generation)

    def _lacks(self, rule: CellRule) -> bool:
        return self._exact is None or self._exact.view.cells != rule

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._job() is not None)
                job = self._job()
            if job is None:
                return
            try:
                with suppress(Superseded):
                    self._do(job)
                    self._request()
            except Exception as error:
                self.error = error
                self._request()
            with self._changed:
                self._changed.notify_all()

    def _do(self, job: Job) -> None:
        view = self._view
        if job.frame is not None and view is not None:
            self._read_frame(job, replace(view, cells=job.frame))
        elif job.overview is not None:
            self._fill(job, job.overview)

    def _look(self, job: Job, share: float) -> None:
        """Say how much of a job is done; raises where another one is more urgent."""
        with self._changed:
            if self._job() != job:
                raise Superseded
            self._share = share
        if not self.in_memory:  # or it is exact without
            self._request()

    def _read_frame(self, job: Job, view: ResolvedView) -> None:
        """Read a frame that no overview gives, or what is cut from one at the window's ends."""
        guarded = GuardedSource(self.source, view.cells, partial(self._look, job))
        frame = render(guarded, view, overview=job.overview, budget=self._budget)
        with self._changed:
            if job.generation == self._generation:
                self._exact = frame
                self._seen = widen(self._seen, scan_values(frame.values))

    def _fill(self, job: Job, overview: Overview) -> None:
        """Read what an overview lacks, or take the one that was kept."""
        self._look(job, overview.progress)
        identity = None if self.in_memory else self.source.identity()
        if overview not in self._identities:
            self._identities[overview] = identity
            if identity is not None and load_kept(overview, identity):
                return
        elif self._identities[overview] != identity:
            return self._begin_anew()  # what was read is not what would be read now
        with closing(self.source.map(overview.summarize(), overview.missing())) as jobs:
            for region, summary in jobs:
                self._look(job, overview.progress)
                overview.add(region, summary)
        self._request()
        if overview.complete and identity is not None:
            self._keep(overview, identity)

    def _begin_anew(self) -> None:
        self.forget()
        with self._changed:
            if self._view is not None:
                self._current = Overview(self.source, self._view.cells, self._budget)
                self._overviews = (self._current,)

    def _keep(self, overview: Overview, identity: str) -> None:
        try:
            if identity != self.source.identity():
                raise OSError("the file has changed while it was read")
            keep(overview, identity)
        except OSError as error:
            self._trouble = error, "to be read again"
