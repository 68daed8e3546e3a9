"""The command, as processes: what it prints, serves and leaves behind."""

from __future__ import annotations

import html
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import numpy as np
import psutil
import pytest

import heatwidget
from heatwidget import cli, samples
from heatwidget.cli import server
from heatwidget.cli.page import make_page
from heatwidget.cli.server import Page
from heatwidget.cli.view import choose_widgets, view_page

pytestmark = pytest.mark.timeout(120)

RUN = "import sys; from heatwidget.cli import main; sys.exit(main())"
MARK = "HEATWIDGET_TEST_MARK"
KERNEL_ID = r'"kernelId": "([\w-]+)"'
ADDRESS = re.compile(
    r"heatwidget (?:demo|view): (http://127\.0\.0\.1:\d+/\?token=[\w-]{32}) \(Ctrl-C ends it\)\n"
)
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@dataclass(frozen=True)
class Command:
    """A running command; its processes carry a mark of their own in their environment."""

    process: subprocess.Popen[str]
    mark: str

    def read_address(self) -> str:
        """Wait for the line that says where the page is."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = ADDRESS.fullmatch(line)
        assert found, line + self.rest()
        return found[1]

    def rest(self) -> str:
        """What else it prints, up to its end."""
        return self.process.communicate(timeout=60)[0]

    def kernels(self) -> list[psutil.Process]:
        """The kernels that run now."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if child.status() != psutil.STATUS_ZOMBIE]

    def leftovers(self) -> list[psutil.Process]:
        """Processes of this command that do not end."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):  # of another user, or gone already
                if process.environ().get(MARK) == self.mark:
                    found.append(process)
        return psutil.wait_procs(found, timeout=0.5)[1]

    def kill(self) -> None:
        """End whatever a failed test has left."""
        for process in [self.process, *self.leftovers()]:
            with suppress(psutil.Error):
                process.kill()
        self.process.communicate()


Start = Callable[..., Command]


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Function that starts the command with these arguments."""
    commands: list[Command] = []

    def run(*args: str, code: str = RUN, **env: str) -> Command:
        mark = uuid.uuid4().hex
        process = subprocess.Popen(
            [sys.executable, "-c", code, *args],
            env={**os.environ, MARK: mark, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        commands.append(Command(process, mark))
        return commands[-1]

    yield run
    for command in commands:
        command.kill()


@pytest.fixture(scope="module")
def demo(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Command, str]]:
    """A demo and its address, on a machine where `python3` is a kernel that does not work."""
    home = tmp_path_factory.mktemp("jupyter")
    stale = home / "kernels" / "python3" / "kernel.json"
    stale.parent.mkdir(parents=True)
    stale.write_text('{"argv": ["gone"], "display_name": "Python 3", "language": "python"}')
    settings = home / "config" / "voila.json"
    settings.parent.mkdir()
    settings.write_text('{"Voila": {"ip": "0.0.0.0"}}')
    command = start(
        *("demo", "--no-browser", "--port", "0"),
        JUPYTER_PATH=str(home),
        JUPYTER_CONFIG_DIR=str(settings.parent),
    )
    yield command, (address := command.read_address())
    get(address)  # those of the tests may have ended by themselves: they were idle
    assert command.kernels()
    end(command, signal.SIGINT)


def end(command: Command, number: signal.Signals) -> None:
    """End a demo; it has no more to say then, and leaves nothing behind."""
    command.process.send_signal(number)
    assert command.rest() == ""
    assert command.process.returncode == 0
    assert command.leftovers() == []


def cookie(address: str) -> str:
    """What a browser sends once it was at the address; no kernel is started."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.request("GET", "/?" + urlsplit(address).query)
        return str(connection.getresponse().headers["Set-Cookie"]).partition(";")[0]
    finally:
        connection.close()


def open_page(url: str) -> tuple[str, dict[str, str]]:
    """The page at this address, and the cookies that a browser has then."""
    jar = CookieJar()
    # A proxy of the environment has no business with a loopback address.
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar))
    with urllib.request.build_opener(*handlers).open(url, timeout=60) as answer:
        assert answer.status == 200
        page = answer.read().decode()
    return page, {each.name: str(each.value) for each in jar}


def get(url: str) -> str:
    """The page at this address."""
    return open_page(url)[0]


def close_page(address: str, page: str, cookies: dict[str, str], **headers: str) -> int:
    """The status of what Voila's script sends when its page goes."""
    found = re.search(KERNEL_ID, page)
    assert found
    headers |= {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    headers |= {"Content-Type": "application/x-www-form-urlencoded"}
    form = urlencode({"_xsrf": cookies.get("_xsrf", "").strip('"')})
    return status(address, "POST", f"/voila/api/shutdown/{found[1]}", form, **headers)


def status(
    url: str, method: str = "HEAD", path: str = "/", body: str | None = None, **headers: str
) -> int:
    """The status of an answer; a HEAD request is answered, but starts no kernel."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, names)
        return connection.getresponse().status
    finally:
        connection.close()


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.01)


def handles_sigterm(pid: int) -> bool:
    """Whether a process has a handler for SIGTERM, which Python alone does not install."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^SigCgt:\s*(\w+)$", text, re.MULTILINE)
    return bool(found) and bool(int(found[1], 16) >> (signal.SIGTERM - 1) & 1)


def failed(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """What the command says when it fails, before anything is served."""
    with pytest.raises(SystemExit) as ended:
        cli.main([*args, "--no-browser"])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("heatwidget: ")
    return said


def test_version(start: Start) -> None:
    command = start("--version")
    assert command.rest() == f"heatwidget {heatwidget.__version__}\n"
    assert command.process.returncode == 0


def test_importing_the_command_loads_no_server(start: Start) -> None:
    heavy = "{'voila', 'tornado', 'jupyter_client', 'ipywidgets', 'numpy'}"
    command = start(code=f"import sys, heatwidget.cli; print({heavy} & set(sys.modules))")
    assert command.rest() == "set()\n"


def test_no_command_gives_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 2
    assert "show the bundled captures" in capsys.readouterr().err


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["dmeo"])
    assert ended.value.code == 2
    assert "invalid choice: 'dmeo'" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["demo"], ["view", "run.npz"]])
@pytest.mark.parametrize("port", ["x", "", "1.5", "-1", "65536", "1_000", "²"])
def test_bad_port(command: list[str], port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*command, f"--port={port}"])
    assert ended.value.code == 2
    message = f"argument --port: must be a whole number in 0..65535, got {port!r}"
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("package", ["voila", "ipykernel"])
def test_without_the_app_extra(package: str, start: Start) -> None:
    command = start("demo", code=f"import sys; sys.modules[{package!r}] = None; {RUN}")
    output = command.rest()
    assert output.count("\n") == 1
    assert output.startswith("heatwidget: demo needs Voila (")
    assert output.endswith('): pip install "heatwidget[app]"\n')
    assert command.process.returncode == 1


def test_the_notebook_is_found_in_a_checkout_and_in_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "__file__", str(tmp_path / "heatwidget" / "cli" / "server.py"))
    with pytest.raises(cli.CommandError, match=r"app\.ipynb is neither in .+heatwidget nor in"):
        server._notebook("app.ipynb")
    for folder in (tmp_path, tmp_path / "heatwidget"):
        path = folder / "notebooks" / "app.ipynb"
        path.parent.mkdir(parents=True)
        path.touch()
        assert server._notebook("app.ipynb") == path.resolve()


def test_no_port_left() -> None:
    with socket.socket() as taken:
        with suppress(OSError):  # then someone else has it, which is as good
            taken.bind(("127.0.0.1", 65535))
            taken.listen()
        with pytest.raises(cli.CommandError, match=r"no free port in 65535\.\.65535"):
            server._free_port(65535)


def test_page(demo: tuple[Command, str]) -> None:
    command, address = demo
    light, dark = get(address), get(f"{address}&theme=dark")
    assert 'data-voila="voila"' in light
    assert "There was an error when executing cell" not in light
    assert ('data-jp-theme-light="true"' in light, 'data-jp-theme-light="false"' in dark) == (1, 1)
    kernels = command.kernels()
    assert len(kernels) == 2  # one per page
    for kernel in kernels:  # not the stale one
        assert Path(kernel.cmdline()[0]).resolve() == Path(sys.executable).resolve()


def test_a_closed_page_ends_its_kernel(demo: tuple[Command, str]) -> None:
    """Its script sends a second token (XSRF); the cookie alone, or another site, ends nothing."""
    command, address = demo
    before = set(command.kernels())
    page, cookies = open_page(address)
    (kernel,) = set(command.kernels()) - before
    foreign = f"http://127.0.0.1:{(urlsplit(address).port or 0) + 1}"
    assert close_page(address, page, {}) == 403
    login = {name: value for name, value in cookies.items() if name != "_xsrf"}
    assert close_page(address, page, login) == 403
    assert close_page(address, page, cookies, Origin=foreign) == 404
    found = re.search(KERNEL_ID, page)
    assert found
    path = f"/api/kernels/{found[1]}"
    assert status(address, "DELETE", path, Cookie=cookie(address)) == 403
    assert kernel.is_running()
    assert close_page(address, page, cookies, Origin=address.partition("/?")[0]) == 204
    assert psutil.wait_procs([kernel], timeout=10)[1] == []


def test_only_this_machine_can_reach_the_page(demo: tuple[Command, str]) -> None:
    command, address = demo
    sockets = psutil.Process(command.process.pid).net_connections("inet")
    listening = [each.laddr for each in sockets if each.status == psutil.CONN_LISTEN]
    assert {host for host, _ in listening} == {"127.0.0.1"}
    assert urlsplit(address).port in {port for _, port in listening}
    assert status(address) == 302
    assert status(address, Host="example.org") == 403
    # As through a forwarded port.
    assert status(address, Host="localhost:1234") == 302


# Scripts and styles, which the page needs.
FILES = ["/voila/static/voila.js", "/voila/templates/base/static/voila.js"]
FILES += ["/voila/labextensions/bqplot/package.json"]
FILES += ["/voila/api/themes/@jupyterlab/theme-dark-extension/index.css"]
# What is there for nobody without the token: each with a method, and what stands in the address.
SECRET = [
    ("GET", "/"),
    ("GET", "/?token="),
    ("GET", "/?token=wrong"),
    ("GET", "/?theme=dark"),
    ("GET", "//"),
    ("GET", "/%2e%2e/app.ipynb"),
    ("GET", "/app.ipynb"),
    ("GET", "/voila/render/app.ipynb"),
    ("GET", "/voila/tree"),
    ("GET", "/voila/files/app.ipynb"),
    ("GET", "/voila/files/logo.png"),
    ("GET", "/api/kernels"),
    ("POST", "/api/kernels"),
    ("GET", "/api/contents"),
    ("GET", "/api/kernels/{kernel}"),
    ("DELETE", "/api/kernels/{kernel}"),
    ("POST", "/voila/api/shutdown/{kernel}"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/static/favicon.ico"),
    *(("GET", path) for path in FILES),
    *(("HEAD", path) for path in FILES),
]


def test_without_the_token_there_is_nothing(demo: tuple[Command, str]) -> None:
    """No page, no kernel, no file beside the notebook, no shutdown."""
    command, address = demo
    page, before = get(address), set(command.kernels())
    found = re.search(KERNEL_ID, page)
    assert found
    for method, path in SECRET:
        answer = status(address, method, path.format(kernel=found[1]))
        assert answer in (302, 403, 404, 405), (method, path)
        if answer == 302:  # to where it is said what to open
            with pytest.raises(urllib.error.HTTPError, match="403") as refused:
                get(address.partition("/?")[0] + path)
            assert "that heatwidget has printed" in refused.value.read().decode()
    for path in FILES:
        assert status(address, "GET", path, Cookie=cookie(address)) == 200
        assert status(address, "HEAD", path, Cookie=cookie(address)) == 200
        foreign = {"Host": "example.org", "Cookie": cookie(address)}
        assert status(address, "GET", path, **foreign) == 403
    # Nor with it, for what is no page: the files of the folder are nobody's business.
    for path in ("/voila/files/app.ipynb", "/app.ipynb"):
        assert status(address, "GET", path, Cookie=cookie(address)) in (302, 403)
    assert set(command.kernels()) <= before


def test_a_channel_is_not_opened_without_the_token(demo: tuple[Command, str]) -> None:
    _, address = demo
    found = re.search(KERNEL_ID, get(address))
    assert found
    path, upgrade = f"/api/kernels/{found[1]}/channels", dict(WEBSOCKET)
    assert status(address, "GET", path, **upgrade) == 403
    upgrade["Cookie"] = cookie(address)
    assert status(address, "GET", path, **upgrade) == 101
    assert status(address, "GET", path, **upgrade, Origin="http://example.org") == 403


def answer(url: str, path: str, **headers: str) -> http.client.HTTPMessage:
    """The headers of an answer that is no page."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request("GET", path, headers=names)
        said = connection.getresponse()
        assert said.read() == b""
        return said.headers
    finally:
        connection.close()


def test_the_token_is_no_ones_to_read(demo: tuple[Command, str]) -> None:
    """It is on no command line and in no kernel, and its cookie goes to no script."""
    command, address = demo
    token = address.partition("token=")[2]
    assert get(address)
    server = psutil.Process(command.process.pid)
    assert command.kernels()
    for process in [server, *server.children(recursive=True)]:
        with suppress(psutil.Error):
            assert token not in " ".join(process.cmdline())
            assert token not in " ".join(process.environ().values())
    said = answer(address, f"/?token={token}")
    assert "HttpOnly" in said["Set-Cookie"]
    assert "SameSite=Strict" in said["Set-Cookie"]
    # Cookies know no ports: that of another server must not be in its way.
    assert str(urlsplit(address).port) in said["Set-Cookie"].partition("=")[0]


def test_the_token_is_taken_out_of_the_address(demo: tuple[Command, str]) -> None:
    """By a redirect, where the browser sends the cookie with it; else the page itself leads on."""
    command, address = demo
    before, token = set(command.kernels()), address.partition("token=")[2]
    known = {"Cookie": cookie(address)}
    for sent in ({}, {"Sec_Fetch_Site": "none"}, {"Sec_Fetch_Site": "same-origin"}, known):
        assert answer(address, f"/?token={token}", **sent)["Location"] == "/"
    said = answer(address, f"/?a=1&token={token}&theme=dark&a=%0a&b=")
    assert said["Location"] == "/?a=1&theme=dark&a=%0A&b="
    assert answer(address, f"//example.org/?token={token}")["Location"] == "/"
    assert answer(address, "/?token=wrong", **known)["Location"] == "/"
    # From a file that leads there, or a link in another page.
    for site in ("cross-site", "same-site"):
        said = answer(address, f"/?token={token}&theme=dark", Sec_Fetch_Site=site)
        assert said["Refresh"] == "0; url=/?theme=dark"
        assert said["Referrer-Policy"] == "no-referrer"
        assert said["Set-Cookie"]
    assert set(command.kernels()) <= before


@pytest.mark.parametrize(
    "sent",
    [
        *({"Sec_Fetch_Dest": shown_as} for shown_as in ("image", "iframe", "empty", "script")),
        {"Sec_Fetch_Dest": "document", "Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Dest": "document", "Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Dest": "iframe", "Sec_Fetch_Site": "same-origin"},
    ],
)
def test_another_page_starts_no_kernel(demo: tuple[Command, str], sent: dict[str, str]) -> None:
    """Even in the browser that has the cookie, such as a page of another port."""
    command, address = demo
    before, sent = set(command.kernels()), {**sent, "Cookie": cookie(address)}
    for path in ("/", "/?theme=dark", "/?token=wrong", "/?token="):
        assert status(address, "GET", path, **sent) == 403
    if sent["Sec_Fetch_Dest"] != "document":
        path = "/?" + address.partition("?")[2]
        assert status(address, "GET", path, **sent) == 403
    assert set(command.kernels()) <= before


def test_the_token_in_the_address_is_enough(demo: tuple[Command, str]) -> None:
    """For all that the page needs; who knows it may come from anywhere."""
    _, address = demo
    token, found = address.partition("?")[2], re.search(KERNEL_ID, get(address))
    assert found
    foreign = {"Origin": "http://example.org"}
    channel = f"/api/kernels/{found[1]}/channels?{token}"
    assert status(address, "GET", channel, **WEBSOCKET, **foreign) == 101
    assert status(address, "GET", f"{FILES[0]}?{token}") == 200
    assert status(address, "GET", f"/voila/files/app.ipynb?{token}") == 403
    assert status(address, "POST", f"/api/kernels?{token}", "") == 405
    shutdown = f"/voila/api/shutdown/{found[1]}?{token}"
    assert status(address, "POST", shutdown, "", **foreign) == 204


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_the_page_is_opened_reloaded_and_typed(demo: tuple[Command, str], site: str) -> None:
    """The address without the token is enough for the browser that was there."""
    command, address = demo
    before = set(command.kernels())
    sent = {"Sec_Fetch_Dest": "document", "Sec_Fetch_Site": site, "Cookie": cookie(address)}
    assert status(address, "GET", "/", **sent) == 200
    assert len(set(command.kernels()) - before) == 1


def test_no_more_pages_than_allowed(start: Start) -> None:
    """Whether they are asked for one after the other or together."""
    command = start("demo", "--no-browser", "--port", "0", "--max-pages", "2")
    address, refused = command.read_address(), list[str]()
    opened: list[tuple[str, dict[str, str]]] = []

    def visit() -> None:
        try:
            opened.append(open_page(address))
        except urllib.error.HTTPError as full:
            refused.append(f"{full.code} {full.read().decode()}")

    visitors = [threading.Thread(target=visit) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert (len(opened), len(refused), len(command.kernels())) == (2, 2, 2)
    assert refused[0].startswith("503")
    assert "2 pages are open, the maximum: close one and reload" in refused[0]
    assert close_page(address, *opened[0]) == 204
    assert re.search(KERNEL_ID, get(address))
    end(command, signal.SIGINT)


@pytest.mark.parametrize("count", ["0", "-1", "x", ""])
def test_bad_count_of_pages(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["demo", f"--max-pages={count}"])
    assert ended.value.code == 2
    assert f"must be a whole number of 1 or more, got {count!r}" in capsys.readouterr().err


def test_two_demos_move_on_from_a_taken_port(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # Both probe at about the same time, so one may lose the port that it has found free.
        demos = [start("demo", "--no-browser", "--port", str(port)) for _ in range(2)]
        addresses = [each.read_address() for each in demos]
        assert len({port, *(urlsplit(each).port for each in addresses)}) == 3
        assert [status(each) for each in addresses] == [302, 302]
    for each in demos:
        end(each, signal.SIGINT)


def test_sigterm_ends_the_demo_and_its_kernels(start: Start) -> None:
    command = start("demo", "--no-browser", "--port", "0")
    get(command.read_address())
    assert command.kernels()
    command.process.send_signal(signal.SIGTERM)
    end(command, signal.SIGTERM)  # impatience does no harm


def test_a_signal_while_a_kernel_starts(start: Start) -> None:
    command = start("demo", "--no-browser", "--port", "0")
    address = command.read_address()

    def visit() -> None:
        with suppress(OSError, http.client.HTTPException):  # the answer is cut off
            get(address)

    visitor = threading.Thread(target=visit)
    visitor.start()
    wait_for(command.kernels)
    end(command, signal.SIGINT)
    visitor.join()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks /proc for the moment")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_demo_starts(number: signal.Signals, start: Start) -> None:
    command = start("demo", "--no-browser", "--port", "0")
    wait_for(lambda: handles_sigterm(command.process.pid))
    end(command, number)


def test_the_browser_is_opened_on_the_page(start: Start, tmp_path: Path) -> None:
    pipe, program = tmp_path / "pipe", tmp_path / "browser"
    os.mkfifo(pipe)
    program.write_text(f'#!/bin/sh\necho "$1" > "{pipe}"\n')
    program.chmod(0o755)
    command = start("demo", "--port", "0", BROWSER=f"{program} %s")
    address = command.read_address()
    link = pipe.read_text().strip()
    assert "token" not in link
    # A file that leads there, which only its owner can read.
    path = Path(urllib.request.url2pathname(urlsplit(link).path))
    assert f"url={address}" in path.read_text()
    assert path.parent.stat().st_mode & 0o077 == 0
    end(command, signal.SIGINT)


def test_a_browser_that_fails_does_no_harm(start: Start) -> None:
    command = start("demo", "--port", "0", BROWSER="no-such-browser %s")
    assert status(command.read_address()) == 302
    end(command, signal.SIGINT)


def test_a_failing_server_shows_its_last_lines(start: Start) -> None:
    no_ports = (
        "import errno, tornado.web\n"
        "def listen(*args, **options): raise OSError(errno.EADDRINUSE, 'in use')\n"
        "tornado.web.Application.listen = listen\n"
    )
    command = start("demo", "--no-browser", code=no_ports + RUN)
    first, *others = command.rest().splitlines()
    assert first == "heatwidget: demo failed: SystemExit(1)"
    assert "no available port could be found" in "\n".join(others)
    assert len(others) <= 20
    assert command.process.returncode == 1


def test_view_says_what_is_wrong_with_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone\n.npz"
    assert f"No such file or directory: '{tmp_path}/gone\\" in failed(capsys, "view", str(gone))
    cut = tmp_path / "cut.npz"
    cut.write_bytes(samples.path("core-activations").read_bytes()[:-1])
    assert f"{cut} is not: BadZipFile" in failed(capsys, "view", str(cut))
    assert "FILE must be the path of a file" in failed(capsys, "view", "")


def test_view_asks_where_it_cannot_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two axes without names may be anything; so may two arrays."""
    path = str(tmp_path / "two.npz")
    np.savez(path, a=np.ones((3, 4)), b=np.ones((2, 3, 4)))
    said = failed(capsys, "view", path)
    assert "'a' (3, 4) float64, 'b' (2, 3, 4) float64; use --name" in said
    said = failed(capsys, "view", path, "--name", "a")
    assert "dims must name the 2 axes of the array, such as layer, token" in said
    assert f"(in {path}); use --dims, such as --dims" in said
    said = failed(capsys, "view", path, "--name=a", "--dims=layer")
    assert f"once, got 1: ('layer',) (in {path}); use --dims" in said
    said = failed(
        capsys, *("view", path, "--name=a", "--dims=layer, token", "--widget=convergence")
    )
    assert "needs axes iteration and token or prompt, the file has layer, token\n" in said
    page = view_page(path, name="b", dims=None, widget=None)
    assert '"dims": ["iteration", "layer", "token"]' in page.environment["HEATWIDGET_VIEW"]


@pytest.mark.parametrize(
    ("dims", "widgets"),
    [
        (("iteration", "prompt"), ("convergence",)),
        (("token", "layer"), ("activation",)),
        (("token", "iteration", "layer"), ("convergence", "activation")),
        (("iteration", "layer"), ("heatmap",)),
    ],
)
def test_view_shows_all_heatmaps_that_the_axes_fit(
    dims: tuple[str, ...], widgets: tuple[str, ...]
) -> None:
    assert choose_widgets(dims, None) == widgets
    for name in set(widgets) - {"heatmap"}:
        assert choose_widgets(dims, name) == (name,)


def shown(page: Page, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[str]]:
    """What a page says above its heatmaps, and their kinds."""
    for name, value in page.environment.items():
        monkeypatch.setenv(name, value)
    made = make_page()
    text, *heatmaps = made.children
    kinds = [type(heatmap).__name__ for heatmap in heatmaps]
    said = text.value
    for widget in (made, *made.children):
        widget.close()
    return said, kinds


def test_distances_are_shown_on_a_log_scale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cube = heatwidget.LiveArray({"iteration": 2, "layer": 3, "token": 4}, quantity="‖x − x*‖")
    cube[:] = 1
    heatwidget.save(cube, tmp_path / "run.npz")
    page = view_page(str(tmp_path / "run.npz"), name=None, dims=None, widget=None)
    for name, value in page.environment.items():
        monkeypatch.setenv(name, value)
    made = make_page()
    assert [heatmap.color_scale for heatmap in made.children[1:]] == ["log", "log"]
    for widget in (made, *made.children):
        widget.close()


def test_the_page_shows_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "<b>&.npz"
    np.savez(path, values=np.ones((2, 3, 4)), dims=["token", "layer", "iteration"])
    page = view_page(str(path), name=None, dims=None, widget=None)
    assert page.title == "<b>&.npz"
    heading = "<h1>&lt;b&gt;&amp;.npz</h1><p>2 tokens × 3 layers × 4 iterations, float64</p>"
    assert shown(page, monkeypatch) == (heading, ["ConvergenceHeatmap", "ActivationHeatmap"])
    page = view_page(str(path), name="values", dims=None, widget="activation")
    assert shown(page, monkeypatch) == (heading, ["ActivationHeatmap"])
    path.unlink()
    said, heatmaps = shown(page, monkeypatch)
    assert "No such file or directory" in said
    assert "&lt;b&gt;" in said
    assert heatmaps == []


def test_the_page_alone_shows_a_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that its notebook can be run like any other."""
    text, kinds = shown(Page("view", "view.ipynb"), monkeypatch)
    assert "64 iterations × 4 layers × 42 tokens" in text
    assert kinds == ["ConvergenceHeatmap", "ActivationHeatmap"]


def test_view_serves_a_file_of_any_name(start: Start, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/<script>'\"{{x}}%s\n\xff.npz"
    Path(os.fsdecode(path)).write_bytes(samples.path("core-activations").read_bytes())
    command = start("view", os.fsdecode(path), "--no-browser", "--port", "0")
    page = get(command.read_address())
    titles = [html.unescape(text) for text in re.findall("<title>(.*)</title>", page)]
    assert "<script>'\"{{x}}%s\\n\\udcff.npz" in titles
    assert "<script>'" not in page
    assert "There was an error when executing cell" not in page
    end(command, signal.SIGINT)
