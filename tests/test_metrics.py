"""The metrics against plain float64 numpy, which may take all the memory it likes."""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatwidget.metrics import (
    activations,
    blocks,
    cosine_to,
    normalization_label,
    normalize_activations,
    relative_residuals,
    residual_norms,
    step_norms,
)
from heatwidget.metrics import norms as distances

pytestmark = pytest.mark.filterwarnings("error")

STATE_METRICS = [residual_norms, relative_residuals, step_norms, cosine_to]
DTYPES = ["f2", "f4", "f8", ">f2", ">f4", ">f8", "i1", "u2", ">i4", "i8", "?"]
SINGLE = {"f2", "f4", ">f2", ">f4", "i1", "u2", "?"}
RULES = ["layer", "token", "global", "quantile"]
BLOCKS = [2, 5, 16, 50, blocks.BLOCK_CELLS]


def random_array(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    scale = {"?": 1, "i1": 30, "u2": 9000}.get(dtype, 1000)
    values = rng.standard_normal(shape) * scale
    return np.asarray(abs(values) if dtype in ("u2", "?") else values).astype(dtype)


def relaid(array: np.ndarray, how: str) -> np.ndarray:
    """The same values in another layout, read-only."""
    if how == "fortran":
        array = np.asfortranarray(array)
    elif how == "reversed":
        array = array[..., ::-1].copy()[..., ::-1]
    elif how == "swapped":
        array = array.swapaxes(0, -1).copy().swapaxes(0, -1)
    elif how == "gaps":
        every_other = (slice(None, None, 2),) * array.ndim
        wide = np.zeros([2 * n for n in array.shape], array.dtype)
        wide[every_other] = array
        array = wide[every_other]
    array.flags.writeable = False
    return array


def plain_norms(difference: np.ndarray) -> np.ndarray:
    return np.sqrt((difference * difference).sum(axis=-1))


def rounding(dtype: np.dtype, d_model: int) -> float:
    return 4 * float(np.finfo(dtype).eps) * np.sqrt(d_model + 4)


@st.composite
def state_cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Latent states, a fixed point and a block size."""
    lead = draw(st.lists(st.integers(0, 5), min_size=1, max_size=3))
    shape = (*lead, draw(st.integers(1, 40)))
    dtype, other = draw(st.sampled_from(DTYPES)), draw(st.sampled_from(DTYPES))
    layout = st.sampled_from(["plain", "fortran", "reversed", "gaps", "swapped"])
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = relaid(random_array(rng, shape, dtype), draw(layout))
    y = None
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(shape)))
        ones = draw(st.sets(st.integers(0, len(shape) - 1)))
        small = tuple(1 if i in ones else n for i, n in enumerate(shape))[cut:]
        y = relaid(random_array(rng, small, other), draw(layout) if small else "plain")
    return x, y, draw(st.sampled_from(BLOCKS))


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
        patch.setattr(distances, "_KEPT_CELLS", kept)
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
    np.testing.assert_array_equal(blocks._widened(finite), finite.astype(np.float32))
    np.testing.assert_array_equal(blocks._widened(half), half.astype(np.float32))


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


# Memory -------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(distances, "_KEPT_CELLS", distances._KEPT_CELLS // 8)


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


# Activations --------------------------------------------------------------------------------------


def plain_normalized(x: np.ndarray, rule: str, quantile: float) -> np.ndarray:
    x = x.astype(np.float64)
    kept = np.where(np.isfinite(x), x, np.nan)
    if rule == "quantile":
        values = np.sort(kept[np.isfinite(kept)])
        if not values.size:
            return x
        rank = int(np.ceil(quantile * values.size)) - 1
        low, high = sorted((values[values.size - 1 - rank], values[rank]))
    else:
        pool = {"layer": (-1,), "token": (-2,), "global": (-1, -2)}[rule]
        pool += (-3,) if x.ndim == 3 else ()
        low = np.fmin.reduce(kept, axis=pool, keepdims=True, initial=np.inf)
        high = np.fmax.reduce(kept, axis=pool, keepdims=True, initial=-np.inf)
        low, high = np.where(low > high, 0, low), np.where(low > high, 0, high)
    span = np.where(high > low, high - low, 1)
    return np.where(np.isfinite(x), np.clip((x - low) / span, 0, high > low), x)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 7), min_size=2, max_size=3),
    st.sampled_from(DTYPES),
    st.sampled_from(["plain", "fortran", "reversed", "gaps", "swapped"]),
    st.sampled_from(RULES),
    st.sampled_from(BLOCKS),
    st.sampled_from([0.6, 0.9, 0.99, 1]),
    st.integers(0, 2**32),
)
def test_normalized_equals_plain(
    shape: list[int], dtype: str, layout: str, rule: Any, block: int, quantile: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = random_array(rng, tuple(shape), dtype)
    if x.dtype.kind == "f":
        x[rng.random(x.shape) < 0.2] = rng.choice([np.nan, np.inf, -np.inf, 0])
    x = relaid(x, layout)
    before = x.tobytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_CELLS", block)
        result = normalize_activations(x, rule=rule, quantile=quantile)
    assert x.tobytes() == before
    assert result.dtype == np.result_type(x.dtype, np.float32)
    expected = plain_normalized(x, rule, quantile)
    # Near 0 the error is one rounding of `low`, as large as the values and not as their span.
    tolerance = 1e-5 if result.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)
    finite = result[np.isfinite(result)]
    assert ((finite >= 0) & (finite <= 1)).all()


def test_each_rule_on_numbers_one_can_check() -> None:
    x = np.array([[0.0, 1, 4], [10, 20, 10]])
    assert normalize_activations(x).tolist() == [[0, 0.25, 1], [0, 1, 0]]
    assert normalize_activations(x, rule="token").tolist() == [[0, 0, 0], [1, 1, 1]]
    assert normalize_activations(x, rule="global").tolist() == (x / 20).tolist()
    cube = np.stack([x, 2 * x])
    assert normalize_activations(cube)[0].tolist() == [[0, 0.125, 0.5], [0, 1 / 3, 0]]
    assert normalize_activations(np.full((2, 3), 7.0)).tolist() == [[0] * 3] * 2
    prompts = normalize_activations(x.T, rule="prompt", dims=("prompt", "layer"))
    assert prompts.T.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert normalize_activations([3.0, 5, 4], rule="global", dims=["token"]).tolist() == [0, 1, 0.5]


def test_massive_activations_do_not_flatten_the_rest() -> None:
    x = np.linspace(-1, 1, 1000, dtype=np.float32).reshape(10, 100)
    x[3, 4], x[0, 0] = 1e30, -1e30
    scaled = normalize_activations(x, rule="quantile")
    assert (scaled[3, 4], scaled[0, 0]) == (1, 0)
    assert np.ptp(scaled[5]) > 0.1
    assert np.ptp(normalize_activations(x, rule="global")[5]) == 0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(width=32), min_size=1, max_size=60),
    st.sampled_from([np.float32, np.float64]),
    st.data(),
)
def test_ranked_is_the_sorted_value(values: list[float], dtype: Any, data: st.DataObject) -> None:
    x = np.array(values, dtype)
    ordered = np.sort(x[np.isfinite(x)])
    if ordered.size:
        rank = data.draw(st.integers(0, ordered.size - 1))
        assert activations._ranked(x, rank, x.dtype) == ordered[rank]


@pytest.mark.parametrize("rule", RULES)
def test_a_span_wider_than_the_dtype_is_no_overflow(rule: Any) -> None:
    top = np.finfo(np.float32).max
    x = np.array([[-top, 0, top], [top, 0, -top]], np.float32)
    expected = [[0, 0, 1], [1, 0, 0]] if rule == "token" else [[0, 0.5, 1], [1, 0.5, 0]]
    assert normalize_activations(x, rule=rule).tolist() == expected


@pytest.mark.parametrize("rule", RULES)
def test_slices_without_a_finite_value_pass_through(rule: Any) -> None:
    x = np.array([[np.nan, np.inf], [-np.inf, np.nan]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(normalize_activations(x, rule=rule), x)
    assert normalize_activations(np.ones((0, 3)), rule=rule).shape == (0, 3)


def test_labels_say_the_rule() -> None:
    assert normalization_label("layer") == "activation, 0..1 within each layer"
    assert normalization_label("quantile") == "activation, 0..1 from quantile 0.01 to 0.99"
    assert "0.05 to 0.95" in normalization_label("quantile", quantile=0.95)
    assert len({normalization_label(rule) for rule in (*RULES, "prompt")}) == 5


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"rule": "row"}, "rule must be one of 'layer', 'token', .*, got 'row'"),
        ({"quantile": 0.5}, "quantile must be above 0.5 and at most 1, got 0.5"),
        ({"quantile": float("nan")}, "quantile must be above 0.5 and at most 1, got nan"),
        ({"rule": "prompt"}, r"rule 'prompt' .* needs .*, got dims \('layer', 'token'\)"),
        ({"dims": ["layer"]}, r"dims must name each axis of activations \(2, 3\) once"),
        ({"dims": ["a", "a"]}, "dims must name each axis .* once, got "),
        ({"dims": "ab"}, "dims must name each axis .* once, got 'ab'"),
    ],
)
def test_wrong_options_are_named(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"^" + message):
        normalize_activations(np.ones((2, 3)), **kwargs)


def test_wrong_activations_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"^activations must have shape \(layer, token\) or .*\(3,"
    ):
        normalize_activations(np.ones(3))
    with pytest.raises(ValueError, match=r"^dims must name each axis of activations \(\) once"):
        normalize_activations(1.0, rule="global", dims=())
    with pytest.raises(TypeError, match=r"^activations must be an array of real numbers"):
        normalize_activations(np.ones((2, 3), complex))
