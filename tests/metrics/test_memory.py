"""What the metrics hold beside their results."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from heatwidget.metrics import (
    blocks,
    cosine_to,
    normalize_activations,
    relative_residuals,
    residual_norms,
    step_norms,
)

from .cases import RULES

STATE_METRICS = [residual_norms, relative_residuals, step_norms, cosine_to]


def peak_bytes(call: Callable[[], np.ndarray]) -> int:
    """The most memory held beyond the result."""
    tracemalloc.start()
    try:
        result = call()
        return tracemalloc.get_traced_memory()[1] - result.nbytes
    finally:
        tracemalloc.stop()


def big(kind: str, shape: tuple[int, ...]) -> np.ndarray:
    if kind == "masked":
        return np.ma.array(np.zeros(shape, "f4"), mask=np.broadcast_to(False, shape))
    return np.zeros(shape, kind)  # untouched pages: quick, and as large to a full-size temporary


@pytest.fixture
def eighth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of an eighth of their size, so that an eighth of the memory shows a leak."""
    monkeypatch.setattr(blocks, "BLOCK_CELLS", blocks.BLOCK_CELLS // 8)
    monkeypatch.setattr(blocks, "KEPT_CELLS", blocks.KEPT_CELLS // 8)


@pytest.mark.parametrize("kind", ["f2", "f4", ">f8", "i4", "masked"])
@pytest.mark.parametrize("metric", STATE_METRICS)
def test_states_of_any_kind_take_little_memory(
    eighth: None, kind: str, metric: Callable[..., np.ndarray]
) -> None:
    x = big(kind, (5, 250, 2048))
    assert peak_bytes(lambda: metric(x)) < 64e6 / 8


def test_large_states_take_little_memory() -> None:
    x = np.zeros((64, 600, 2048), np.float32)
    assert x.nbytes > 300e6
    x[0, 0, 0], x[1, 1, 1] = 1, np.nan
    assert peak_bytes(lambda: residual_norms(x)) < 64e6
    assert peak_bytes(lambda: residual_norms(x, x)) < 64e6
    assert peak_bytes(lambda: residual_norms(x.reshape(3, -1))) < 64e6
    x = np.zeros((20, 20, 25_000))
    assert peak_bytes(lambda: normalize_activations(x, rule="global")) < 64e6


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["f2", ">f8"])
def test_activations_take_little_memory(eighth: None, rule: Any, kind: str) -> None:
    x = big(kind, (20, 20, 10_000))
    assert peak_bytes(lambda: normalize_activations(x, rule=rule)) < 64e6 / 8
