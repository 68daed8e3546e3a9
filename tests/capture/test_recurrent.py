"""`capture.recurrent` against the formula computed the slow way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from heatwidget import capture
from heatwidget.arrays import LiveArray
from heatwidget.arrays.writing import before_write
from heatwidget.samples.recurrent import RecurrentModel, encode, load_model
from heatwidget.widgets.run import run

from .models import Contraction, WithoutGenerator

TEXT = "Mathematical and"
PROMPTS = ("deliberation", "in", "breaking complex problems")


@pytest.fixture(scope="module")
def model() -> RecurrentModel:
    return load_model()


@torch.no_grad()
def slow_states(model: Any, text: str, n_iterations: int, seed: int = 0) -> Tensor:
    """States through ``ln_f``, shape (iteration, token, d_model): one prompt, all of them kept."""
    torch.manual_seed(seed)
    input_embeds, block_idx = model.embed_inputs(encode(text))
    state = model.initialize_state(input_embeds)
    states = [model.transformer.ln_f(state)[0]]
    for k in range(n_iterations):
        state, block_idx, _ = model.iterate_one_step(
            input_embeds, state, block_idx=block_idx, current_step=k
        )
        states.append(model.transformer.ln_f(state)[0])
    return torch.stack(states)


def slow_metric(name: str, x: Tensor, end: Tensor) -> Tensor:
    """A metric of float64 states, by its formula."""
    if name == "step_norms":
        return (x[1:] - x[:-1]).norm(dim=-1)
    if name == "cosine_to":
        return torch.nn.functional.cosine_similarity(x, end[None], dim=-1)
    residuals = (x - end).norm(dim=-1)
    return residuals / end.norm(dim=-1) if name == "relative_residuals" else residuals


def test_formula_of_the_notebook(model: RecurrentModel) -> None:
    """``(ln_f(x_k) - x*).norm(dim=-1)`` for 65 iterations, x* the last state of the same run."""
    live = capture.recurrent(model, encode(TEXT), iterations=64, tokens=list(TEXT))
    states = slow_states(model, TEXT, 64)
    expected = (states - states[-1]).norm(dim=-1)
    np.testing.assert_allclose(live.to_numpy(), expected, rtol=1e-5)
    assert live.dims == ("iteration", "token")
    assert live.axes[0].bounds == (0, 64)
    assert live.axes[1].labels == tuple(TEXT)
    assert live.written.all()
    assert live.quantity == "‖x − x*‖"
    assert live.attrs == {
        "title": "RecurrentModel, seed 0",
        "model": "RecurrentModel",
        "metric": "residual_norms",
        "fixed_point": "state after 64 iterations",
        "iterations": 64,
        "seed": 0,
    }


@pytest.mark.parametrize("metric", ["residual_norms", "relative_residuals", "cosine_to"])
@pytest.mark.parametrize("fixed_point", ["last", "longer", "given"])
def test_metrics_and_fixed_points(model: RecurrentModel, metric: str, fixed_point: str) -> None:
    """Of the same run, of a longer one, and given."""
    states = slow_states(model, TEXT, 40).double()
    end = {"last": states[12], "longer": states[40], "given": states[25]}[fixed_point]
    given: Any = {"last": None, "longer": 40, "given": end.float()}[fixed_point]
    live = capture.recurrent(model, encode(TEXT), iterations=12, metric=metric, fixed_point=given)
    expected = slow_metric(metric, states[:13], end)
    np.testing.assert_allclose(live.to_numpy(), expected, rtol=2e-6, atol=2e-7)
    said = {"last": "state after 12 iterations", "longer": "state after 40 iterations"}
    assert live.attrs["fixed_point"] == said.get(fixed_point, "given")


def test_step_norms_begin_with_the_first_step(model: RecurrentModel) -> None:
    """No row is left pending, and none is made up."""
    live = capture.recurrent(model, encode(TEXT), iterations=12, metric="step_norms")
    states = slow_states(model, TEXT, 12).double()
    expected = slow_metric("step_norms", states, states[-1])
    np.testing.assert_allclose(live.to_numpy(), expected, rtol=2e-6)
    assert live.axes[0].bounds == (1, 12)
    assert live.written.all()
    assert live.attrs["fixed_point"] is None


def test_own_metric(model: RecurrentModel) -> None:
    """Gets states through ``ln_f``, with the axis of prompts, without gradients."""

    def largest(state: Tensor) -> Tensor:
        assert state.shape == (1, len(TEXT), 96)
        assert not torch.is_grad_enabled()
        return state.amax(dim=-1)

    live = capture.recurrent(model, encode(TEXT), iterations=5, metric=largest)
    np.testing.assert_allclose(live.to_numpy(), slow_states(model, TEXT, 5).amax(dim=-1), rtol=1e-6)
    assert live.quantity == "largest"


@pytest.mark.parametrize("reducer", ["last", "mean", "max"])
def test_prompts_of_different_lengths(model: RecurrentModel, reducer: str) -> None:
    """Each gives the numbers that it gives alone, to float32 rounding."""
    ids = [list(text.encode()) for text in PROMPTS]
    live = capture.recurrent(model, ids, iterations=30, prompts=PROMPTS, reducer=reducer)
    assert live.dims == ("iteration", "prompt")
    assert live.axes[1].labels == PROMPTS
    reduce = {"last": lambda x: x[:, -1], "mean": lambda x: x.mean(1), "max": lambda x: x.amax(1)}
    for column, text in enumerate(PROMPTS):
        states = slow_states(model, text, 30)
        expected = reduce[reducer]((states - states[-1]).norm(dim=-1))
        np.testing.assert_allclose(live[:, column], expected, rtol=1e-4, atol=2e-5)


def test_prompts_in_one_tensor(model: RecurrentModel) -> None:
    """Shape (prompt, token); one prompt has a prompt axis if it has a text."""
    ids = torch.cat([encode("abcdef"), encode("fedcba")])
    both = capture.recurrent(model, ids, iterations=4)
    one = capture.recurrent(model, ids[1:], iterations=4, prompts=["fedcba"])
    assert (both.dims, both.shape) == (("iteration", "prompt"), (5, 2))
    assert (one.dims, one.shape) == (("iteration", "prompt"), (5, 1))
    np.testing.assert_allclose(both[:, 1:], one.to_numpy(), rtol=1e-4)


@torch.no_grad()
def slow_core(model: RecurrentModel, n_iterations: int) -> Tensor:
    """Outputs of core blocks through ``ln_f``, shape (iteration, layer, token, d_model)."""
    seen: list[Tensor] = []
    blocks = model.transformer.core_block
    hooks = [b.register_forward_hook(lambda _, __, out: seen.append(out[0])) for b in blocks]
    slow_states(model, TEXT, n_iterations)
    for hook in hooks:
        hook.remove()
    return model.transformer.ln_f(torch.stack(seen)).unflatten(0, (n_iterations, len(blocks)))


def test_core_cube(model: RecurrentModel) -> None:
    """Each block against its own output at the end; the last block is the state itself."""
    options: Any = {"iterations": 20, "tokens": list(TEXT)}
    cube = capture.recurrent(model, encode(TEXT), layers="core", **options)
    outputs = slow_core(model, 20)
    expected = (outputs - outputs[-1]).norm(dim=-1)
    np.testing.assert_allclose(cube.to_numpy(), expected, rtol=1e-5)
    assert cube.dims == ("iteration", "layer", "token")
    assert [axis.bounds for axis in cube.axes[:2]] == [(1, 20), (1, 4)]
    plain = capture.recurrent(model, encode(TEXT), **options)
    np.testing.assert_allclose(cube[:, -1], plain[1:], rtol=1e-5)


def test_core_steps(model: RecurrentModel) -> None:
    """The first iteration of a block has no step before it."""
    cube = capture.recurrent(model, encode(TEXT), iterations=6, layers="core", metric="step_norms")
    outputs = slow_core(model, 6)
    np.testing.assert_allclose(
        cube.to_numpy(), (outputs[1:] - outputs[:-1]).norm(dim=-1), rtol=1e-5
    )
    assert cube.axes[0].bounds == (2, 6)


def test_seeds(model: RecurrentModel) -> None:
    """The same noise for the same seed, other noise for another."""
    runs = [capture.recurrent(model, encode(TEXT), iterations=3, seed=seed) for seed in (7, 7, 8)]
    np.testing.assert_array_equal(runs[0].to_numpy(), runs[1].to_numpy())
    assert (runs[0].to_numpy() != runs[2].to_numpy())[:-1].all()
    states = slow_states(model, TEXT, 3, seed=7)
    np.testing.assert_allclose(runs[0].to_numpy(), (states - states[-1]).norm(dim=-1), rtol=1e-5)
    assert runs[2].attrs["title"] == "RecurrentModel, seed 8"


def test_half_precision() -> None:
    """bfloat16 states are subtracted in float32: else the curve is one of rounding."""
    half = load_model().to(torch.bfloat16)
    live = capture.recurrent(half, encode(TEXT), iterations=10)
    states = slow_states(half, TEXT, 10)
    assert states.dtype == torch.bfloat16
    expected = (states.float() - states[-1].float()).norm(dim=-1)
    np.testing.assert_allclose(live.to_numpy(), expected, rtol=1e-5)
    assert not np.allclose(live.to_numpy(), (states - states[-1]).norm(dim=-1).float(), rtol=1e-5)


def test_model_that_takes_no_generator() -> None:
    """Seeded through torch's own, which goes on as before; dropout is off, then on again."""
    model = WithoutGenerator()
    model.transformer.prelude.eval()
    modes = [module.training for module in model.modules()]
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    first = torch.rand(1)
    live = capture.recurrent(model, encode(TEXT), iterations=9)
    assert torch.equal(torch.cat([first, torch.rand(1)]), expected)
    assert [module.training for module in model.modules()] == modes
    np.testing.assert_array_equal(live[-1], 0)
    states = slow_states(model.eval(), TEXT, 9)
    np.testing.assert_allclose(live.to_numpy(), (states - states[-1]).norm(dim=-1), rtol=1e-5)


def test_anything_with_the_methods() -> None:
    """Also one that is no module and writes into the state that it is given."""
    live = capture.recurrent(Contraction(), [3, 1, 4], iterations=20)
    point = torch.tensor([3.0, 1.0, 4.0])[:, None].expand(3, 3)
    torch.manual_seed(0)
    states = [torch.randn(3, 3)]
    for _ in range(20):
        states.append((states[-1] + point) / 2)
    expected = (torch.stack(states) - states[-1]).norm(dim=-1)
    np.testing.assert_allclose(live.to_numpy(), expected, rtol=1e-5)


def test_noise_of_a_prompt_does_not_depend_on_the_others() -> None:
    """Nor on the padding: with few numbers torch draws them in another way than with many."""
    rows = [[3, 1, 4, 1, 5, 9, 2], [6]]
    together = capture.recurrent(Contraction(), rows, iterations=3, reducer="mean")
    for i, row in enumerate(rows):
        alone = capture.recurrent(Contraction(), row, iterations=3, prompts=["a"], reducer="mean")
        np.testing.assert_allclose(together[:, i], alone[:, 0], rtol=1e-6)


def test_live_array_fills_row_by_row(model: RecurrentModel) -> None:
    """A watcher sees each iteration as soon as it is known; spare room stays pending."""
    live = LiveArray(
        {"iteration": 20, "token": list(TEXT)}, attrs={"mine": 1}, quantity="own words"
    )
    rows: list[int] = []
    source = live.watch(lambda: rows.append(live.n_written // len(TEXT)))
    result = capture.recurrent(model, encode(TEXT), iterations=9, live=live)
    assert result is live
    assert rows == list(range(1, 11))
    assert not live.written[10:].any()
    assert live.quantity == "own words"
    assert (live.attrs["mine"], live.attrs["seed"]) == (1, 0)
    source.close()


def test_model_is_left_as_it_was() -> None:
    """Parameters, hooks, gradients."""
    model = load_model().requires_grad_(True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    capture.recurrent(model, encode(TEXT), iterations=3, layers="core")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert torch.is_grad_enabled()


@contextmanager
def stopped_after(n_calls: int) -> Iterator[None]:
    """The next writes raise, as those of a run that was cancelled do."""
    calls = iter(range(n_calls))

    def stop() -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt("stop")

    token = before_write.set(stop)
    try:
        yield
    finally:
        before_write.reset(token)


@pytest.mark.parametrize("n_calls", [0, 3, 12])
def test_cancelled(n_calls: int) -> None:
    """In the first run, which looks for the fixed point, as in the second, which writes."""
    model = load_model().train()
    live = LiveArray({"iteration": range(1, 9), "layer": range(1, 5), "token": len(TEXT)})
    with stopped_after(n_calls), pytest.raises(KeyboardInterrupt, match="stop"):
        capture.recurrent(model, encode(TEXT), iterations=8, layers="core", live=live)
    assert live.written[:, 0, 0].sum() == max(n_calls - 8, 0)
    assert not any(module._forward_hooks for module in model.modules())
    assert all(module.training for module in model.modules())
    assert torch.is_grad_enabled()


def test_under_run(model: RecurrentModel) -> None:
    """Fills the array in the run's thread, and ends at once when the run is cancelled."""
    live = LiveArray({"iteration": 10, "token": list(TEXT)})
    done = run(lambda live: capture.recurrent(model, encode(TEXT), iterations=9, live=live), live)
    assert done.wait(60)
    assert live.written.all()
    far: Any = {"iterations": 9, "fixed_point": 10**9}
    endless = run(lambda live: capture.recurrent(model, encode(TEXT), live=live, **far), live)
    endless.cancel()
    assert not endless.wait(60)
    assert endless.cancelled


def test_error_in_the_model(model: RecurrentModel) -> None:
    """Comes through, and leaves no hook and no seed behind."""
    broken = load_model()
    broken.transformer.core_block[2].mlp.up = torch.nn.Linear(1, 1)
    state = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        capture.recurrent(broken, encode(TEXT), iterations=3, layers="core")
    assert not any(module._forward_hooks for module in broken.modules())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"iterations": 0}, ValueError, "iterations must be 1 or more, got 0"),
        ({"iterations": 2.0}, TypeError, "iterations must be a whole number, got 2.0"),
        (
            {"fixed_point": 2},
            ValueError,
            "fixed_point, as a number of iterations, must be 3 or more, got 2",
        ),
        (
            {"fixed_point": "end"},
            TypeError,
            "fixed_point, as a number of iterations, must be a whole number",
        ),
        ({"fixed_point": torch.zeros(5, 96)}, ValueError, "fixed_point must broadcast"),
        ({"metric": "residual"}, ValueError, "metric must be callable or one of 'residual_norms'"),
        ({"metric": 1}, TypeError, "metric must be a name or callable, got 1"),
        ({"metric": lambda x: x}, ValueError, r"metric must give one number for each of \(1, 16\)"),
        ({"metric": "step_norms", "fixed_point": 9}, ValueError, "takes no fixed_point"),
        ({"layers": "all"}, ValueError, "layers must be 'core' or None, got 'all'"),
        ({"layers": "core", "iterations": 1, "metric": "step_norms"}, ValueError, "2 or more"),
        ({"seed": -1}, ValueError, "seed must be 0 or more, got -1"),
        ({"tokens": ["a"]}, ValueError, "tokens must have one text for each of 16, got 1"),
        ({"tokens": TEXT}, TypeError, "tokens must be a sequence of 16 texts, got 'Math"),
        ({"prompts": ["a", "b"]}, ValueError, "prompts must have one text for each of 1, got 2"),
        ({"prompts": ["a"], "tokens": ["b"]}, TypeError, "either tokens or prompts"),
        ({"reducer": "sum"}, ValueError, "reducer must be one of 'last', 'mean', 'max'"),
        ({"live": np.zeros((4, 16))}, TypeError, "live must be a LiveArray, got ndarray"),
    ],
)
def test_wrong_arguments(
    model: RecurrentModel, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        capture.recurrent(model, encode(TEXT), **{"iterations": 3, **options})


@pytest.mark.parametrize(
    ("dims", "message"),
    [
        ({"iteration": 3, "token": 16}, "iteration 0..3, token 0..15, got axes iteration 0..2"),
        ({"iteration": 4, "token": 15}, "token 0..15, got axes iteration 0..3, token 0..14"),
        ({"iteration": 4, "prompt": 16}, "got axes iteration 0..3, prompt 0..15"),
        ({"token": 16, "iteration": 4}, "got axes token 0..15, iteration 0..3"),
        ({"iteration": range(1, 5), "token": 16}, "got axes iteration 1..4"),
        ({"iteration": 4, "layer": 1, "token": 16}, "got axes iteration 0..3, layer 0..0"),
    ],
)
def test_live_array_of_other_axes(model: RecurrentModel, dims: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        capture.recurrent(model, encode(TEXT), iterations=3, live=LiveArray(dims))


@pytest.mark.parametrize(
    ("remove", "missing"),
    [("embed_inputs", "embed_inputs"), ("transformer", "transformer.ln_f")],
)
def test_another_interface(monkeypatch: pytest.MonkeyPatch, remove: str, missing: str) -> None:
    """The error names all that is missing."""
    monkeypatch.delattr(Contraction, remove)
    with pytest.raises(TypeError, match=f"Huginn's interface, Contraction lacks {missing}$"):
        capture.recurrent(Contraction(), [1, 2], iterations=2)


def test_no_core_blocks() -> None:
    with pytest.raises(TypeError, match=r"Contraction lacks transformer.core_block$"):
        capture.recurrent(Contraction(), [1, 2], iterations=2, layers="core")
    with pytest.raises(TypeError, match="Linear lacks embed_inputs, initialize_state, iterate"):
        capture.recurrent(torch.nn.Linear(1, 1), [1, 2], iterations=2)


def test_core_blocks_that_are_not_called() -> None:
    """A cube with a layer left out would be a wrong picture."""
    model = load_model()
    blocks = model.transformer.core_block
    model._through = lambda part, x, block_idx: (x, block_idx)  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match=r"core blocks \[0, 1, 2, 3\] were not called"):
        capture.recurrent(model, encode(TEXT), iterations=2, layers="core")
    assert not any(block._forward_hooks for block in blocks)
