"""Many pages of ``heatwidget demo`` open at once: memory, and the time until all are there.

Each page is fetched as a browser would, without its scripts, and its kernel's channel is held
open. Memory is shared fairly among the processes that map it (PSS; Linux alone tells).

- ``MB``: of the server and of all kernels, once all pages are there;
- ``MB a page``: what the kernels hold of it, and the server beyond what it held before;
- ``s``: until the last page was there, all being asked for together; ``first``: until the first.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from http.cookiejar import CookieJar
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

import psutil

from .kernel import ROOT
from .result import Record, Result

QUICK: dict[str, Any] = {"pages": 2}

_PATIENCE = 600
_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def run(pages: int = 20) -> Result:
    """Open so many pages of one server together."""
    with _demo(pages) as (server, address), ExitStack() as stack:
        before = _memory(server)
        began = perf_counter()

        def visit(_: int) -> tuple[float, HTTPConnection]:
            channel = _open(address)
            return perf_counter() - began, channel

        with ThreadPoolExecutor(pages) as clients:
            visits = list(clients.map(visit, range(pages)))
        for _, channel in visits:
            stack.callback(channel.close)
        kernels = [_memory(child) for child in server.children(recursive=True)]
        after = _memory(server)
    record: Record = {
        "pages": pages,
        "MB": after + sum(kernels),
        "MB a page": (after - before + sum(kernels)) / pages,
        "server before": before,
        "server": after,
        "processes": len(kernels),
        "first": min(taken for taken, _ in visits),
        "s": max(taken for taken, _ in visits),
        "times": sorted(taken for taken, _ in visits),
    }
    note = f"{pages} pages: {record['MB']:.0f} MB, all there after {record['s']:.1f} s"
    return Result([record], [note])


@contextmanager
def _demo(pages: int) -> Iterator[tuple[psutil.Process, str]]:
    """A server that allows so many pages, and its address."""
    code = "import sys; from heatwidget.cli import main; sys.exit(main())"
    options = ["--no-browser", "--port", "0", "--max-pages", str(pages)]
    command = [sys.executable, "-c", code, "demo", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not (found := re.search(r"http://\S+", line)):
                raise RuntimeError(line + process.stdout.read())
            yield psutil.Process(process.pid), found[0]
        finally:
            process.terminate()


def _open(address: str) -> HTTPConnection:
    """Fetch the page, and hold its kernel's channel."""
    jar = CookieJar()
    opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(jar))
    with opener.open(address, timeout=_PATIENCE) as answer:
        page = answer.read().decode()
    if not (found := re.search(r'"kernelId": "([\w-]+)"', page)):
        raise RuntimeError(f"a page without a kernel:\n{page[-500:]}")
    cookies = "; ".join(f"{each.name}={each.value}" for each in jar)
    channel = HTTPConnection(urlsplit(address).netloc, timeout=_PATIENCE)
    path = f"/api/kernels/{found[1]}/channels"
    channel.request("GET", path, headers={**_UPGRADE, "Cookie": cookies})
    if (status := channel.getresponse().status) != 101:
        raise RuntimeError(f"no channel to a kernel: {status}")
    return channel


def _memory(process: psutil.Process) -> float:
    """MB of a process, its share of what it shares; where nobody tells, what is its own."""
    held = process.memory_full_info()
    return getattr(held, "pss", held.uss) / 1e6
