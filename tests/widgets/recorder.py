"""Everything that widgets send to the page, recorded instead of sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from comm.base_comm import BaseComm
from ipywidgets.widgets.widget import _instances


class Message(NamedTuple):
    """One message: the widget's class, what is done, which traits, how many bytes."""

    widget: str
    model_id: str
    kind: str
    keys: tuple[str, ...]
    n_bytes: int


class Recorder:
    """Stands in for the kernel's comms: see the fixture of the same name."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def create_comm(self, *args: Any, **keywords: Any) -> BaseComm:
        """Make a comm that records, as `comm.create_comm` makes one that sends."""
        return _RecordingComm(self, *args, **keywords)

    def clear(self) -> None:
        """Forget what was sent."""
        self.messages.clear()

    def take(self) -> list[Message]:
        """Return what was sent, and forget it."""
        taken, self.messages = self.messages, []
        return taken

    def take_updates(self) -> Counter[str]:
        """Count updates like ``Image.value``, and forget them."""
        return updates(self.take())


class _RecordingComm(BaseComm):
    def __init__(self, recorder: Recorder, *args: Any, **keywords: Any) -> None:
        self._recorder = recorder
        super().__init__(*args, **keywords)

    def publish_msg(
        self,
        msg_type: str,
        data: Any = None,
        metadata: Any = None,
        buffers: Sequence[Any] | None = None,
        **keys: Any,
    ) -> None:
        """Record a message, after packing it as the kernel would."""
        data = data or {}
        # As jupyter_client packs it: no NaN, no lone surrogates, nothing but plain JSON.
        packed = json.dumps(data, ensure_ascii=False, allow_nan=False).encode("utf-8")
        n_bytes = len(packed) + sum(memoryview(buffer).nbytes for buffer in buffers or ())
        self._recorder.messages.append(
            Message(
                _instances[self.comm_id].__class__.__name__ if self.comm_id in _instances else "",
                self.comm_id,
                data.get("method", msg_type),
                _keys(data),
                n_bytes,
            )
        )


def _keys(data: dict[str, Any]) -> tuple[str, ...]:
    """Names of the traits in a message, also of those that travel as bytes."""
    as_bytes = {path[0] for path in data.get("buffer_paths", ())}
    return tuple(sorted({*data.get("state", ()), *as_bytes}))


def updates(messages: Sequence[Message]) -> Counter[str]:
    """Count updates by the widget's class and the traits in it, like ``Image.value``."""
    return Counter(f"{m.widget}.{'+'.join(m.keys)}" for m in messages if m.kind == "update")
