"""A computation in the kernel that a test lets through, one iteration after the other."""

from __future__ import annotations

import secrets
import socket
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tests.browser.conftest import NotebookPage


class Producer:
    """Computation that fills a live array: at each iteration it works until it is let through.

    It is made in the kernel. What a test sees before it lets the last one through has not
    waited for the end.

    Parameters
    ----------
    values : ndarray, shape (iteration, ...)
        What it writes.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values
        self._n_let_through = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        # The port, and a word without which nobody is listened to. The client of a kernel that
        # has ended looks for it for ever, and greets whoever has its port now.
        self.address: tuple[int, str] = (self._server.getsockname()[1], secrets.token_hex(16))
        Thread(target=self._listen, daemon=True).start()

    def __call__(self, live: Any) -> None:
        """Write row after row; it ends when it has been let through once more than that."""
        for k, row in enumerate(self._values):
            self._work(k)
            live[k] = row
        self._work(len(self._values))

    def _work(self, k: int) -> None:
        """Compute as a model does, and never wait."""
        state = np.eye(64)
        while self._n_let_through <= k:
            state = np.tanh(state @ state)

    def _listen(self) -> None:
        while True:
            connection, _ = self._server.accept()
            Thread(target=self._follow, args=(connection,), daemon=True).start()

    def _follow(self, connection: socket.socket) -> None:
        """Let through as much as a connection says, if it begins with the word."""
        with connection, connection.makefile("rb") as received:
            if received.readline().decode("ascii", "replace").strip() == self.address[1]:
                while received.read(1):
                    self._n_let_through += 1


class Passes:
    """The test's side of a `Producer`: lets it through, also while it keeps the kernel busy."""

    def __init__(self, host: NotebookPage, producer: str = "producer") -> None:
        port, word = host.value(f"{producer}.address")
        self._connection = socket.create_connection(("127.0.0.1", port))
        self._connection.sendall(f"{word}\n".encode())

    def let(self, iterations: int) -> None:
        """Let so many more iterations through."""
        self._connection.sendall(bytes(iterations))

    def close(self) -> None:
        """Let nothing more through."""
        self._connection.close()
