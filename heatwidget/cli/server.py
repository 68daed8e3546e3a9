"""Serve a notebook as a page with Voila until the user ends it.

Voila runs in this process, so its port is known and its kernels end with the process.
"""

from __future__ import annotations

import asyncio
import html
import logging
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from .errors import CommandError

MAX_PAGES = 20  # default maximum of open pages; each has its own kernel of about 100 MB
IDLE_SECONDS = 120  # until the kernel of a page that crashed is shut down


@dataclass(frozen=True)
class Page:
    """Page to serve.

    Parameters
    ----------
    command : str
        Name of the command, for messages.
    notebook : str
        File name of the notebook.
    title : str, optional
        Title in the browser; by default that of the notebook.
    environment : mapping of str to str, optional
        Environment variables of the kernel.
    """

    command: str
    notebook: str
    title: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def serve(page: Page, first_port: int, *, browser: bool, max_pages: int = MAX_PAGES) -> None:
    """Serve a page until the user ends it, on the first free port from `first_port` on.

    Without the token in its address there is no page and no kernel.
    """
    notebook, port = _notebook(page.notebook), _free_port(first_port)
    ended = threading.Event()
    _on_end(ended, signal.default_int_handler)
    os.environ.update(page.environment)
    with _quiet() as (terminal, log):
        app = _voila(page, notebook, port, max_pages)
        _on_end(ended, signal.default_int_handler)  # Voila has installed its own handler
        try:
            _run(app, page, ended, terminal, browser=browser and _has_windows())
        except (Exception, SystemExit) as error:  # Voila calls `sys.exit` if it cannot start
            if not ended.is_set():
                log.seek(0)
                end = "".join(log.readlines()[-20:])
                raise CommandError(f"{page.command} failed: {error!r}\n{end}") from error


def _notebook(name: str) -> Path:
    """Path of a notebook: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package, package.parent):
        if (path := folder / "notebooks" / name).is_file():
            return path
    raise CommandError(f"notebooks/{name} is neither in {package} nor in {package.parent}")


def _voila(page: Page, notebook: Path, port: int, max_pages: int) -> Any:
    """Voila app, ready to start, with a new token."""
    try:
        import ipykernel.kernelspec  # noqa: F401
        from traitlets.config import Config

        from . import gate, kernels
    except ImportError as error:
        raise CommandError(
            f'{page.command} needs Voila ({error}): pip install "heatwidget[app]"'
        ) from error
    config = {
        "Voila": _server_settings(notebook, port) | {"identity_provider_class": gate.Token},
        "VoilaConfiguration": {
            "kernel_spec_manager_class": kernels.OwnKernel,
            "multi_kernel_manager_class": kernels.FewKernels,
            "file_allowlist": [],  # by default Voila serves some files beside the notebook
            "show_tracebacks": True,
            "prelaunch_hook": _titled(page.title),
        },
        "FewKernels": {
            "max_kernels": max_pages,
            "cull_idle_timeout": IDLE_SECONDS,
            "cull_interval": IDLE_SECONDS // 4,
        },
        "IdentityProvider": {"cookie_options": {"samesite": "Strict"}},
    }
    app = gate.Gate(config=Config(config))
    app.initialize([])
    return app


def _server_settings(notebook: Path, port: int) -> dict[str, Any]:
    """Voila's server settings: notebook, address and access."""
    from jupyter_server import DEFAULT_STATIC_FILES_PATH

    return {
        "notebook_path": str(notebook),
        "ip": "127.0.0.1",
        "port": port,
        "port_retries": 4,
        "open_browser": False,
        # No configuration files: they might open the page to the network.
        "config_file_paths": [],
        # Not passed on a command line, which every user of the machine can read.
        "token": secrets.token_urlsafe(24),
        "tornado_settings": {
            # Refuses requests for a foreign host name that resolves to this machine.
            "allow_remote_access": False,
            "headers": {"Referrer-Policy": "same-origin"},
            "xsrf_cookie_kwargs": {"samesite": "Strict"},
            # Without this path the error page fails, with a long traceback in the terminal.
            "static_path": DEFAULT_STATIC_FILES_PATH,
        },
    }


def _titled(title: str | None) -> Callable[..., None]:
    """Hook for Voila that sets the title of the notebook, if one is given."""

    def set_title(request: Any, notebook: Any, cwd: str) -> None:
        if title is not None:
            notebook.metadata["title"] = title

    return set_title


def _run(app: Any, page: Page, ended: threading.Event, terminal: IO[str], *, browser: bool) -> None:
    """Run Voila until a signal ends it. Errors before that are shown."""
    from tornado.ioloop import IOLoop

    errors = logging.StreamHandler(terminal)  # not for requests that are cut off at the end
    errors.addFilter(lambda record: record.levelno >= logging.ERROR and not ended.is_set())
    errors.addFilter(
        lambda record: record.name != "tornado.access"
    )  # its records contain the token

    def announce() -> None:  # called by Voila's loop, when the page is already served
        loop = asyncio.get_running_loop()
        _on_end(ended, lambda *_: loop.call_soon_threadsafe(loop.stop))
        if ended.is_set():  # a library swallowed the interrupt
            return loop.stop()
        for logger in (app.log, logging.getLogger()):
            logger.addHandler(errors)
        address = f"http://127.0.0.1:{app.port}/?token={app.token}"
        print(f"heatwidget {page.command}: {address} (Ctrl-C ends it)", file=terminal, flush=True)
        if browser:
            # By way of a file, because every user can read the command line of the browser.
            link = Path(folder) / "open.html"
            link.write_text(f'<meta http-equiv="refresh" content="0; url={html.escape(address)}">')
            threading.Thread(target=webbrowser.open, args=(link.as_uri(),), daemon=True).start()

    IOLoop.current().add_callback(announce)
    with tempfile.TemporaryDirectory(prefix="heatwidget-") as folder:  # readable by the user only
        try:
            app.start()
        finally:
            _kill_kernels()


def _has_windows() -> bool:
    """Whether a browser can open a window. A text browser would block the terminal."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, names))


def _free_port(first: int) -> int:
    """First free port from `first` on. If it is taken meanwhile, Voila tries the next ones."""
    for port in (ports := range(first, min(first + 20, 65536))):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)) as probe:
            return int(probe.getsockname()[1])
    raise CommandError(f"no free port in {ports[0]}..{ports[-1]}")


def _kill_kernels() -> None:
    """Kill kernels that Voila has left: it does not know a kernel that was being started."""
    import psutil  # type: ignore[import-untyped]  # comes with ipykernel

    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "ipykernel_launcher" in child.cmdline():  # a browser can be our child too
                child.kill()


def _on_end(ended: threading.Event, action: Callable[..., object]) -> None:
    """On the first Ctrl-C or SIGTERM set `ended` and call `action`; ignore later ones."""
    signals = (signal.SIGINT, signal.SIGTERM)

    def handle(*received: Any) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        ended.set()
        action(*received)

    for number in signals:
        signal.signal(number, handle)


@contextmanager
def _quiet() -> Iterator[tuple[IO[str], IO[str]]]:
    """Redirect the output of Voila and its kernels to a file; yield the terminal and the file."""
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile("a+", errors="replace") as log, open(saved[0], "w") as terminal:
        try:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            yield terminal, log
        finally:
            sys.stdout.flush()
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)
            os.close(saved[1])
