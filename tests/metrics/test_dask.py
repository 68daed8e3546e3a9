"""The metrics of dask arrays: numpy's numbers, and nothing computed before they are asked for."""

from __future__ import annotations

from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatwidget.metrics import (
    cosine_to,
    normalize_activations,
    relative_residuals,
    residual_norms,
    step_norms,
)

from .cases import DTYPES, RULES, random_array, rounding

pytestmark = pytest.mark.filterwarnings("error")

STATE_METRICS = [residual_norms, relative_residuals, step_norms, cosine_to]


@st.composite
def chunked(draw: st.DrawFn, shape: tuple[int, ...], x: np.ndarray) -> da.Array:
    """The array in chunks of any sizes."""
    cuts = [draw(st.lists(st.integers(1, n - 1), unique=True)) if n > 1 else [] for n in shape]
    edges = [[0, *sorted(cut), n] for cut, n in zip(cuts, shape, strict=True)]
    return da.from_array(x, chunks=tuple(tuple(np.diff(edge).tolist()) for edge in edges))


@settings(max_examples=30, deadline=None)
@given(st.data(), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 12))
def test_equals_numpy(data: st.DataObject, lead: list[int], d_model: int) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shape = (*lead, d_model)
    x, y = (random_array(rng, shape, data.draw(st.sampled_from(DTYPES))) for _ in range(2))
    cut = data.draw(st.integers(0, len(shape)))
    y = np.ascontiguousarray(y[tuple(slice(data.draw(st.sampled_from([1, n]))) for n in shape)])
    y = y[(0,) * cut] if cut == len(shape) or y.shape[:cut] == (1,) * cut else y
    lazy = data.draw(chunked(shape, x)), data.draw(chunked(y.shape, y))
    calls: list[tuple[Any, ...]] = [(metric,) for metric in STATE_METRICS]
    calls += [
        (metric, i) for metric in (residual_norms, relative_residuals, cosine_to) for i in (1, 2)
    ]
    for metric, *given_y in calls:
        expected = metric(x, *(y for _ in given_y))
        found = metric(lazy[0], *(lazy[1] if i == 1 else y for i in given_y))
        assert isinstance(found, da.Array)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        with np.errstate(all="raise"), dask.config.set(scheduler="synchronous"):
            values = found.compute()
        assert (np.shape(values), values.dtype) == (expected.shape, expected.dtype)
        rtol = rounding(expected.dtype, d_model)
        atol = 10 * rtol if metric is cosine_to else 0
        np.testing.assert_allclose(values, expected, rtol=2 * rtol, atol=atol)


@settings(max_examples=60, deadline=None)
@given(
    st.data(),
    st.lists(st.integers(1, 6), min_size=2, max_size=3),
    st.sampled_from(DTYPES),
    st.sampled_from(RULES),
    st.sampled_from([0.6, 0.9, 1]),
)
def test_normalized_equals_numpy(
    data: st.DataObject, shape: list[int], dtype: str, rule: Any, quantile: float
) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    x = random_array(rng, tuple(shape), dtype)
    if x.dtype.kind == "f":
        x[rng.random(x.shape) < 0.2] = rng.choice([np.nan, np.inf, -np.inf, 0])
    found = normalize_activations(data.draw(chunked(tuple(shape), x)), rule=rule, quantile=quantile)
    expected = normalize_activations(x, rule=rule, quantile=quantile)
    assert isinstance(found, da.Array)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_array_equal(found.compute(), expected)


def unreadable(shape: tuple[int, ...], chunks: tuple[int, ...]) -> da.Array:
    """An array whose chunks cannot be had."""

    def read(block: np.ndarray) -> np.ndarray:
        raise LookupError("a chunk was read")

    meta = np.empty((0,) * len(shape), np.float32)
    return da.zeros(shape, chunks=chunks).map_blocks(read, meta=meta)


def test_nothing_is_computed_at_the_call() -> None:
    x = unreadable((5, 40, 64), (2, 7, 30))
    results = [metric(x) for metric in STATE_METRICS]
    results += [residual_norms(x, reference=x), step_norms(x, relative=True)]
    results += [normalize_activations(x, rule=rule) for rule in RULES]
    for result in results:
        with pytest.raises(LookupError, match="a chunk was read"):
            result.compute()


def test_far_more_than_memory_is_only_a_plan() -> None:
    x = da.zeros((1000, 10_000, 5280), dtype=np.float32, chunks=(50, 500, 1000))
    assert residual_norms(x).shape == (1000, 10_000)
    assert residual_norms(x).chunksize == (50, 500)


def test_results_computed_together_do_not_share_memory() -> None:
    x = da.from_array(np.random.default_rng(0).random((4, 6, 5)), chunks=2)
    together = dask.compute(residual_norms(x), relative_residuals(x))
    np.testing.assert_array_equal(together[0], residual_norms(x).compute())
    np.testing.assert_array_equal(together[1], relative_residuals(x).compute())


def test_squares_may_leave_the_range_and_zeros_give_no_warning() -> None:
    x = np.array([[3e25, 4e25, 0, 0], [0, 0, 3e-30, 4e-30], [0, 0, 0, 0]], np.float32)
    lazy = da.from_array(x, chunks=(1, 1))
    np.testing.assert_allclose(residual_norms(lazy).compute(), [5e25, 5e-30, 0], rtol=1e-6)
    np.testing.assert_array_equal(relative_residuals(lazy).compute(), [np.inf, np.inf, np.nan])
    assert np.isnan(cosine_to(lazy).compute()).all()


def test_masked_chunks_count_as_nan() -> None:
    x = np.arange(24.0).reshape(3, 2, 4)
    lazy = da.ma.masked_equal(da.from_array(x, chunks=(2, 1, 3)), 5)
    assert np.isnan(residual_norms(lazy).compute()).tolist() == [[0, 1], [0, 0], [0, 0]]
    assert np.isnan(normalize_activations(lazy).compute()).sum() == 1


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 3)])
def test_empty_activations(rule: Any, shape: tuple[int, ...]) -> None:
    assert normalize_activations(da.zeros(shape), rule=rule).compute().shape == shape


def test_an_axis_alone() -> None:
    x = da.from_array(np.array([3.0, 5, 4]), chunks=2)
    assert normalize_activations(x, rule="global", dims=["token"]).compute().tolist() == [0, 1, 0.5]
    assert normalize_activations(x, rule="token", dims=["token"]).compute().tolist() == [0, 0, 0]


def test_wrong_arrays_are_named() -> None:
    x = da.ones((4, 3), chunks=2)
    with pytest.raises(TypeError, match=r"^latent_states must be .* real numbers, got dtype comp"):
        residual_norms(x.astype(complex))
    with pytest.raises(TypeError, match=r"^fixed_point must be .* real numbers, got dtype comp"):
        residual_norms(x, np.ones(3, complex))
    with pytest.raises(ValueError, match=r"^latent_states must have a known shape, got \(nan, 3\)"):
        residual_norms(x[x[:, 0] > 0])
    with pytest.raises(ValueError, match=r"latent_states \(4, 3\), got shape \(2,\)$"):
        residual_norms(x, da.ones(2))
