"""The harness itself: what it reads from a page is what the kernel put there."""

from __future__ import annotations

import json
import queue
import socket
import struct
import urllib.error
from contextlib import closing
from threading import Thread
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.browser.conftest import NotebookPage, OpenNotebook
from tests.browser.pictures import handle, press
from tests.browser.producer import Passes, Producer
from tests.browser.servers import KernelError, Message, decode_frame

CELLS = [
    """
import bqplot, ipywidgets, numpy
slider = ipywidgets.IntSlider(value=3, max=10)
label = ipywidgets.Label()
ipywidgets.dlink((slider, "value"), (label, "value"), str)
colours = ["#123456", "#fedcba", "#00ff7f"]
scales = {
    "x": bqplot.LinearScale(min=-0.5, max=2.5),
    "y": bqplot.LinearScale(min=-0.5, max=1.5),
    "color": bqplot.ColorScale(colors=colours, min=0, max=2),
}
cells = numpy.array([[0, 1, 2], [2, 0, 1]], dtype="float32")
mark = bqplot.HeatMap(color=cells, x=numpy.arange(3), y=numpy.arange(2), scales=scales)
size = ipywidgets.Layout(width="300px", min_width="300px", height="200px")
nothing = {"top": 0, "bottom": 0, "left": 0, "right": 0}
figure = bqplot.Figure(
    marks=[mark], padding_x=0, padding_y=0, fig_margin=nothing, layout=size
)
""",
    "ipywidgets.VBox([slider, label, figure])",
]

COLOURS = np.array([[0x12, 0x34, 0x56], [0xFE, 0xDC, 0xBA], [0x00, 0xFF, 0x7F]], dtype=np.uint8)


def test_both_hosts_show_and_change_widgets(any_page: OpenNotebook) -> None:
    """One page for everything, since opening it takes most of the time."""
    host = any_page(CELLS)
    _check_browser_to_kernel(host)
    _check_kernel_to_browser(host)
    _check_dragging(host)
    _check_colours(host)
    _check_kernel_errors(host)
    assert host.errors == []
    _check_page_errors(host)
    assert host.screenshot(f"harness-{host.server.kind}").stat().st_size > 1000


def test_a_cell_that_raises_fails_the_test(voila_page: OpenNotebook) -> None:
    with pytest.raises(KernelError, match="ZeroDivisionError"):
        voila_page(["1 + 1", "1 / 0"], theme="dark")


def test_dark_theme_and_busy_kernel(any_page: OpenNotebook) -> None:
    host = any_page(["import ipywidgets\nipywidgets.IntSlider()"], theme="dark")
    host.wait_until("getComputedStyle(document.body).getPropertyValue('--jp-layout-color0') != ''")
    assert host.still_pixels().mean() < 80
    busy = host.start("import time; time.sleep(0.5); print('done')")
    assert not busy.done()
    assert host.run("'next'") == "'next'"
    assert busy.result() == "done"
    # The page may be closed while its kernel works.
    host.start("time.sleep(600)")
    kernel_id = host.kernel_id
    host.close()
    with pytest.raises(urllib.error.HTTPError):
        host.server.get(f"/api/kernels/{kernel_id}")


WHERE = """
import threading, ipywidgets, ipykernel, heatwidget as hw
threads = []
w = hw.ConvergenceHeatmap([[1, 2], [3, 4]])
w.observe(lambda _: threads.append(threading.current_thread().name), "iteration_range")
w
"""


@pytest.mark.parametrize(
    ("opener", "major", "thread"),
    [
        ("lab_page", "7", "subshell-"),
        ("one_shell_page", "7", "MainThread"),
        ("old_kernel_page", "6", "MainThread"),
    ],
)
def test_where_a_slider_is_answered(
    request: pytest.FixtureRequest, opener: str, major: str, thread: str
) -> None:
    """The kinds of page differ in what they are there for."""
    host: NotebookPage = request.getfixturevalue(opener)([WHERE])
    assert host.value("ipykernel.__version__").split(".")[0] == major
    # The first message of a page goes to the main shell in any case.
    press(host, handle(host, "iteration", "upper"), "ArrowLeft", "ArrowRight")
    host.wait_until(lambda: len(host.value("threads")) == 2)
    assert host.value("threads[1]").startswith(thread)
    assert host.errors == []


def _check_browser_to_kernel(host: NotebookPage) -> None:
    """A key on the slider reaches the kernel, and what it changes there comes back."""
    start = host.mark()
    host.page.locator(".noUi-handle").focus()
    host.page.keyboard.press("ArrowRight")
    host.wait_until(lambda: host.value("slider.value") == 4)
    host.page.locator(".widget-label", has_text="4").wait_for()
    slider = host.run("print(slider.model_id)")
    about = [m for m in host.messages(since=start) if m.comm_id == slider]
    assert [(m.direction, m.method, m.state) for m in about] == [
        ("sent", "update", {"value": 4}),
        ("received", "echo_update", {"value": 4}),
    ]


def _check_kernel_to_browser(host: NotebookPage) -> None:
    """A trait set in the kernel shows in the page; binary traits are named in the messages."""
    start = host.mark()
    host.run("slider.value = 7; mark.color = cells[::-1]")
    host.page.locator(".widget-label", has_text="7").wait_for()
    assert host.page.locator(".noUi-handle").get_attribute("aria-valuetext") == "7"

    def updates() -> list[Message]:
        return [m for m in host.messages(since=start) if m.method == "update"]

    # The picture may come after the number.
    host.wait_until(lambda: {key for m in updates() for key in m.keys} == {"value", "color"})
    assert {m.direction for m in updates()} == {"received"}


def _check_dragging(host: NotebookPage) -> None:
    """The mouse can drag a handle."""
    handle = host.page.locator(".noUi-handle")
    handle.drag_to(host.page.locator(".noUi-target"), target_position={"x": 0, "y": 0})
    host.wait_until(lambda: host.value("slider.value") == 0)


def _check_colours(host: NotebookPage) -> None:
    """Pixels in the middle of cells have exactly the colours of the scale."""
    plot = host.page.locator(".bqplot .plotarea_background")
    expected = COLOURS[np.array([[0, 1, 2], [2, 0, 1]])]
    host.wait_until(lambda: np.array_equal(_middles(host.pixels(plot)), expected))
    box = plot.bounding_box()
    assert box is not None
    clip = {"x": box["x"] + 10, "y": round(box["y"]) + 10, "width": 1, "height": 1}
    assert host.pixels(clip).tolist() == [[COLOURS[0].tolist()]]


def _check_kernel_errors(host: NotebookPage) -> None:
    """Code that raises in the kernel raises here, and output before it is no trouble."""
    assert host.run("print('a'); 5") == "a\n5"
    assert host.value("{'x': numpy.arange(2), 'y': {1}}") == {"x": [0, 1], "y": [1]}
    with pytest.raises(KernelError, match="NameError"):
        host.run("print('before')\nmissing")
    with pytest.raises(TimeoutError):
        host.run("import time; time.sleep(0.6)", timeout=0.1)
    assert host.run("'alive'") == "'alive'"


def _check_page_errors(host: NotebookPage) -> None:
    """What goes wrong in the page is noticed."""
    host.page.evaluate("() => console.error('wrong')")
    host.page.evaluate("() => setTimeout(() => { throw Error('very wrong') })")
    host.wait_until(lambda: len(host.errors) == 2)
    assert "wrong" in host.errors[0]
    assert "very wrong" in host.errors[1]


def _middles(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours in the middles of 2 x 3 equal cells."""
    height, width, _ = pixels.shape
    return pixels[height // 4 :: height // 2, width // 6 :: width // 3][:2, :3]


MESSAGE: dict[str, Any] = {
    "header": {"msg_type": "comm_msg", "msg_id": "1"},
    "parent_header": {"msg_type": "execute_request"},
    "metadata": {},
    "content": {
        "comm_id": "abc",
        "data": {"method": "update", "state": {"a": 1}, "buffer_paths": [["b"], ["c", 0]]},
    },
}


def _v1(buffers: list[bytes]) -> bytes:
    """The message in the v1 protocol."""
    names = ("header", "parent_header", "metadata", "content")
    parts = [b"iopub", *(json.dumps(MESSAGE[name]).encode() for name in names), *buffers]
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)


def _legacy(buffers: list[bytes]) -> bytes:
    """The message in the older binary form."""
    parts = [json.dumps({**MESSAGE, "channel": "iopub"}).encode(), *buffers]
    offsets = [4 * (len(parts) + 1)]
    for part in parts[:-1]:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f">{len(parts) + 1}I", len(parts), *offsets) + b"".join(parts)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(json.dumps({**MESSAGE, "channel": "iopub"}), id="text"),
        pytest.param(_v1([]), id="v1"),
        pytest.param(_v1([b"xy", b"z"]), id="v1 with buffers"),
        # The count of offsets is then 256, whose first byte is a zero.
        pytest.param(_v1([b"x"] * 250), id="v1 with many buffers"),
        pytest.param(_legacy([]), id="legacy"),
        pytest.param(_legacy([b"xy", b"z"]), id="legacy with buffers"),
    ],
)
def test_every_form_of_frame_is_decoded(frame: str | bytes) -> None:
    message = decode_frame("received", frame, 1.5)
    assert (message.direction, message.channel, message.time) == ("received", "iopub", 1.5)
    assert (message.msg_type, message.parent_type) == ("comm_msg", "execute_request")
    assert (message.comm_id, message.method) == ("abc", "update")
    assert message.state == {"a": 1}
    assert message.keys == {"a", "b", "c"}
    assert message.size == len(frame)


def test_a_stranger_lets_no_producer_through() -> None:
    """A client of a kernel that is gone greets whoever listens on its port now, as zmq does."""
    producer = Producer(np.ones((3, 2)))
    with socket.create_connection(("127.0.0.1", producer.address[0])) as stranger:
        stranger.sendall(b"\xff\0\0\0\0\0\0\0\1\x7f\3" + bytes(53))
        stranger.shutdown(socket.SHUT_WR)
        assert stranger.recv(1) == b""  # it was heard to its end
    written: queue.SimpleQueue[int] = queue.SimpleQueue()
    run = Thread(target=producer, args=(Rows(written),))
    run.start()
    with closing(Passes(cast(NotebookPage, FakeHost(producer)))) as passes:
        passes.let(2)
        assert [written.get(timeout=60) for _ in range(2)] == [0, 1]
        assert written.empty()
        passes.let(2)
        run.join(60)
    assert written.get(timeout=0) == 2


class Rows:
    """Stands for an array; says which rows were written."""

    def __init__(self, written: queue.SimpleQueue[int]) -> None:
        self._written = written

    def __setitem__(self, row: int, values: object) -> None:
        self._written.put(row)


class FakeHost:
    """Stands for a kernel in which the producer is."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    def value(self, expression: str) -> Any:
        """Value of an expression in the kernel."""
        return eval(expression, {"producer": self._producer})
