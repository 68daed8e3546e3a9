"""Distances of numpy's arrays against plain float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatwidget.metrics import (
    blocks,
    cosine_to,
    normalize_activations,
    relative_residuals,
    residual_norms,
    step_norms,
)

from .cases import BLOCKS, SINGLE, plain_norms, rounding, state_cases

pytestmark = pytest.mark.filterwarnings("error")

STATE_METRICS = [residual_norms, relative_residuals, step_norms, cosine_to]


@settings(max_examples=150, deadline=None)
@given(state_cases(), st.sampled_from([0, 10, 1 << 20]))
def test_blockwise_equals_plain_float64(
    case: tuple[np.ndarray, np.ndarray | None, int], kept: int
) -> None:
    x, y, block = case
    before = x.tobytes(), None if y is None else y.tobytes()
    x64 = x.astype(np.float64)
    y64 = x64[-1:] if y is None else y.astype(np.float64)
    single = x.dtype.str.lstrip("<|=b") in SINGLE or x.dtype.kind == "b"
    if y is not None:
        single &= np.result_type(y.dtype, np.float32) == np.float32
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_CELLS", block)
        patch.setattr(blocks, "KEPT_CELLS", kept)
        norms = residual_norms(x, y)
        relative = relative_residuals(x, y)
        steps = step_norms(x)
        relative_steps = step_norms(x, relative=True)
        cosines = cosine_to(x, y)
    assert (x.tobytes(), None if y is None else y.tobytes()) == before

    dtype = np.dtype(np.float32 if single else np.float64)
    assert norms.dtype == relative.dtype == cosines.dtype == dtype
    assert norms.shape == relative.shape == cosines.shape == x.shape[:-1]
    rtol = rounding(dtype, x.shape[-1])
    with np.errstate(all="ignore"):
        expected = plain_norms(x64 - y64)
        np.testing.assert_allclose(norms, expected, rtol=rtol)
        y_norms = plain_norms(np.broadcast_to(y64, x.shape))
        np.testing.assert_allclose(relative, expected / y_norms, rtol=2 * rtol)
        dots = (x64 * y64).sum(axis=-1) / plain_norms(x64) / y_norms
        np.testing.assert_allclose(cosines, dots, rtol=0, atol=10 * rtol)
        expected = plain_norms(x64[1:] - x64[:-1])
        step_rtol = rounding(steps.dtype, x.shape[-1])
        np.testing.assert_allclose(steps, expected, rtol=step_rtol)
        expected = expected / plain_norms(x64[1:])
        np.testing.assert_allclose(relative_steps, expected, rtol=2 * step_rtol)
    assert not (abs(cosines) > 1).any()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_rounding_stays_small_over_many_elements(dtype: str) -> None:
    rng = np.random.default_rng(3)
    x = rng.random((2, 3 * blocks.BLOCK_CELLS + 5)).astype(dtype)
    expected = plain_norms(x[:1].astype(np.float64) - x[1:])[0]
    assert residual_norms(x)[0] == pytest.approx(expected, rel=2e-6 if dtype != "f8" else 1e-13)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("d_model", [511, 512, 513, 5280, 100_003, blocks.BLOCK_CELLS])
def test_rounding_stays_small_where_all_errors_go_one_way(dtype: str, d_model: int) -> None:
    """Equal elements: the same rounding in each addition, whatever sums them."""
    x = np.full((2, d_model), 0.1, dtype)
    expected = float(x[0, 0]) * np.sqrt(d_model)
    rel = float(np.finfo(dtype).eps)
    assert residual_norms(x, np.zeros(1, dtype)) == pytest.approx([expected] * 2, rel=4 * rel)
    assert cosine_to(x, x) == pytest.approx([1, 1], rel=rel)
    assert cosine_to(x, -x) == pytest.approx([-1, -1], rel=8 * rel)


def test_near_convergence_the_difference_is_what_counts() -> None:
    fixed_point = np.full(2048, 100, np.float32)
    x = fixed_point.copy()
    x[7] = np.nextafter(x[7], np.float32(200))
    step = float(x[7]) - 100
    assert residual_norms(x, fixed_point) == np.float32(step)
    almost = fixed_point + np.float32(1e-3) * np.eye(2048, dtype=np.float32)[0]
    assert 0 <= 1 - cosine_to(almost, fixed_point) < 1e-9
    assert cosine_to(fixed_point, fixed_point) == 1
    assert cosine_to(-fixed_point, fixed_point) == pytest.approx(-1, rel=1e-6)


def test_opposite_states_do_not_leave_the_range_of_a_cosine() -> None:
    x = np.random.default_rng(0).standard_normal((500, 33)).astype(np.float32)
    cosines = cosine_to(x, -x)
    assert cosines.min() == -1
    assert cosines.max() < -0.999999


@given(
    st.integers(0, 2**32),
    st.sampled_from([("f4", 126), ("f8", 1000)]),
    st.floats(-1, 1),
    st.sampled_from(BLOCKS),
)
@settings(max_examples=100, deadline=None)
def test_a_power_of_two_scales_the_norm_exactly(
    seed: int, kind: tuple[str, int], power: float, block: int
) -> None:
    dtype, largest = kind
    rng = np.random.default_rng(seed)
    # Few bits and no small values, so that the scaled input is exact also where it is subnormal.
    x = (rng.integers(1, 16, (3, 4)) * rng.choice([-1, 1], (3, 4))).astype(dtype)
    exponent = int(power * (largest - 6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_CELLS", block)
        scaled = residual_norms(np.ldexp(x, exponent).astype(dtype), 0 * x)
        np.testing.assert_allclose(
            scaled, np.ldexp(residual_norms(x, 0 * x), exponent), rtol=rounding(x.dtype, 4)
        )
        cosines = cosine_to(np.ldexp(x, exponent).astype(dtype))
        np.testing.assert_allclose(cosines, cosine_to(x), atol=10 * rounding(x.dtype, 4))


def test_a_norm_too_large_for_the_dtype_is_inf_and_has_no_cosine() -> None:
    x = np.full((2, 9), 3e38, np.float32)
    assert residual_norms(x, np.zeros(9, np.float32)).tolist() == [np.inf, np.inf]
    assert np.isnan(cosine_to(x)).all()


@pytest.mark.parametrize("dtype", ["f2", ">f2", "f4", "f8"])
@pytest.mark.parametrize("block", [2, blocks.BLOCK_CELLS])
def test_nan_and_inf_stay_in_their_own_vectors(
    monkeypatch: pytest.MonkeyPatch, dtype: str, block: int
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_CELLS", block)
    x = np.ones((1, 6, 5), dtype)
    x[0, 1, 2], x[0, 2, 0], x[0, 3, 4] = np.nan, np.inf, -np.inf
    x[0, 4, 0], x[0, 4, 4] = np.nan, np.inf
    norms = residual_norms(x, np.zeros(5, dtype))[0]
    root = np.float32(np.sqrt(5))
    np.testing.assert_allclose(norms, [root, np.nan, np.inf, np.inf, np.nan, root], rtol=1e-6)
    assert np.isnan(cosine_to(x, np.ones(5, dtype))[0]).tolist() == [0, 1, 1, 1, 1, 0]


def test_division_by_a_zero_norm_is_what_ieee_says() -> None:
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    assert residual_norms(x).tolist() == [5, 0]
    assert relative_residuals(x)[0] == np.inf
    assert np.isnan(relative_residuals(x)[1])
    assert step_norms(x, relative=True)[0] == np.inf
    assert np.isnan(cosine_to(x)).all()


def test_every_half_precision_number_widens_exactly() -> None:
    half = np.arange(1 << 16).astype(np.uint16).view(np.float16)
    finite = half[np.isfinite(half)]
    for some in (finite, half, half[::-1], half[:0], np.array([-np.inf], np.float16)):
        for out in (None, np.empty(some.shape, np.float32)):
            wide = blocks.floats(some, np.dtype(np.float32), out)
            assert out is None or wide is out
            np.testing.assert_array_equal(wide, some.astype(np.float32))


def test_half_precision_is_subtracted_in_single() -> None:
    x = np.array([[2048.0, 65504], [1, -65504]], np.float16)
    assert residual_norms(x)[0] == pytest.approx(np.hypot(2047.0, 131008))


@pytest.mark.parametrize("block", [3, blocks.BLOCK_CELLS])
def test_masked_elements_count_as_nan(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(blocks, "BLOCK_CELLS", block)
    mask = np.zeros((3, 2, 4), bool)
    mask[0, 1, 2] = True
    x = np.ma.array(np.arange(24).reshape(3, 2, 4), mask=mask)
    assert np.isnan(residual_norms(x)).tolist() == [[0, 1], [0, 0], [0, 0]]
    assert np.isnan(cosine_to(x, x[0])).tolist() == [[0, 1], [0, 1], [0, 1]]
    assert np.isnan(residual_norms(np.ones((3, 2, 4)), x[0])).tolist() == [[0, 1]] * 3
    assert not np.ma.isMaskedArray(residual_norms(x))
    scaled = normalize_activations(x, rule="global")
    assert np.array_equal(np.isnan(scaled), mask)
    assert np.nanmax(scaled) == 1
    assert not np.isnan(residual_norms(np.ma.array(np.ones((2, 3))))).any()


def test_lists_scalars_and_single_vectors() -> None:
    assert residual_norms([[0, 0], [3, 4]]).tolist() == [5, 0]
    assert residual_norms([3, 4], 0) == 5
    assert residual_norms([3, 4], [0]).shape == ()
    assert relative_residuals(np.array([3, 4], np.float32), np.float32(1)) == pytest.approx(
        np.sqrt(13 / 2)
    )
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[0, 0], [3, 4]])
    assert residual_norms(matrix).shape == (2,)
    state = np.ones((7, 16), np.float16)
    assert residual_norms(state, np.zeros((7, 16), np.float16)).tolist() == [4] * 7
    wide = np.ones((2, 3), np.longdouble)
    assert residual_norms(wide).dtype == np.float64


def test_bfloat16_is_widened() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.array([[1, 1], [4, 5]], ml_dtypes.bfloat16)
    norms = residual_norms(x)
    assert (norms.tolist(), norms.dtype) == ([5, 0], np.float32)


def test_a_memory_map_is_read_in_place(tmp_path: Any) -> None:
    values = np.random.default_rng(0).random((3, 4, 5))
    np.save(tmp_path / "x.npy", values)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for metric in STATE_METRICS:
        np.testing.assert_array_equal(metric(mapped), metric(values))
        assert type(metric(mapped)) is np.ndarray


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4), (1, 2, 4)])
def test_empty_axes_give_empty_results(shape: tuple[int, ...]) -> None:
    x = np.ones(shape, np.float32)
    for metric in (residual_norms, relative_residuals, cosine_to):
        assert metric(x).shape == shape[:-1]
    assert step_norms(x, relative=True).shape == (max(0, shape[0] - 1), shape[1])


@pytest.mark.parametrize("metric", STATE_METRICS)
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones((2, 3), complex), TypeError, "array of real numbers, got dtype complex128"),
        ([[None, 1]], TypeError, "array of real numbers, got dtype object"),
        (["a"], TypeError, "array of real numbers, got dtype <U1"),
        (np.zeros((2, 3), "M8[s]"), TypeError, "array of real numbers, got dtype datetime64"),
        ([[1], [1, 2]], ValueError, "array of real numbers: .*inhomogeneous"),
        (1.0, ValueError, r"d_model axis that is not empty, got shape \(\)"),
        (np.ones((2, 0)), ValueError, r"d_model axis that is not empty, got shape \(2, 0\)"),
        (np.ones(3), ValueError, r"iteration axis before d_model, got shape \(3,\)"),
    ],
)
def test_wrong_latent_states_are_named(
    metric: Callable[..., np.ndarray], x: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=r"^latent_states must .*" + message):
        metric(x)


@pytest.mark.parametrize("metric", [residual_norms, relative_residuals, cosine_to])
@pytest.mark.parametrize("shape", [(3, 7), (2,), (1, 65, 5, 8), (64, 1, 1), (65, 5, 0), (0, 1, 1)])
def test_a_fixed_point_that_does_not_broadcast(
    metric: Callable[..., np.ndarray], shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="fixed_point must broadcast to") as caught:
        metric(np.ones((65, 5, 8)), np.ones(shape))
    expected = f"fixed_point must broadcast to latent_states (65, 5, 8), got shape {shape}"
    assert str(caught.value) == expected
    with pytest.raises(TypeError, match=r"^fixed_point must be an array of real numbers"):
        metric(np.ones((65, 5, 8)), np.ones(8, complex))
