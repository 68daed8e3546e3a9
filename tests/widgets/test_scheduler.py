"""It draws soon, not too often, always once after the last request, and never after the end."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from threading import Event, Thread
from time import monotonic
from weakref import ref

import pytest

from heatwidget.widgets import scheduler as module
from heatwidget.widgets.scheduler import (
    InlineScheduler,
    ThreadScheduler,
    make_scheduler,
)

# Long enough for any machine; only a deadlock takes it.
DEADLOCK = 30


class Drawer:
    """Counts its drawings, notes when they began, and does what a test asks."""

    def __init__(self) -> None:
        self.began: list[float] = []
        self.threads: set[Thread] = set()
        self.drawn = threading.Condition()
        self.act: Callable[[], object] = lambda: None

    def draw(self) -> None:
        """Draw, so to speak."""
        self.threads.add(threading.current_thread())
        self.began.append(monotonic())
        try:
            self.act()
        finally:
            with self.drawn:
                self.drawn.notify_all()

    def wait_for(self, count: int) -> None:
        """Wait until so many drawings have begun."""
        with self.drawn:
            assert self.drawn.wait_for(lambda: len(self.began) >= count, DEADLOCK)


def drawing_threads() -> list[str]:
    """Names of the threads that schedulers have started and that have not ended."""
    return [t.name for t in threading.enumerate() if t.name == "heatwidget-draw"]


@pytest.fixture
def drawer() -> Drawer:
    """One that draws."""
    return Drawer()


@pytest.fixture
def threaded(drawer: Drawer) -> Iterator[ThreadScheduler]:
    """Scheduler with a thread of its own."""
    made = ThreadScheduler(drawer.draw, 0.01)
    yield made
    made.close()


def test_draws_on_its_own_thread(drawer: Drawer, threaded: ThreadScheduler) -> None:
    threaded.request()
    drawer.wait_for(1)
    [thread] = drawer.threads
    assert thread is not threading.current_thread()
    assert thread.daemon


def test_no_thread_until_it_is_asked(drawer: Drawer) -> None:
    made = ThreadScheduler(drawer.draw, 0.01)
    assert drawing_threads() == []
    made.close()
    assert drawer.began == []


def test_requests_while_it_draws_are_one_more_drawing(
    drawer: Drawer, threaded: ThreadScheduler
) -> None:
    """The latest request wins, and the last one is never lost."""
    inside, go_on = Event(), Event()
    drawer.act = lambda: (inside.set(), go_on.wait(DEADLOCK))
    threaded.request()
    assert inside.wait(DEADLOCK)
    for _ in range(1000):
        threaded.request()
    go_on.set()
    drawer.wait_for(2)
    threaded.close()
    assert len(drawer.began) == 2


def test_what_was_written_before_a_request_is_drawn(
    drawer: Drawer, threaded: ThreadScheduler
) -> None:
    """From any number of threads: the last drawing sees the last write of each."""
    written = [0] * 8
    seen: list[list[int]] = []
    drawer.act = lambda: seen.append(list(written))

    def write(which: int) -> None:
        for k in range(1, 2001):
            written[which] = k
            threaded.request()

    writers = [Thread(target=write, args=(which,)) for which in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(DEADLOCK)
    with drawer.drawn:
        assert drawer.drawn.wait_for(lambda: bool(seen) and seen[-1] == [2000] * 8, DEADLOCK)


@pytest.mark.parametrize(
    ("interval", "lasts", "least"), [(0.05, 0.0, 0.05), (0.01, 0.03, 0.06)], ids=["rate", "duty"]
)
def test_draws_no_more_often_than_asked(
    interval: float, lasts: float, least: float, drawer: Drawer
) -> None:
    """And at most half of the time: a drawing of 30 ms is followed by 30 ms of rest."""
    drawer.act = lambda: Event().wait(lasts)
    made = ThreadScheduler(drawer.draw, interval)
    start = monotonic()
    while len(drawer.began) < 5:
        made.request()
    made.close()
    assert len(drawer.began) <= 1 + (monotonic() - start) / least


def test_a_new_interval_holds_at_once(drawer: Drawer) -> None:
    """A longer one, and a shorter one while it waits for the end of a long one."""
    made = ThreadScheduler(drawer.draw, 60)
    made.request()
    drawer.wait_for(1)
    made.request()
    made.interval = 0.01
    drawer.wait_for(2)
    start, drawn = monotonic(), len(drawer.began)
    made.interval = 0.04
    while len(drawer.began) < drawn + 4:
        made.request()
    assert len(drawer.began) <= drawn + 1 + (monotonic() - start) / 0.04
    made.close()


def test_all_together_draw_at_most_half_of_the_time() -> None:
    """Else each widget would take half of what the others leave, and the model had nothing."""
    drawers = [Drawer() for _ in range(6)]
    inside: list[int] = []
    most: list[int] = []

    def draw() -> None:
        inside.append(1)
        most.append(len(inside))
        Event().wait(0.02)
        inside.pop()

    for drawer in drawers:
        drawer.act = draw
    made = [ThreadScheduler(drawer.draw, 0.01) for drawer in drawers]
    start = monotonic()
    while min(len(drawer.began) for drawer in drawers) < 2:
        for each in made:
            each.request()
    for each in made:
        each.close()
    assert max(most) == 1
    assert sum(len(drawer.began) for drawer in drawers) <= 1 + (monotonic() - start) / 0.04


def test_a_thread_that_cannot_start_is_tried_again(
    drawer: Drawer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ThreadScheduler(drawer.draw, 0.01)
    with monkeypatch.context() as patch:
        patch.setattr(Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("no more")))
        with pytest.raises(RuntimeError, match="no more"):
            made.request()
    made.request()
    drawer.wait_for(1)
    made.close()


def test_an_error_is_logged_until_another_comes(
    drawer: Drawer, threaded: ThreadScheduler, caplog: pytest.LogCaptureFixture
) -> None:
    """A thousand times the same would bury the notebook."""
    said = iter(["a", "a", "a", "b", "b"])

    def fail() -> None:
        raise ValueError(next(said))

    drawer.act = fail
    for k in range(5):
        threaded.request()
        drawer.wait_for(k + 1)
    threaded.close()
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["a", "b"]


def test_an_error_does_not_end_it(drawer: Drawer, threaded: ThreadScheduler) -> None:
    def fail() -> None:
        raise ValueError("no")

    drawer.act = fail
    threaded.request()
    drawer.wait_for(1)
    drawer.act = lambda: None
    threaded.request()
    drawer.wait_for(2)


def test_close_ends_the_thread(drawer: Drawer, threaded: ThreadScheduler) -> None:
    threaded.request()
    drawer.wait_for(1)
    threaded.close()
    assert drawing_threads() == []
    count = len(drawer.began)
    threaded.request()
    threaded.close()
    assert len(drawer.began) == count
    assert drawing_threads() == []


def test_close_waits_for_the_drawing(drawer: Drawer, threaded: ThreadScheduler) -> None:
    inside, go_on, ended = Event(), Event(), Event()
    drawer.act = lambda: (inside.set(), go_on.wait(DEADLOCK), ended.set())
    threaded.request()
    assert inside.wait(DEADLOCK)
    closing = Thread(target=threaded.close)
    closing.start()
    assert not ended.is_set()
    go_on.set()
    closing.join(DEADLOCK)
    assert ended.is_set()


def test_a_drawing_that_waits_for_us_does_not_hold_up_close(
    drawer: Drawer, threaded: ThreadScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    inside, closed = Event(), Event()
    drawer.act = lambda: (inside.set(), closed.wait(DEADLOCK))
    threaded.request()
    assert inside.wait(DEADLOCK)
    threaded.close()
    closed.set()


def test_the_drawing_itself_may_close(drawer: Drawer, threaded: ThreadScheduler) -> None:
    drawer.act = threaded.close
    threaded.request()
    drawer.wait_for(1)
    [thread] = drawer.threads
    thread.join(DEADLOCK)
    assert not thread.is_alive()


@pytest.mark.parametrize("asked", [False, True], ids=["never asked", "asked"])
def test_who_draws_is_held_weakly(asked: bool) -> None:
    """And the thread ends with it."""
    drawer = Drawer()
    made = ThreadScheduler(drawer.draw, 0.01)
    threads: set[Thread] = set()
    if asked:
        made.request()
        drawer.wait_for(1)
        threads = drawer.threads
    gone = ref(drawer)
    del drawer
    gc.collect()
    for thread in threads:
        thread.join(DEADLOCK)
    assert gone() is None
    assert drawing_threads() == []
    made.request()
    assert drawing_threads() == []


def test_kind_by_platform(drawer: Drawer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python in the browser cannot start a thread."""
    assert isinstance(make_scheduler(drawer.draw, 1), ThreadScheduler)
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert isinstance(make_scheduler(drawer.draw, 1), InlineScheduler)


# Without threads


def test_inline_draws_at_once_and_then_in_the_loop(drawer: Drawer) -> None:
    async def main() -> None:
        made = InlineScheduler(drawer.draw, 0.05)
        made.request()
        assert len(drawer.began) == 1
        for _ in range(1000):
            made.request()
        assert len(drawer.began) == 1
        while len(drawer.began) < 2:
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(drawer.began) == 2
        made.close()

    start = monotonic()
    asyncio.run(main())
    assert monotonic() - start >= 0.05
    assert drawer.threads == {threading.current_thread()}


def test_inline_draws_at_once_where_nobody_would_later(drawer: Drawer) -> None:
    made = InlineScheduler(drawer.draw, 60)
    for _ in range(3):
        made.request()
    assert len(drawer.began) == 3


def test_inline_request_by_the_drawing_itself(drawer: Drawer) -> None:
    """An observer that writes does not end in itself."""
    made = InlineScheduler(drawer.draw, 0.01)
    drawer.act = made.request
    made.request()
    assert len(drawer.began) == 1


@pytest.mark.parametrize("kind", [ThreadScheduler, InlineScheduler])
def test_nothing_after_close(
    kind: type[ThreadScheduler] | type[InlineScheduler], drawer: Drawer
) -> None:
    made = kind(drawer.draw, 60)

    async def main() -> None:
        made.request()
        made.request()
        made.close()
        count = len(drawer.began)
        made.request()
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(drawer.began) == count

    asyncio.run(main())


def test_inline_goes_on_after_an_error(drawer: Drawer) -> None:
    drawer.act = lambda: 1 / 0
    made = InlineScheduler(drawer.draw, 0.01)
    made.request()
    made.request()
    assert len(drawer.began) == 2


def test_inline_holds_weakly() -> None:
    drawer = Drawer()
    made = InlineScheduler(drawer.draw, 0.01)
    gone = ref(drawer)
    del drawer
    gc.collect()
    assert gone() is None
    made.request()
