"""Fixtures of the in-process widget tests."""

from __future__ import annotations

from collections.abc import Iterator

import comm
import pytest
from ipywidgets.widgets.widget import _instances

from tests.widgets.recorder import Recorder


@pytest.fixture(autouse=True)
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Record what widgets send; close at the end what a test has left open."""
    recorder = Recorder()
    monkeypatch.setattr(comm, "create_comm", recorder.create_comm)
    before = set(_instances)
    yield recorder
    for model_id in set(_instances) - before:
        if model_id in _instances:
            _instances[model_id].close()
