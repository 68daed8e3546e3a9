"""`capture.iterations`: rows of a module that its user calls."""

from __future__ import annotations

from itertools import pairwise
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from heatwidget import capture
from heatwidget.arrays import LiveArray

N_TOKENS = 3
POINT = torch.tensor([[1.0, 2.0, 2.0, 4.0]]).repeat(N_TOKENS, 1)


class Halve(nn.Module):
    """Halves the distance to a point, which is its fixed point."""

    def __init__(self) -> None:
        super().__init__()
        self.point = nn.Parameter(POINT.clone())

    def forward(self, state: Tensor) -> Tensor:
        return (state + self.point) / 2


class LastToken(Halve):
    """Puts out as many of the last tokens as it is told."""

    n_tokens = N_TOKENS

    def forward(self, state: Tensor) -> Tensor:
        return super().forward(state)[:, -self.n_tokens :]


class Wrapped(Halve):
    """The same, with other things around the state."""

    def forward(self, state: Tensor) -> Any:
        return {"note": None, "state": super().forward(state)}


@pytest.fixture
def states() -> list[Tensor]:
    """Outputs of six calls, shape (1, token, d_model), the slow way."""
    state, found = torch.ones(1, N_TOKENS, 4), []
    for _ in range(6):
        state = (state + POINT) / 2
        found.append(state)
    return found


def run(module: Any, n_calls: int, state: Tensor | None = None) -> Tensor:
    state = torch.ones(1, N_TOKENS, 4) if state is None else state
    for _ in range(n_calls):
        output = module(state)
        state = output["state"] if isinstance(output, dict) else output
    return state


@pytest.mark.parametrize("kind", [Halve, Wrapped])
def test_step_norms(kind: type[Halve], states: list[Tensor]) -> None:
    """Each call's distance from the one before, from the second on; room doubles."""
    module = kind()
    with capture.iterations(module, tokens=["a", "b", "c"], iterations=2) as live:
        assert not live.written.any()
        run(module, 6)
        assert live.written[:5].all()
    expected = torch.cat([(b - a).norm(dim=-1) for a, b in pairwise(states)])
    np.testing.assert_allclose(live[:5], expected, rtol=1e-6)
    assert live.shape == (8, N_TOKENS)
    assert live.axes[0].bounds == (2, 9)
    assert live.axes[1].labels == ("a", "b", "c")
    assert live.quantity == "‖x_k − x_(k−1)‖"
    assert live.attrs["title"] == kind.__name__


@pytest.mark.parametrize("metric", ["residual_norms", "relative_residuals", "cosine_to"])
def test_against_a_fixed_point(metric: str, states: list[Tensor]) -> None:
    """The first call is iteration 1."""
    module = Halve()
    with capture.iterations(
        module, tokens=N_TOKENS, metric=metric, fixed_point=POINT, iterations=6
    ) as live:
        run(module, 6)
    x = torch.cat(states).double()
    residuals = (x - POINT).norm(dim=-1)
    expected = {
        "residual_norms": residuals,
        "relative_residuals": residuals / POINT.norm(dim=-1),
        "cosine_to": torch.nn.functional.cosine_similarity(x, POINT[None].double(), dim=-1),
    }
    np.testing.assert_allclose(live.to_numpy(), expected[metric], rtol=1e-6)
    assert live.axes[0].bounds == (1, 6)


def test_own_metric_and_array(states: list[Tensor]) -> None:
    """Rows go on where the array ends, without an axis for the batch or with one."""
    module = Halve()
    live = LiveArray({"iteration": 4, "prompt": 2})
    live[0] = 7

    def spread(output: Tensor) -> Tensor:
        assert not output.requires_grad
        assert not torch.is_grad_enabled()
        return output.std(dim=-1)[:, 0]

    with capture.iterations(module, live=live, metric=spread) as same:
        run(module, 2, torch.ones(2, N_TOKENS, 4))
    assert same is live
    assert live.quantity == "spread"
    expected = torch.cat(states[:2]).std(dim=-1)[:, 0]
    np.testing.assert_allclose(live[1:3], expected[:, None].repeat(1, 2), rtol=1e-6)
    assert not live.written[3].any()


def test_the_users_run_is_its_own() -> None:
    """Gradients flow, modes stay, the output is what it was; and no hook is left."""
    module = Halve()
    with capture.iterations(module, tokens=N_TOKENS):
        output = run(module, 3)
        assert torch.is_grad_enabled()
        assert module.training
    output.sum().backward()
    assert module.point.grad is not None
    assert torch.equal(output, run(module, 3))
    assert not module._forward_hooks


def test_output_written_over_by_its_user() -> None:
    """The state before is kept as it was when it came."""
    module = Halve().requires_grad_(False)
    with capture.iterations(module, tokens=N_TOKENS) as live:
        output = module(torch.ones(1, N_TOKENS, 4))
        kept = output.clone()
        output.zero_()
        after = module(kept)
    np.testing.assert_allclose(live[0], (after - kept)[0].norm(dim=-1), rtol=1e-6)


def test_another_thread() -> None:
    """Rows come on the thread that the model runs on."""
    module = Halve()
    with capture.iterations(module, tokens=N_TOKENS, iterations=50) as live:
        thread = Thread(target=run, args=(module, 51))
        thread.start()
        thread.join()
    assert live.written.all()


def test_no_hook_stays_after_an_error() -> None:
    """Not of the user's own, nor of a row that does not fit."""
    module = Halve()
    with pytest.raises(ArithmeticError), capture.iterations(module, tokens=N_TOKENS):
        raise ArithmeticError
    assert not module._forward_hooks
    with (
        pytest.raises(ValueError, match=r"must give a row of shape \(2,\), got \(1, 3\)"),
        capture.iterations(module, tokens=2),
    ):
        run(module, 2)
    assert not module._forward_hooks


def test_one_token_is_not_spread_over_all() -> None:
    """As when a model goes on to generate, one token at a time."""
    module = LastToken()
    with capture.iterations(module, tokens=N_TOKENS, metric=lambda x: x.sum(dim=-1)) as live:
        run(module, 2)
        module.n_tokens = 1
        with pytest.raises(ValueError, match=r"a row of shape \(3,\), got \(1, 1\)"):
            run(module, 1)
    assert live.n_written == 2 * N_TOKENS


def test_module_without_a_tensor() -> None:
    class Text(nn.Module):
        def forward(self) -> str:
            return "state"

    module = Text()
    with (
        pytest.raises(TypeError, match="must take and return tensors, got str"),
        capture.iterations(module, tokens=1),
    ):
        module()
    assert not module._forward_hooks


def test_number_of_tokens_is_that_of_the_first_row(states: list[Tensor]) -> None:
    """As a user would begin: nothing is known of the module yet."""
    module, requests = Halve(), []
    with capture.iterations(module) as live:
        source = live.watch(lambda: requests.append(live.shape))
        run(module, 6)
    assert live.shape == (64, N_TOKENS)
    assert requests[:2] == [(64, N_TOKENS)] * 2
    steps = torch.stack([(b - a)[0].norm(dim=-1) for a, b in pairwise(states)])
    np.testing.assert_allclose(live.to_numpy()[:5], steps.numpy(), rtol=1e-6)
    assert source.axes == live.axes


@pytest.mark.parametrize(
    ("module", "options", "error", "message"),
    [
        (print, {"tokens": 3}, TypeError, "module must be a torch.nn.Module, got builtin"),
        (Halve(), {"tokens": 3, "live": 4}, TypeError, "give either tokens or live, got 3 and 4"),
        (Halve(), {"tokens": 0}, ValueError, "token must have a size of 1 or more"),
        (Halve(), {"live": 3}, TypeError, "live must be a LiveArray, got int"),
        (Halve(), {"tokens": 3, "metric": "cosine_to"}, ValueError, "'cosine_to' needs a fixed_"),
        (Halve(), {"tokens": 3, "fixed_point": POINT}, ValueError, "'step_norms' takes no fixed_"),
        (Halve(), {"tokens": 3, "metric": "norm"}, ValueError, "metric must be callable or one"),
        (Halve(), {"tokens": 3, "iterations": 0}, ValueError, "iterations must be 1 or more"),
    ],
)
def test_wrong_arguments(
    module: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message), capture.iterations(module, **options):
        raise AssertionError("not reached")
