"""Activations brought to 0..1, against plain numpy."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatwidget.metrics import blocks, normalization_label, normalize_activations, numpy_arrays

from .cases import BLOCKS, DTYPES, LAYOUTS, RULES, random_array, relaid

pytestmark = pytest.mark.filterwarnings("error")


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
    st.sampled_from(LAYOUTS),
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


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(width=32), min_size=1, max_size=60),
    st.sampled_from([np.float32, np.float64]),
    st.floats(0.5, 1, exclude_min=True),
    st.sampled_from(BLOCKS),
)
def test_quantiles_are_the_sorted_values(
    values: list[float], dtype: Any, quantile: float, block: int
) -> None:
    x = np.array(values, dtype)
    ordered = np.sort(x[np.isfinite(x)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_CELLS", block)
        low, high = numpy_arrays.quantiles(x, quantile, x.dtype)
    if ordered.size:
        rank = math.ceil(quantile * ordered.size) - 1
        assert (low, high) == (ordered[ordered.size - 1 - rank], ordered[rank])


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
