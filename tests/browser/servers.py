"""Voila and JupyterLab servers for tests, and what is said between them and a page."""

from __future__ import annotations

import itertools
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.blocking.client import BlockingKernelClient

#: Seconds to wait for anything that takes a few: the machine may be busy.
TIMEOUT = 60.0

ROOT = Path(__file__).resolve().parents[2]

#: The kernel that notebooks run on unless they say otherwise: the running interpreter.
KERNEL = "python3"

# Switches off what Lab asks or shows on the first start.
_LAB_DEFAULTS: dict[str, dict[str, Any]] = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    # All cells are shown, also those far below the window.
    "notebook-extension/tracker": {"windowingMode": "none"},
}

# Requests to this machine must not go through a proxy.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Server:
    """A running Jupyter server with a home of its own.

    Attributes
    ----------
    kind : str
        "voila" or "lab".
    url : str
        Where it listens, without a slash at the end.
    home : Path
        Everything it reads and writes is below this folder.
    process : subprocess.Popen
        The server itself.
    """

    kind: str
    url: str
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def notebooks(self) -> Path:
        """The folder whose notebooks are served."""
        return self.home / "notebooks"

    def add_notebook(self, name: str, cells: Sequence[str] | Path, kernel: str) -> str:
        """Put a notebook of these code cells, or a copy of this file, into the served folder.

        Code cells run on the kernel of this name, a file on the one that it names itself.
        """
        target = self.notebooks / f"{name}.ipynb"
        if isinstance(cells, Path):
            shutil.copyfile(cells, target)
        else:
            _write_notebook(target, cells, kernel)
        return target.name

    def add_kernel(self, name: str, packages: Path) -> None:
        """Offer a kernel that finds the packages of a folder before those installed."""
        # Jupyter fills in what the server's own environment has.
        python_path = os.pathsep.join([str(packages), "${PYTHONPATH}"])
        folder = self.home / "path" / "kernels" / name
        _write_kernelspec(folder, name, {"PYTHONPATH": python_path})

    def connection_file(self, kernel_id: str) -> Path:
        """The connection file of a kernel of this server."""
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            # Voila keeps its connection files one folder further down.
            for path in (self.home / "runtime").rglob(f"kernel-{kernel_id}.json"):
                return path
            time.sleep(0.05)
        raise TimeoutError(f"no connection file for kernel {kernel_id}")

    def set_lab(self, plugin: str, settings: dict[str, Any]) -> None:
        """Set what a plugin of JupyterLab finds in the pages opened from now on.

        The plugin is named as in ``apputils-extension/themes``.
        """
        path = self.home / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))

    def shut_down_kernel(self, kernel_id: str) -> None:
        """Stop a kernel; one that is gone already is fine."""
        if self.kind == "voila":
            request = _request(f"{self.url}/voila/api/shutdown/{kernel_id}", "POST")
        else:
            request = _request(f"{self.url}/api/kernels/{kernel_id}", "DELETE")
        try:
            _opener.open(request, timeout=TIMEOUT).close()
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise

    def get(self, path: str) -> bytes:
        """What the server answers to a request."""
        with _opener.open(self.url + path, timeout=TIMEOUT) as answer:
            body: bytes = answer.read()
        return body

    def log(self) -> str:
        """What the server has printed so far."""
        return (self.home / "log.txt").read_text(errors="replace")


@contextmanager
def voila_server() -> Iterator[Server]:
    """Run Voila on an empty folder of notebooks."""
    command = [
        *(sys.executable, "-m", "voila", "{home}/notebooks"),
        *("--no-browser", "--Voila.ip=127.0.0.1", "--port={port}"),
        "--Voila.connection_dir_root={home}/runtime",
        # Lets a test stop a kernel.
        "--Voila.tornado_settings=disable_check_xsrf=True",
    ]
    with _server("voila", command, ready="/") as server:
        yield server


@contextmanager
def lab_server() -> Iterator[Server]:
    """Run JupyterLab on an empty folder of notebooks."""
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", "--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        "--ServerApp.root_dir={home}/notebooks",
        *("--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"),
        "--LabApp.user_settings_dir={home}/settings",
        "--LabApp.workspaces_dir={home}/workspaces",
        # Lets a test run Lab's own commands.
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    with _server("lab", command, ready="/api/status") as server:
        for plugin, settings in _LAB_DEFAULTS.items():
            server.set_lab(plugin, settings)
        yield server


@contextmanager
def _server(kind: str, command: Sequence[str], ready: str) -> Iterator[Server]:
    """Run a server until the end of the block; `{home}` and `{port}` are filled in."""
    home = Path(tempfile.mkdtemp(prefix=f"heatwidget-{kind}-"))
    try:
        env = _make_home(home)
        port = _free_port()
        filled = [part.format(home=home, port=port) for part in command]
        with (home / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                filled,
                cwd=home,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(kind, f"http://127.0.0.1:{port}", home, process)
        try:
            _wait_until_ready(server, ready)
            yield server
        finally:
            _stop(process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _make_home(home: Path) -> dict[str, str]:
    """Make the folders of a server, and return an environment that points to them."""
    folders = ("notebooks", "config", "data", "runtime", "ipython", "settings", "workspaces")
    for name in folders:
        (home / name).mkdir()
    _write_kernelspec(home / "path" / "kernels" / KERNEL, KERNEL, {})
    env = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    # Kernels import the package from this checkout, as the tests do.
    python_path = [str(ROOT), *filter(None, [env.get("PYTHONPATH")])]
    return {
        **env,
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_PATH": str(home / "path"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "PYTHONPATH": os.pathsep.join(python_path),
        # The lab application and its extensions are those of the running interpreter.
        "JUPYTER_PREFER_ENV_PATH": "1",
    }


def _write_kernelspec(folder: Path, name: str, env: dict[str, str]) -> None:
    """Describe a kernel that is the running interpreter, with these variables set."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "env": env,
        "metadata": {"debugger": False, "supported_features": ["kernel subshells"]},
    }
    (folder / "kernel.json").write_text(json.dumps(spec))


def _write_notebook(path: Path, cells: Sequence[str], kernel: str) -> None:
    """Write a notebook of code cells for the kernel of a name."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in cells]
    notebook.metadata["kernelspec"] = {
        "name": kernel,
        "display_name": kernel,
        "language": "python",
    }
    nbformat.write(notebook, path)


def _free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _request(url: str, method: str) -> urllib.request.Request:
    """A request without a body."""
    return urllib.request.Request(url, data=b"" if method == "POST" else None, method=method)


def _wait_until_ready(server: Server, path: str) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise RuntimeError(f"the {server.kind} server ended:\n{server.log()}")
        with suppress(OSError), _opener.open(server.url + path, timeout=TIMEOUT):
            return
        time.sleep(0.1)
    raise TimeoutError(f"the {server.kind} server did not answer:\n{server.log()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a server, gently first, so that it stops its kernels."""
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class KernelError(RuntimeError):
    """Code that a test ran in the kernel raised; the message is the traceback."""


class KernelChannel:
    """A second client of the kernel behind a page.

    Parameters
    ----------
    connection_file : Path
        The kernel's connection file.
    """

    def __init__(self, connection_file: Path) -> None:
        # Playwright's event loop lives in the main thread, and a blocking client wants a thread
        # without one.
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._closed = threading.Event()
        self._client = self._thread.submit(_connect, connection_file).result()

    def run(self, code: str, timeout: float = TIMEOUT) -> str:
        """Run code and return what it printed, and the value of its last line if it has one."""
        return self.start(code, timeout).result()

    def start(self, code: str, timeout: float = TIMEOUT) -> Future[str]:
        """Start code, and return at once; the result is that of `run`."""
        return self._thread.submit(self._execute, code, timeout)

    def close(self) -> None:
        """Let go of the kernel, without waiting for code that still runs."""
        if not self._closed.is_set():
            self._closed.set()
            self._thread.submit(self._client.stop_channels)
            self._thread.shutdown(wait=False)

    def _execute(self, code: str, timeout: float) -> str:
        """Run code and collect its text, until the kernel says that it is done."""
        # Without `stop_on_error` a failure would silently drop the requests that follow it.
        request = self._client.execute(
            code, store_history=False, allow_stdin=False, stop_on_error=False
        )
        deadline = time.monotonic() + timeout
        parts: list[str] = []
        while time.monotonic() < deadline and not self._closed.is_set():
            try:
                message = self._client.get_iopub_msg(timeout=0.2)
            except queue.Empty:
                continue
            # What the page and its widgets ask for goes over the same channel.
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                return "".join(parts).rstrip("\n")
            parts.append(_text(message["msg_type"], content))
        raise TimeoutError(f"the kernel was not done within {timeout} s, or its page was closed")


def _connect(connection_file: Path) -> BlockingKernelClient:
    """A client that talks to the kernel of this connection file."""
    client = BlockingKernelClient(connection_file=str(connection_file))
    client.load_connection_file()
    # No heartbeat: on a busy machine a second without one passes for a dead kernel.
    client.start_channels(hb=False)
    client.wait_for_ready(timeout=TIMEOUT)
    return client


def _text(msg_type: str, content: dict[str, Any]) -> str:
    """The text in an output of the kernel; an error is raised."""
    if msg_type == "error":
        raise KernelError(re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(content["traceback"])))
    if msg_type == "stream" and content["name"] == "stdout":
        return str(content["text"])
    if msg_type == "execute_result":
        return str(content["data"]["text/plain"])
    return ""


@dataclass(frozen=True)
class Message:
    """A message between a page and its kernel.

    Attributes
    ----------
    direction : str
        "sent" by the page, or "received" by it.
    channel : str
        "shell", "iopub", "control" or "stdin".
    msg_type : str
        The type of the message, such as "comm_msg".
    comm_id : str or None
        The model that it is about.
    method : str or None
        What is asked of the model, such as "update".
    state : dict
        The traits in the message, without their binary parts.
    size : int
        Its length on the wire, in bytes.
    time : float
        When the harness saw it, by `time.monotonic`.
    parent_type : str or None
        The type of the message that this one answers.
    content : dict
        All of its content.
    """

    direction: str
    channel: str
    msg_type: str
    comm_id: str | None = None
    method: str | None = None
    state: dict[str, Any] = field(default_factory=dict)
    size: int = 0
    time: float = 0.0
    parent_type: str | None = None
    content: dict[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> frozenset[str]:
        """The names of the traits in the message, those with binary values included."""
        data = self.content.get("data") or {}
        binary = (path[0] for path in data.get("buffer_paths") or [])
        return frozenset(self.state) | frozenset(binary)


def decode_frame(direction: str, payload: str | bytes, seen: float = 0.0) -> Message:
    """Decode a websocket frame of the Jupyter protocol, in any of its three forms."""
    size = len(payload.encode() if isinstance(payload, str) else payload)
    if isinstance(payload, str):
        message = json.loads(payload)
    elif _is_v1(payload):
        message = _decode_v1(payload)
    else:
        message = _decode_legacy(payload)
    content = message["content"]
    data = content.get("data") or {}
    return Message(
        direction=direction,
        channel=message.get("channel", ""),
        msg_type=message["header"]["msg_type"],
        comm_id=content.get("comm_id"),
        method=data.get("method"),
        state=data.get("state") or {},
        size=size,
        time=seen,
        parent_type=(message.get("parent_header") or {}).get("msg_type"),
        content=content,
    )


def _is_v1(frame: bytes) -> bool:
    """Whether the first offset of a binary frame is where the v1 protocol puts it."""
    count = int.from_bytes(frame[:8], "little")
    return int.from_bytes(frame[8:16], "little") == 8 * (count + 1)


def _decode_v1(frame: bytes) -> dict[str, Any]:
    """Decode `v1.kernel.websocket.jupyter.org`: 64-bit little-endian offsets, then the parts."""
    count = int.from_bytes(frame[:8], "little")
    starts = [int.from_bytes(frame[8 * i : 8 * i + 8], "little") for i in range(1, count + 1)]
    parts = [frame[start:stop] for start, stop in itertools.pairwise(starts)]
    channel, header, parent_header, _, content = parts[:5]
    return {
        "channel": channel.decode(),
        "header": json.loads(header),
        "parent_header": json.loads(parent_header),
        "content": json.loads(content),
    }


def _decode_legacy(frame: bytes) -> dict[str, Any]:
    """Decode the older binary form: 32-bit big-endian offsets, JSON, then the buffers."""
    count = int.from_bytes(frame[:4], "big")
    starts = [int.from_bytes(frame[4 * i : 4 * i + 4], "big") for i in range(1, count + 1)]
    stop = starts[1] if count > 1 else None
    message: dict[str, Any] = json.loads(frame[starts[0] : stop])
    return message
