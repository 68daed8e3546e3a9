"""Find a Chromium that starts, or get one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence

#: The environment variable that names the browser to use.
VARIABLE = "HEATWIDGET_CHROMIUM"

#: The names under which systems install the browser, the best first.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_ADVICE = (
    f"install Chromium (for example `python -m playwright install chromium`) "
    f"or set {VARIABLE} to the path of one"
)

# Playwright's sync API cannot start where an event loop runs, so it is asked in a process of its
# own.
_ASK_PLAYWRIGHT = (
    "from playwright.sync_api import sync_playwright\n"
    "with sync_playwright() as p: print(p.chromium.executable_path)"
)


def launch_args() -> list[str]:
    """Command-line switches for a headless browser that talks to this machine only."""
    args = [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        # Pixels are compared with the colours that were asked for.
        "--force-color-profile=srgb",
        # Pages must behave the same with and without a network: every other host is unknown.
        "--no-proxy-server",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ]
    # The sandbox refuses to start for root, and is wanted for everybody else.
    return ["--no-sandbox", *args] if _is_root() else args


def find_chromium() -> str | None:
    """Path of a Chromium that starts, or None.

    The variable ``HEATWIDGET_CHROMIUM`` is a wish: if it is set, nothing else is looked at. Then
    come Playwright's own browser and the usual names on PATH.
    """
    wish = os.environ.get(VARIABLE)
    if wish:
        path = shutil.which(wish)
        return path if path and starts(path) else None
    return next((path for path in _candidates() if starts(path)), None)


def ensure_chromium() -> str:
    """Path of a Chromium that starts, installing one if there is none.

    Raises
    ------
    RuntimeError
        When no browser can be had. The message says what to do.
    """
    found = find_chromium()
    if found:
        return found
    wish = os.environ.get(VARIABLE)
    if wish:
        # Another browser than the one asked for would be a surprise.
        raise RuntimeError(f"{VARIABLE}={wish} is no Chromium that starts: {_ADVICE}.")
    for install in (_install_with_playwright, _install_with_apt):
        install()
        found = find_chromium()
        if found:
            return found
    raise RuntimeError(f"No Chromium was found and none could be installed: {_ADVICE}.")


def starts(path: str) -> bool:
    """Whether the executable at `path` starts and tells its version."""
    return _run([path, "--version"], timeout=60)


def _candidates() -> Iterator[str]:
    """Paths where a Chromium may be, the best first."""
    own = _playwright_chromium()
    if own:
        yield own
    for name in NAMES:
        path = shutil.which(name)
        if path:
            yield path


def _playwright_chromium() -> str | None:
    """Path of the browser that Playwright downloaded, or None."""
    try:
        answer = subprocess.run(
            [sys.executable, "-c", _ASK_PLAYWRIGHT],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    path = answer.stdout.strip()
    return path if answer.returncode == 0 and os.access(path, os.X_OK) else None


def _install_with_playwright() -> None:
    """Let Playwright download its browser."""
    _run([sys.executable, "-m", "playwright", "install", "chromium"], timeout=300)


def _install_with_apt() -> None:
    """Install the Debian package, where that is possible."""
    if not (_is_root() and shutil.which("apt-get")):
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # A failed update may still leave a usable list of packages.
    _run(["apt-get", "update"], timeout=300, env=quiet)
    _run(["apt-get", "install", "-y", "chromium"], timeout=900, env=quiet)


def _is_root() -> bool:
    """Whether this process runs as root."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _run(command: Sequence[str], *, timeout: float, env: dict[str, str] | None = None) -> bool:
    """Run a command without input and output, and tell whether it succeeded in time."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            env=env,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
