"""Kinds of array together: the latent states decide, and what is not used is not imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import pytest
import torch

from heatwidget import LiveArray
from heatwidget.metrics import cosine_to, relative_residuals, residual_norms

METRICS = [residual_norms, relative_residuals, cosine_to]
STATES = np.random.default_rng(0).standard_normal((6, 3, 8)).astype(np.float32)
LONGER = np.random.default_rng(1).standard_normal((9, 3, 8)).astype(np.float32)


def lazy(array: Any) -> da.Array:
    return da.from_array(np.array(array), chunks=2)


def read_only(array: np.ndarray) -> np.ndarray:
    turned = np.array(array)[..., ::-1].copy()[..., ::-1]
    turned.flags.writeable = False
    return turned


KINDS: dict[str, tuple[Callable[[Any], Any], type]] = {
    "numpy": (read_only, np.ndarray),
    "torch": (torch.tensor, torch.Tensor),
    "dask": (lazy, da.Array),
    "list": (np.ndarray.tolist, np.ndarray),
}


@pytest.mark.parametrize("other", KINDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", METRICS)
def test_the_states_decide(metric: Callable[..., Any], kind: str, other: str) -> None:
    (make, result_type), (make_other, _) = KINDS[kind], KINDS[other]
    x = make(STATES)
    results = [metric(x, make_other(LONGER[-1])), metric(x, reference=make_other(LONGER))]
    results += [metric(make(STATES[2]), reference=make_other(LONGER))]
    expected = metric(STATES, LONGER[-1])
    for result, numbers in zip(results, (expected, expected, expected[2]), strict=True):
        assert type(result) is result_type
        np.testing.assert_allclose(np.asarray(result), numbers, rtol=1e-6, atol=1e-6)


def test_a_half_precision_tensor_is_a_fixed_point_of_numpys() -> None:
    for dtype in (torch.bfloat16, torch.float16, torch.float8_e4m3fn):
        fixed_point = torch.ones(8, dtype=dtype).requires_grad_(dtype != torch.float8_e4m3fn)
        found = residual_norms(STATES, fixed_point)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, residual_norms(STATES, np.ones(8, np.float32)))


def test_numpys_fixed_point_of_any_kind_is_one_of_tensors() -> None:
    masked = np.ma.array(np.ones((3, 1), ">f2"), mask=[[0], [1], [0]])
    found = residual_norms(torch.tensor(STATES), masked)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), residual_norms(STATES, masked), rtol=1e-6)


def test_labelled_arrays_are_read_as_arrays() -> None:
    xarray = pytest.importorskip("xarray")
    expected = residual_norms(STATES)
    labelled = xarray.DataArray(STATES, dims=("iteration", "token", "d_model"))
    np.testing.assert_array_equal(residual_norms(labelled), expected)
    live = LiveArray({"iteration": 6, "layer": 3, "token": 8})
    live[:] = STATES
    np.testing.assert_array_equal(residual_norms(live), expected)


@pytest.mark.parametrize("metric", METRICS)
def test_wrong_references_are_named(metric: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"^give either fixed_point or reference, got both"):
        metric(STATES, STATES[-1], reference=LONGER)
    with pytest.raises(TypeError, match=r"^reference must be an array of real numbers, got dtype"):
        metric(STATES, reference=LONGER.astype(complex))
    with pytest.raises(ValueError, match=r"^reference must have an iteration axis .* shape \(8,\)"):
        metric(STATES, reference=LONGER[0, 0])
    with pytest.raises(ValueError, match=r"^reference must hold a state, got shape \(0, 3, 8\)"):
        metric(STATES, reference=LONGER[:0])
    message = r"^the last state of reference must broadcast to .* \(6, 3, 8\), got shape \(2, 8\)$"
    with pytest.raises(ValueError, match=message):
        metric(STATES, reference=LONGER[:, :2])


def test_numpy_brings_neither_torch_nor_dask() -> None:
    code = (
        "import sys, numpy, heatwidget as hw; x = numpy.ones((3, 4)); hw.residual_norms(x, x);"
        "hw.cosine_to(x, reference=x); hw.normalize_activations(x, rule='quantile');"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "dask", "ipywidgets"} & set(run.stdout.split())
