"""Fixtures that show notebooks in a real browser, through Voila and through JupyterLab."""

from __future__ import annotations

import io
import itertools
import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    WebSocket,
    sync_playwright,
)

from tests.browser import servers
from tests.browser.chromium import find_chromium, launch_args
from tests.browser.servers import TIMEOUT, KernelChannel, Message, Server, decode_frame

HERE = Path(__file__).resolve().parent
SCREENSHOTS = HERE.parent / "screenshots"

_KERNEL_URL = re.compile(r"/api/kernels/([0-9a-f-]+)/channels")

# Lab's own command; the promise is kept when the last cell has run.
_RUN_ALL = """async () => {
    const app = window.jupyterapp;
    await app.shell.currentWidget.sessionContext.ready;
    await app.commands.execute("notebook:run-all-cells");
}"""

# In a page where Lab runs already; nothing is left of the notebook before.
_SHOW_ANOTHER = """async ([path, theme]) => {
    const { commands, shell } = window.jupyterapp;
    await commands.execute("apputils:change-theme", { theme });
    const notebook = await commands.execute("docmanager:open", { path, factory: "Notebook" });
    await notebook.revealed;
    shell.activateById(notebook.id);
}"""
_IS_SHOWN = """([path, theme]) => {
    const context = window.jupyterapp.shell.currentWidget?.context;
    return context?.path === path && context.isReady
        && document.body.dataset.jpThemeName === theme;
}"""

# Whether Lab runs, and asks nothing.
_LET_GO = """() => {
    window.jupyterapp?.shell.currentWidget?.dispose();
    return Boolean(window.jupyterapp) && !document.querySelector(".jp-Dialog");
}"""

# The command asks for consent first, so its promise is put aside.
_RESTART = """() => {
    window.restarted = window.jupyterapp.commands.execute("notebook:restart-run-all");
}"""

# Adds a cell at the end, and does not wait until it has run.
_RUN_CELL = """source => {
    const { content } = window.jupyterapp.shell.currentWidget;
    const cells = content.model.sharedModel;
    cells.insertCell(cells.cells.length, { cell_type: "code", source });
    content.activeCellIndex = cells.cells.length - 1;
    window.jupyterapp.commands.execute("notebook:run-cell");
}"""

# IPython keeps the last exception that ended a cell, in Voila as in Lab.
_LAST_ERROR = """
def _last_error():
    import sys, traceback
    error = getattr(sys, "last_value", None)
    return "" if error is None else "".join(traceback.format_exception(error))
print(_last_error())
del _last_error
"""

# Every output that is a widget has its elements in the page. Voila turns scripts into outputs.
_WIDGETS_SHOWN = """() => {
    const scripts = document.querySelectorAll('script[type*="voila.cell-output"]');
    const panels = document.querySelectorAll(".jp-OutputArea-output.lm-Panel");
    return ![...scripts].some(script => script.textContent.includes("widget-view"))
        && [...panels].every(panel => panel.childElementCount > 0);
}"""

_names = (f"notebook-{number}" for number in itertools.count(1))


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and run them after all others."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
    # Quick tests first; and while Playwright runs, asyncio.run fails in the same thread.
    items.sort(key=lambda item: HERE in item.path.parents)


class NotebookPage:
    """A notebook that is open in a browser, with all of its cells run.

    Parameters
    ----------
    page : Page
        A blank page of the browser.
    server : Server
        The server to open notebooks on.

    Attributes
    ----------
    page : Page
        The page, for Playwright's own calls.
    errors : list of str
        What went wrong in the page: uncaught exceptions and console errors.
    """

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        self.errors: list[str] = []
        self._notebook = ""
        self._tabs: list[NotebookPage] = []
        self._kernel: KernelChannel | None = None
        self._frames: list[tuple[str, str | bytes, float]] = []
        self._kernel_ids: list[str] = []
        self._listeners: dict[str, Callable[[Any], None]] = {
            "console": self._on_console,
            "pageerror": lambda error: self.errors.append(f"uncaught: {error.stack}"),
            "websocket": self._on_websocket,
        }
        page.set_default_timeout(TIMEOUT * 1000)
        for event, listener in self._listeners.items():
            page.on(event, listener)  # type: ignore[call-overload]

    def open(self, notebook: str, theme: str) -> None:
        """Open a notebook of the server, and wait until its cells have run."""
        self._notebook = notebook
        if self.server.kind == "voila":
            self._open_voila(notebook, theme)
        else:
            name = f"JupyterLab {theme.capitalize()}"
            if self.page.url.startswith(self.server.url):
                self._show_another(notebook, name)
            else:
                self.server.set_lab("apputils-extension/themes", {"theme": name})
                self._open_lab(notebook)
            self.page.evaluate(_RUN_ALL)
        self._check_cells()

    def open_again(self) -> NotebookPage:
        """Show the notebook in another tab of the browser as well; no cell runs. Lab only."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        page = self.page.context.new_page()
        page.set_viewport_size(self.page.viewport_size)
        tab = NotebookPage(page, self.server)
        self._tabs.append(tab)
        tab._open_lab(self._notebook)
        tab.wait_until(_WIDGETS_SHOWN)
        return tab

    def restart(self) -> None:
        """Restart the kernel and run all cells again, as Lab's own menu does."""
        self.page.evaluate(_RESTART)
        self.page.locator(".jp-Dialog button.jp-mod-warn").click()
        self.page.evaluate("() => window.restarted")
        self.kernel.close()
        self._connect()
        self._check_cells()

    @property
    def kernel(self) -> KernelChannel:
        """A client of the kernel behind the page."""
        assert self._kernel is not None, "no notebook is open"
        return self._kernel

    @property
    def kernel_id(self) -> str:
        """The kernel's name on the server."""
        return self._kernel_ids[-1]

    def run(self, code: str, timeout: float = TIMEOUT) -> str:
        """Run code in the kernel; returns what it printed, and the value of its last line."""
        return self.kernel.run(code, timeout)

    def start(self, code: str) -> Future[str]:
        """Start code in the kernel, as a busy cell would be, and do not wait for its end.

        What `run` is given in the meantime waits its turn, as another cell would.
        """
        return self.kernel.start(code)

    def start_cell(self, code: str) -> None:
        """Write a last cell into the notebook and start it there, as a user does. Lab only."""
        self.page.evaluate(_RUN_CELL, code)

    def value(self, expression: str) -> Any:
        """Value of an expression in the kernel, as far as JSON can carry it."""
        code = (
            f"print(__import__('json').dumps({expression}, "
            "default=lambda x: x.tolist() if hasattr(x, 'tolist') else list(x)))"
        )
        return json.loads(self.run(code))

    def mark(self) -> int:
        """The number of messages so far, to be given to `messages` later."""
        self._pump()
        return len(self._frames)

    def messages(self, since: int = 0) -> list[Message]:
        """Messages between page and kernel, from number `since` on."""
        self._pump()
        return [decode_frame(*frame) for frame in self._frames[since:]]

    def pixels(self, where: Locator | dict[str, float] | None = None) -> NDArray[np.uint8]:
        """Colours of the window, of an element or of a clip, as an array of (height, width, 3).

        An element is scrolled into view; what does not fit into the window is left out, and so are
        the pixels at its edges that it fills only in part.
        """
        clip = self._whole_pixels(where) if isinstance(where, Locator) else where
        png = self.page.screenshot(clip=clip, animations="allow")  # type: ignore[arg-type]
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))

    def still_pixels(self, where: Locator | None = None) -> NDArray[np.uint8]:
        """Colours as by `pixels`, once two looks in a row have found the same."""
        last = self.pixels(where)

        def unchanged() -> bool:
            nonlocal last
            before, last = last, self.pixels(where)
            return np.array_equal(before, last)

        # The first wait of the loop lies between the looks.
        self.page.wait_for_timeout(50)
        self.wait_until(unchanged)
        return last

    def screenshot(self, name: str, where: Locator | None = None) -> Path:
        """Save a picture of the window, or of an element, and return its path."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        (where or self.page).screenshot(path=path)
        return path

    def wait_until(self, condition: str | Callable[[], object], timeout: float = TIMEOUT) -> None:
        """Wait until a condition holds: a JavaScript expression, or a function of Python."""
        if isinstance(condition, str):
            self.page.wait_for_function(condition, timeout=timeout * 1000)
            return
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not true within {timeout} s: {condition}")
            # Playwright hands out events only while one of its calls waits.
            self.page.wait_for_timeout(50)

    def close(self) -> None:
        """Close the page and its other tabs, and stop its kernels."""
        self.page.close()
        self._end()

    def leave(self) -> bool:
        """Stop the kernels and let go of the notebook; whether the page can show another one.

        A JupyterLab in which nothing went wrong can.
        """
        good = not self.page.is_closed() and not self.errors and self.page.evaluate(_LET_GO)
        if not good:
            self.page.close()
        self._end()
        return bool(good)

    def _end(self) -> None:
        """Close the other tabs, and stop the kernels."""
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)
        for tab in self._tabs:
            tab.close()
        for kernel_id in self._kernel_ids:
            self.server.shut_down_kernel(kernel_id)
        if self._kernel is not None:
            self._kernel.close()

    def _open_voila(self, notebook: str, theme: str) -> None:
        """Open a notebook in Voila, which runs it before the page is live."""
        url = f"{self.server.url}/voila/render/{notebook}?theme={theme}"
        self.page.goto(url, timeout=TIMEOUT * 1000)
        self.page.locator("#rendered_cells").wait_for()
        self._connect()

    def _open_lab(self, notebook: str) -> None:
        """Open a notebook in JupyterLab's single document mode."""
        self.page.goto(f"{self.server.url}/doc/tree/{notebook}", timeout=TIMEOUT * 1000)
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        self._connect()

    def _show_another(self, notebook: str, theme: str) -> None:
        """Open a notebook in a JupyterLab that has shown another one."""
        self.page.mouse.move(0, 0)
        self.page.evaluate(_SHOW_ANOTHER, [notebook, theme])
        self.page.wait_for_function(_IS_SHOWN, arg=[notebook, theme])
        self._connect()

    def _check_cells(self) -> None:
        """Raise what a cell has raised; wait until all widgets are shown."""
        raised = self.run(_LAST_ERROR)
        if raised:
            raise servers.KernelError(f"a cell of the notebook raised:\n{raised}")
        self.wait_until(_WIDGETS_SHOWN)

    def _connect(self) -> None:
        """Connect to the kernel that the page talks to."""
        self.wait_until(lambda: self._kernel_ids)
        self._kernel = KernelChannel(self.server.connection_file(self.kernel_id))

    def _whole_pixels(self, locator: Locator) -> dict[str, float]:
        """Clip of the pixels that lie in an element as a whole; its edges may cut others."""
        locator.scroll_into_view_if_needed()
        box = locator.bounding_box()
        assert box is not None, "the element is not shown"
        left, top = math.ceil(box["x"]), math.ceil(box["y"])
        right, bottom = math.floor(box["x"] + box["width"]), math.floor(box["y"] + box["height"])
        return {"x": left, "y": top, "width": right - left, "height": bottom - top}

    def _pump(self) -> None:
        """Let Playwright hand out the events that have arrived."""
        self.page.evaluate("() => 0")

    def _on_console(self, message: ConsoleMessage) -> None:
        """Keep a console error, unless it is about a file of another host."""
        url = message.location.get("url", "")
        foreign = url.startswith("http") and not url.startswith(self.server.url)
        if message.type == "error" and not foreign and not url.endswith("favicon.ico"):
            self.errors.append(f"{message.text} ({url})")

    def _on_websocket(self, websocket: WebSocket) -> None:
        """Record what goes over a connection to a kernel."""
        match = _KERNEL_URL.search(websocket.url)
        if not match:
            return
        if match[1] not in self._kernel_ids:
            self._kernel_ids.append(match[1])
        websocket.on("framesent", lambda payload: self._record("sent", payload))
        websocket.on("framereceived", lambda payload: self._record("received", payload))

    def _record(self, direction: str, payload: str | bytes) -> None:
        """Keep a frame; it is decoded only if a test asks for it."""
        self._frames.append((direction, payload, time.monotonic()))


class OpenNotebook(Protocol):
    """The function that the page fixtures give to a test."""

    def __call__(
        self,
        cells: Sequence[str] | Path,
        *,
        width: int = 1300,
        height: int = 900,
        theme: str = "light",
    ) -> NotebookPage:
        """Open a notebook of these code cells, or this notebook file, in the browser."""
        ...


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium; without one the test fails."""
    path = find_chromium()
    if path is None:
        pytest.fail(
            "The browser tests need Chromium. `python -m tests` installs one; "
            "HEATWIDGET_CHROMIUM can name one; `pytest -m 'not browser'` does without.",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=launch_args())
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def voila_server() -> Iterator[Server]:
    """A Voila server for the notebooks of all tests."""
    with servers.voila_server() as server:
        yield server


@pytest.fixture(scope="session")
def lab_server() -> Iterator[Server]:
    """A JupyterLab server for the notebooks of all tests."""
    with servers.lab_server() as server:
        yield server


@pytest.fixture(scope="session")
def browser_context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser profile that all pages share, so that later pages find the scripts cached."""
    context = chromium.new_context(device_scale_factor=1)
    yield context
    context.close()


@pytest.fixture(scope="session")
def ipykernel6(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ipykernel 6, which has no subshells; without a package index the test skips."""
    folder = tmp_path_factory.mktemp("ipykernel6")
    # Only what a newer ipykernel has not brought already.
    packages = ["ipykernel>=6.20,<7", "nest-asyncio"]
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps"]
    done = subprocess.run(
        [*install, "--target", str(folder), *packages],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"ipykernel 6 could not be installed: {done.stderr.strip()[-500:]}")
    return folder


@pytest.fixture
def voila_page(browser_context: BrowserContext, voila_server: Server) -> Iterator[OpenNotebook]:
    """Function that opens a notebook in Voila."""
    yield from _opener(browser_context, voila_server)


@pytest.fixture(scope="session")
def lab_pages() -> list[Page]:
    """Pages in which JupyterLab runs, free for the next notebook: it takes seconds to start."""
    return []


@pytest.fixture
def lab_page(
    browser_context: BrowserContext, lab_server: Server, lab_pages: list[Page]
) -> Iterator[OpenNotebook]:
    """Function that opens a notebook in JupyterLab and runs all of its cells."""
    yield from _opener(browser_context, lab_server, free=lab_pages)


@pytest.fixture
def old_kernel_page(
    browser_context: BrowserContext, lab_server: Server, ipykernel6: Path
) -> Iterator[OpenNotebook]:
    """Function that opens a notebook in JupyterLab on a kernel of ipykernel 6."""
    lab_server.add_kernel("ipykernel6", ipykernel6)
    yield from _opener(browser_context, lab_server, "ipykernel6")


@pytest.fixture
def one_shell_page(browser_context: BrowserContext, lab_server: Server) -> Iterator[OpenNotebook]:
    """Function that opens a notebook in a JupyterLab that sends nothing to subshells."""
    plugin = "apputils-extension/kernels-settings"
    lab_server.set_lab(plugin, {"commsOverSubshells": "disabled"})
    yield from _opener(browser_context, lab_server)
    lab_server.set_lab(plugin, {})


@pytest.fixture(params=["voila", "lab"])
def any_page(request: pytest.FixtureRequest) -> OpenNotebook:
    """Function that opens a notebook in Voila, and in a second run of the test in JupyterLab."""
    opener: OpenNotebook = request.getfixturevalue(f"{request.param}_page")
    return opener


def _opener(
    context: BrowserContext,
    server: Server,
    kernel: str = servers.KERNEL,
    free: list[Page] | None = None,
) -> Iterator[OpenNotebook]:
    """Yield a function that opens notebooks, and close them all afterwards.

    It takes the pages in `free` first, and puts them back.
    """

    def open_notebook(
        cells: Sequence[str] | Path, *, width: int = 1300, height: int = 900, theme: str = "light"
    ) -> NotebookPage:
        page = free.pop() if free else context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        host = NotebookPage(page, server)
        stack.callback(leave, host)
        host.open(server.add_notebook(next(_names), cells, kernel), theme)
        return host

    def leave(host: NotebookPage) -> None:
        if free is None:
            host.close()
        elif host.leave():
            free.append(host.page)

    with ExitStack() as stack:
        yield open_notebook
