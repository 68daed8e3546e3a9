"""A real kernel to measure in: what widgets send goes out over its sockets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).resolve().parents[1]

_START_SECONDS = 60


def measure_in_kernel(function: str, **arguments: Any) -> Any:
    """Value of a function of this folder, called in a kernel of its own.

    Parameters
    ----------
    function : str
        Its full name, such as ``benchmarks.live.measure``.
    **arguments
        What it is called with; like its value, no more than JSON can carry.

    Raises
    ------
    RuntimeError
        If it raises; the message is its traceback.
    """
    module, name = function.rsplit(".", 1)
    code = (
        f"import json\nfrom {module} import {name}\n"
        f"print('RESULT' + json.dumps({name}(**json.loads({json.dumps(arguments)!r}))))"
    )
    manager, client = start_new_kernel(
        startup_timeout=_START_SECONDS, cwd=str(ROOT), extra_arguments=["--log-level=ERROR"]
    )
    printed: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "error":
            raise RuntimeError("\n".join(content["traceback"]))
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            printed.append(content["text"])

    try:
        client.execute_interactive(code, allow_stdin=False, output_hook=hear)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return json.loads("".join(printed).partition("RESULT")[2])
