"""How long a widget lives: as long as somebody, or a page, has it."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol
from weakref import WeakMethod, WeakSet, proxy

import ipywidgets

_at_exit: WeakSet[Any] = WeakSet()


def weak_callback(method: Callable[..., Any]) -> Callable[..., Any]:
    """Bound method that does not keep its object alive; once that is gone, it does nothing."""
    reference = WeakMethod(method)

    def call(*arguments: Any, **keywords: Any) -> Any:
        bound = reference()
        return None if bound is None else bound(*arguments, **keywords)

    return call


class AutoClosingBox(ipywidgets.VBox):  # type: ignore[misc]
    """Box that goes with `close`, or with its last owner, and takes along what it made.

    ipywidgets holds each widget until it is closed, in its list of instances and as the
    receiver of its comm's messages: one that nobody has any more would draw for ever. This
    one is held so only once a page shows it.

    Parameters
    ----------
    layout : ipywidgets.Layout or mapping, optional
        A `Layout` stays the user's own.
    """

    # Until there is something to close: an error while it is made still ends in `close`.
    _closed = True

    def __init__(self, *, layout: Any = None, **keywords: Any) -> None:
        super().__init__(layout=layout or {}, **keywords)
        self._own_layout = None if layout is self.layout else self.layout
        # A proxy, because who walks through the list, as an export does, asks for widgets.
        _instances()[self.model_id] = proxy(self)
        self.comm.on_msg(weak_callback(self._handle_msg))

    def close(self) -> None:
        """Take the widget, and everything that it made, off all pages. Twice does no harm."""
        self._close(wait=True)

    def __del__(self) -> None:
        """Close it, on whichever thread drops it: waiting for another might be for ever."""
        # At the interpreter's end threads end wherever they are, perhaps with a lock of ours.
        if not sys.is_finalizing():
            self._close(wait=False)

    def _close(self, *, wait: bool) -> None:
        if self._closed:
            return
        try:
            self._end(wait=wait)
        finally:
            # Or a widget that is gone would stand in the list of ipywidgets for ever.
            if self._own_layout is not None:
                self._own_layout.close()
            super().close()

    def _end(self, *, wait: bool) -> None:
        """Close all that it made, and set `_closed`; `wait` for threads of its own."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        _instances()[self.model_id] = self
        return super()._repr_mimebundle_(**keywords)


class Closable(Protocol):
    """What has a thread of its own."""

    def close(self) -> None:
        """End it."""
        ...


def close_at_exit(thing: Closable) -> None:
    """Close it, if it is still there, before the interpreter ends.

    A thread that reads a file then would hold the library's lock for ever.
    """
    _at_exit.add(thing)


@atexit.register
def _exit() -> None:
    for thing in list(_at_exit):
        thing.close()


def _instances() -> MutableMapping[str, Any]:
    """The list of ipywidgets, which a version to come may keep elsewhere."""
    found: MutableMapping[str, Any] = getattr(ipywidgets.widgets.widget, "_instances", {})
    return found
