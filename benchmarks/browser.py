"""Pages in a real browser on which one slider is moved, and what a key press costs there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.chromium import ensure_chromium, launch_args
from tests.browser.servers import KERNEL, Server, voila_server

_PROBE = (Path(__file__).parent / "probe.js").read_text()
_SIZE = {"width": 1300, "height": 900}

_ERROR = "[data-mime-type='application/vnd.jupyter.stderr'], .jupyter-widgets-error-widget"

# Seconds that a page may take to show its slider: Voila runs the notebook first.
_START = 180


@contextmanager
def serve() -> Iterator[tuple[Browser, Server]]:
    """Run Chromium and Voila until the end of the block."""
    with voila_server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=ensure_chromium(), args=launch_args())
        yield browser, server
        browser.close()


class SliderPage:
    """A Voila page whose slider moves one layer with each key press.

    Parameters
    ----------
    browser : Browser
    server : Server
    name : str
        Of its notebook, which is written here.
    code : str
        What its one cell runs.
    """

    def __init__(self, browser: Browser, server: Server, name: str, code: str) -> None:
        self.errors: list[str] = []
        self._page = page = browser.new_page(viewport=_SIZE)  # type: ignore[arg-type]
        page.on("pageerror", lambda error: self.errors.append(str(error.stack)))
        page.add_init_script(_PROBE)
        file = server.add_notebook(name, [code], KERNEL)
        page.goto(f"{server.url}/voila/render/{file}", timeout=_START * 1000)
        slider = page.locator(".widget-slider", has_text="layer")
        self._handle = slider.locator(".noUi-handle-upper")
        error = page.locator(_ERROR)
        self._handle.or_(error).first.wait_for(timeout=_START * 1000)
        if error.count():
            raise RuntimeError(f"the page of {name} shows an error:\n{error.inner_text()}")

    def press(self, key: str, *, quiet: float, timeout: float) -> dict[str, Any] | None:
        """Press a key on the slider, and wait until the picture has changed.

        Parameters
        ----------
        key : str
            Such as ``ArrowRight``.
        quiet : float
            Seconds without any change of the page after which the last paint was the last.
        timeout : float
            Seconds to wait at most.

        Returns
        -------
        dict or None
            Milliseconds from the key press to the message that is `sent`, to the picture that
            is `received`, and to the last paint; and the `bytes` received. None if that took
            too long.
        """
        page = self._page
        page.bring_to_front()
        self._handle.focus()
        page.wait_for_timeout(100)
        page.evaluate("probe.reset()")
        page.keyboard.press(key)
        try:
            page.wait_for_function(
                "quiet => probe.settled(quiet)", arg=quiet * 1000, timeout=timeout * 1000
            )
        except PlaywrightTimeout:
            return None
        seen = page.evaluate("probe.record()")
        return {
            **{name: seen[name] - seen["key"] for name in ("sent", "received", "painted")},
            "bytes": seen["bytes"],
        }

    def picture(self) -> bytes:
        """PNG of the window as it is now."""
        return self._page.screenshot()

    def close(self) -> None:
        """Close the page. Its kernel ends with the server."""
        self._page.close()
