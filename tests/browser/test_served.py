"""A page of `heatwidget demo` in a real browser: how it is opened, and what is left of it."""

from __future__ import annotations

import html
import signal
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import BrowserContext, Page

from tests.test_cli import Command, Start, end, start, wait_for  # noqa: F401

_SHOWN = "document.querySelectorAll('.heatwidget .bqplot image').length >= 2"


@pytest.fixture(scope="module")
def demo(start: Start) -> Iterator[tuple[Command, str]]:  # noqa: F811
    """A demo and its address."""
    command = start("demo", "--no-browser", "--port", "0")
    yield command, command.read_address()
    end(command, signal.SIGINT)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Function that serves a text from another port of this machine, and returns its address."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(tmp_path))

        def log_message(self, *arguments: object) -> None:
            pass

    def add(text: str) -> str:
        (tmp_path / "other.html").write_text(text)
        return f"http://127.0.0.1:{server.server_port}/other.html"

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield add
        server.shutdown()


def wait_until_shown(page: Page) -> None:
    """Wait until both heatmaps are there: styles, scripts and the kernel's channel have come."""
    page.wait_for_function(_SHOWN, timeout=60_000)


def test_a_closed_page_ends_its_kernel(
    browser_context: BrowserContext, demo: tuple[Command, str]
) -> None:
    """Also one that is loaded again, whose address has no token any more."""
    command, address = demo
    page = browser_context.new_page()
    asked: list[int] = []
    page.on("response", lambda answer: asked.append(answer.status))
    page.goto(address)
    wait_until_shown(page)
    assert page.url == address.partition("?")[0]
    (first,) = command.kernels()
    page.reload()
    wait_until_shown(page)
    wait_for(lambda: not first.is_running())
    (second,) = command.kernels()
    page.close(run_before_unload=True)
    assert psutil.wait_procs([second], timeout=60)[1] == []
    assert {code for code in asked if code >= 400} <= {404}  # of maps of scripts


@pytest.mark.parametrize("opened", ["typed", "from a file", "from another port"])
def test_the_token_stays_nowhere(
    browser_context: BrowserContext,
    demo: tuple[Command, str],
    other: Callable[[str], str],
    tmp_path: Path,
    opened: str,
) -> None:
    """Twice, since it may be printed once and opened from two places."""
    command, address = demo
    token, link = address.partition("token=")[2], tmp_path / "open.html"
    link.write_text(f'<meta http-equiv="refresh" content="0; url={html.escape(address)}">')
    for _ in range(2):
        page = browser_context.new_page()
        if opened == "typed":
            page.goto(address)
        elif opened == "from a file":
            page.goto(link.as_uri())
        else:
            page.goto(other(f'<a href="{address}">page</a>'))
            page.get_by_role("link").click()
        page.wait_for_url(address.partition("?")[0])
        wait_until_shown(page)
        assert token not in page.evaluate("document.referrer")
        page.close(run_before_unload=True)
    wait_for(lambda: not command.kernels())


def test_a_page_of_another_port_starts_no_kernel(
    browser_context: BrowserContext, demo: tuple[Command, str], other: Callable[[str], str]
) -> None:
    """In the browser that has the cookie: as a picture, in a frame, by a link."""
    command, address = demo
    plain = address.partition("?")[0]
    page = browser_context.new_page()
    page.goto(address)
    wait_until_shown(page)
    page.close(run_before_unload=True)
    wait_for(lambda: not command.kernels())
    body = f'<img src="{plain}"><iframe src="{plain}"></iframe><a href="{plain}">page</a>'
    page = browser_context.new_page()
    codes: list[int] = []
    page.on("response", lambda said: codes.append(said.status) if said.url == plain else None)
    page.goto(other(body))
    page.get_by_role("link").click()
    page.wait_for_url(plain)
    assert codes == [403, 403]  # nothing is said of a picture that is none
    assert command.kernels() == []
    page.close()
