"""The metrics of torch tensors: numpy's numbers, on the tensors' own device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
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

from .cases import BLOCKS, RULES, rounding

pytestmark = pytest.mark.filterwarnings("error")

STATE_METRICS = [residual_norms, relative_residuals, step_norms, cosine_to]
SINGLE = [torch.float32, torch.float16, torch.bfloat16, torch.int8, torch.uint8, torch.bool]
DOUBLE = [torch.float64, torch.int32, torch.int64]
# Numbers whose squares leave float32's range, or that have no norm.
WILD = [np.nan, np.inf, -np.inf, 0, 1, -1, 3e38, -3e38, 1e-30, 1e-45, -1e-40, 1e20, 65504]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """On a busy machine each tiny operation would wait for torch's other threads."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def laid_out(tensor: torch.Tensor, how: str) -> torch.Tensor:
    """The same values in another order of memory."""
    if how == "turned" and tensor.ndim:
        return tensor.transpose(0, -1).contiguous().transpose(0, -1)
    if how == "gaps" and tensor.ndim:
        return torch.stack((tensor, tensor), dim=-1)[..., 0]
    return tensor.clone()


def random_tensor(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> torch.Tensor:
    values = rng.standard_normal(shape) * 40
    if not dtype.is_floating_point:
        values = abs(values)
    return torch.as_tensor(np.asarray(values)).to(dtype)


@st.composite
def cases(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor | None, int]:
    """Latent states, a fixed point and a block size."""
    shape = (*draw(st.lists(st.integers(0, 4), min_size=1, max_size=3)), draw(st.integers(1, 40)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kinds, layouts = st.sampled_from(SINGLE + DOUBLE), st.sampled_from(["plain", "turned", "gaps"])
    x, y = laid_out(random_tensor(rng, shape, draw(kinds)), draw(layouts)), None
    if draw(st.booleans()):
        small = [1 if draw(st.booleans()) else n for n in shape][draw(st.integers(0, len(shape))) :]
        y = laid_out(random_tensor(rng, tuple(small), draw(kinds)), draw(layouts))
    return x, y, draw(st.sampled_from(BLOCKS))


@settings(max_examples=150, deadline=None)
@given(cases(), st.sampled_from([0, 10, 1 << 20]))
def test_equals_numpy(case: tuple[torch.Tensor, torch.Tensor | None, int], kept: int) -> None:
    x, y, block = case
    before = x.clone()
    wide = [None if part is None else part.double().numpy() for part in (x, y)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_CELLS", block)
        patch.setattr(blocks, "KEPT_CELLS", kept)
        found = [metric(x, y) for metric in (residual_norms, relative_residuals, cosine_to)]
        found += [step_norms(x), step_norms(x, relative=True)]
    expected = [metric(*wide) for metric in (residual_norms, relative_residuals, cosine_to)]
    expected += [step_norms(wide[0]), step_norms(wide[0], relative=True)]
    assert x.equal(before)
    for i, (tensor, array) in enumerate(zip(found, expected, strict=True)):
        inputs = (x, x if y is None or i > 2 else y)
        assert type(tensor) is torch.Tensor
        assert tensor.dtype == (torch.float32 if all_single(inputs) else torch.float64)
        tolerance = 3 * rounding(tensor.numpy().dtype, x.shape[-1])
        atol = 5 * tolerance if i == 2 else 0
        np.testing.assert_allclose(tensor.numpy(), array, rtol=tolerance, atol=atol)


def all_single(tensors: tuple[torch.Tensor, ...]) -> bool:
    return all(tensor.dtype in SINGLE for tensor in tensors)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(WILD), min_size=5, max_size=5), min_size=2, max_size=6),
    st.sampled_from(BLOCKS),
)
def test_extreme_numbers_are_numpys(rows: list[list[float]], block: int) -> None:
    x = np.array(rows, np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_CELLS", block)
        for metric in STATE_METRICS:
            tensor, array = metric(torch.from_numpy(x)), metric(x)
            np.testing.assert_allclose(tensor.numpy(), array, rtol=1e-6, atol=1e-44)
        tensor, array = (residual_norms(one, np.float32(0)) for one in (torch.from_numpy(x), x))
        np.testing.assert_allclose(tensor.numpy(), array, rtol=1e-6, atol=1e-44)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 7), min_size=2, max_size=3),
    st.sampled_from(SINGLE + DOUBLE),
    st.sampled_from(["plain", "turned", "gaps"]),
    st.sampled_from(RULES),
    st.sampled_from(BLOCKS),
    st.sampled_from([0.6, 0.9, 1]),
    st.integers(0, 2**32),
)
def test_normalized_equals_numpy(
    shape: list[int], dtype: Any, layout: str, rule: Any, block: int, quantile: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = random_tensor(rng, tuple(shape), dtype)
    if dtype.is_floating_point:
        x[torch.from_numpy(rng.random(shape) < 0.2)] = rng.choice(WILD[:5])
    x = laid_out(x, layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_CELLS", block)
        found = normalize_activations(x, rule=rule, quantile=quantile)
    plain = x.double().numpy() if dtype in DOUBLE else x.float().numpy()
    expected = normalize_activations(plain, rule=rule, quantile=quantile)
    assert type(found) is torch.Tensor
    assert found.numpy().dtype == expected.dtype
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-6)


def test_a_span_wider_than_the_dtype_and_an_axis_alone() -> None:
    x = torch.tensor([[-3e38, 0, 3e38]])
    assert normalize_activations(x).tolist() == [[0, 0.5, 1]]
    assert normalize_activations(x[0], rule="layer", dims=["layer"]).tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32, torch.float8_e4m3fn])
def test_rare_dtypes(dtype: torch.dtype) -> None:
    x = torch.tensor([[0, 0], [3, 4]]).to(dtype)
    for metric in STATE_METRICS:
        np.testing.assert_array_equal(metric(x).numpy(), metric(x.double().numpy()))


def test_half_precision_is_subtracted_in_single() -> None:
    x = torch.tensor([[2048.0, 65504], [1, -65504]], dtype=torch.float16)
    assert residual_norms(x)[0] == pytest.approx(np.hypot(2047.0, 131008))


def test_near_convergence_the_difference_is_what_counts() -> None:
    fixed_point = torch.full((2048,), 100.0)
    almost = fixed_point + 1e-3 * torch.eye(2048)[0]
    assert 0 <= 1 - cosine_to(almost, fixed_point) < 1e-9
    assert cosine_to(fixed_point, fixed_point) == 1
    assert cosine_to(-fixed_point, fixed_point) == pytest.approx(-1, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_rounding_stays_small_over_many_elements(dtype: torch.dtype) -> None:
    """Also where all additions round the same way."""
    shape = (2, 3 * blocks.BLOCK_CELLS + 5)
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    expected = (x[0].double() - x[1].double()).norm()
    assert residual_norms(x)[0] == pytest.approx(float(expected), rel=2e-6)
    for d_model in (513, 5280, 100_003):
        x = torch.full((2, d_model), 0.1, dtype=dtype)
        expected = x[0].double().norm()
        assert residual_norms(x, 0)[1] == pytest.approx(float(expected), rel=2e-6)


@pytest.mark.parametrize("metric", [*STATE_METRICS, normalize_activations])
def test_no_gradient_is_kept(metric: Callable[..., torch.Tensor]) -> None:
    weight = torch.nn.Parameter(torch.ones(3, 4))
    for x in (weight, weight * 2):
        found = metric(x)
        assert (found.requires_grad, found.grad_fn, type(found)) == (False, None, torch.Tensor)
    with torch.inference_mode():
        inferred = torch.ones(3, 4)
    assert metric(inferred).tolist() == metric(weight).tolist()


@pytest.mark.parametrize("answer", [True, False])
def test_all_is_done_on_the_device(monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    """Meta tensors refuse to meet others; they hold no values, so what is asked is answered."""
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda self: answer, raising=False)
    x = torch.empty((5, 3, 8), device="meta", dtype=torch.bfloat16)
    results = [metric(x) for metric in STATE_METRICS]
    for elsewhere in (torch.ones(8), np.ones(8)):
        results += [metric(x[0], elsewhere) for metric in (relative_residuals, cosine_to)]
    results += [normalize_activations(x, rule=rule) for rule in ("layer", "token", "global")]
    assert {result.device.type for result in results} == {"meta"}


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (torch.ones((2, 3), dtype=torch.complex64), "torch.complex64, torch.strided"),
        (torch.ones((2, 3)).to_sparse(), "torch.float32, torch.sparse_coo"),
    ],
)
def test_wrong_tensors_are_named(x: torch.Tensor, kind: str) -> None:
    for metric in STATE_METRICS:
        with pytest.raises(TypeError, match=f"^latent_states must be .* real numbers, got {kind}"):
            metric(x)
    with pytest.raises(TypeError, match=f"^fixed_point must be .* real numbers, got {kind}"):
        residual_norms(np.ones((2, 3)), x)
    with pytest.raises(TypeError, match=f"^activations must be .* real numbers, got {kind}"):
        normalize_activations(x)


def test_wrong_shapes_are_named() -> None:
    x = torch.ones(2, 3, 4)
    with pytest.raises(ValueError, match=r"latent_states \(2, 3, 4\), got shape \(5,\)$"):
        residual_norms(x, torch.ones(5))
    with pytest.raises(ValueError, match=r"^latent_states must have a d_model .* shape \(2, 0\)$"):
        residual_norms(torch.ones(2, 0))
    with pytest.raises(ValueError, match=r"iteration axis before d_model, got shape \(4,\)$"):
        step_norms(x[0, 0])


def peak_bytes(call: Callable[[], torch.Tensor]) -> int:
    """The most memory held beyond the result, as torch's own allocator tells it."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        result = call()
    events = profile.profiler.kineto_results.events()
    changes = [(event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]"]
    held = np.cumsum([n_bytes for _, n_bytes in sorted(changes)])
    assert held[-1] == result.nbytes  # nothing is missing from the account
    return int(held.max()) - result.nbytes


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64, torch.int32])
def test_tensors_of_any_kind_take_little_memory(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    """Shown with blocks of an eighth of their size and an eighth of the memory."""
    for name in ("BLOCK_CELLS", "KEPT_CELLS"):
        monkeypatch.setattr(blocks, name, getattr(blocks, name) // 8)
    x = torch.zeros((5, 250, 2048), dtype=dtype)
    calls = [partial(metric, x) for metric in (*STATE_METRICS, normalize_activations)]
    calls += [partial(residual_norms, x, x), partial(residual_norms, x.reshape(5, -1))]
    calls += [partial(normalize_activations, x, rule="quantile")]
    for call in calls:
        assert peak_bytes(call) < 64e6 / 8


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_list_of_tensors_is_stacked(dtype: torch.dtype) -> None:
    """As a model gives its hidden states; no gradient is kept."""
    x = torch.rand(4, 3, 8).to(dtype)
    layers = tuple(layer.requires_grad_() for layer in x.clone())
    for metric in (*STATE_METRICS, normalize_activations):
        found = metric(layers)
        assert type(found) is torch.Tensor
        assert not found.requires_grad
        assert torch.equal(found, metric(x))
    fixed_point = list(x[-1])
    assert torch.equal(residual_norms(list(layers), fixed_point), residual_norms(x, x[-1]))
    assert torch.equal(residual_norms(layers, reference=[*layers, x[0]]), residual_norms(x, x[0]))
    with pytest.raises(ValueError, match=r"^latent_states must hold tensors of one shape"):
        step_norms([torch.ones(3, 8), torch.ones(2, 8)])
