"""`capture.iterations`: rows of a module that its user calls."""

from __future__ import annotations

import sys
from itertools import pairwise
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from heatwidget import ConvergenceHeatmap, capture
from heatwidget.arrays import LiveArray
from heatwidget.capture.decoder import decoder_layers
from tests.widgets.helpers import htmls

from .models import transformer

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
    """Each call's distance from the one before, from the second on; room doubles, and goes."""
    module = kind()
    with capture.iterations(module, tokens=["a", "b", "c"], iterations=2) as live:
        assert not live.written.any()
        run(module, 6)
        assert live.written[:5].all()
        assert live.shape == (8, N_TOKENS)
    expected = torch.cat([(b - a).norm(dim=-1) for a, b in pairwise(states)])
    np.testing.assert_allclose(live.to_numpy(), expected, rtol=1e-6)
    assert live.axes[0].bounds == (2, 6)
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
    """Not of the user's own, nor of a row that does not fit; the user's run goes on."""
    module = Halve()
    with pytest.raises(ArithmeticError), capture.iterations(module, tokens=N_TOKENS):
        raise ArithmeticError
    assert not module._forward_hooks
    with (
        pytest.raises(ValueError, match=r"a row of shape \(2,\), call 2 of Halve gave \(1, 3\)"),
        capture.iterations(module, tokens=2),
    ):
        after = run(module, 4)
    assert torch.equal(after, run(module, 4))
    assert not module._forward_hooks


def test_one_token_is_not_spread_over_all() -> None:
    """As when a model goes on to generate, one token at a time; no row comes after that."""
    module, calls = LastToken(), []

    def total(state: Tensor) -> Tensor:
        calls.append(state)
        return state.sum(dim=-1)

    def block() -> None:
        with capture.iterations(module, live=live, metric=total):
            run(module, 2)
            module.n_tokens = 1
            run(module, 1)
            assert str(live.error).startswith("each call must give a row of shape (3,)")
            module.n_tokens = N_TOKENS
            run(module, 1)

    live = LiveArray({"iteration": 8, "token": N_TOKENS})
    with pytest.raises(ValueError, match=r"a row of shape \(3,\), call 3 of .* gave \(1, 1\)"):
        block()
    assert (live.n_written, len(calls)) == (2 * N_TOKENS, 3)


def test_an_error_of_the_block_is_not_hidden() -> None:
    """That of the capture is a note of it, where Python has notes."""
    module = Halve()

    def block() -> None:
        with capture.iterations(module, tokens=2):
            run(module, 2)
            raise ArithmeticError("mine")

    with pytest.raises(ArithmeticError, match="mine") as caught:
        block()
    if sys.version_info >= (3, 11):
        [note] = caught.value.__notes__
        assert note.startswith("The capture had stopped: ValueError: each call must give a row")
    assert not module._forward_hooks


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_goes_through_at_once(error: type[BaseException]) -> None:
    """Wherever it comes, and what was written before stays."""
    module, outputs = Halve(), []

    def metric(state: Tensor) -> Tensor:
        if live.n_written == 2 * N_TOKENS:
            raise error
        return state.sum(dim=-1)

    with pytest.raises(error), capture.iterations(module, metric=metric) as live:
        outputs.append(run(module, 3))
    assert not outputs
    assert live.shape == (2, N_TOKENS)
    assert (live.written.all(), live.error, dict(module._forward_hooks)) == (True, None, {})


def test_captures_of_one_module_within_each_other(states: list[Tensor]) -> None:
    """Each as if it were alone; one that fails leaves the others, and a metric may call it."""
    module = Halve()
    own = {"tokens": N_TOKENS, "metric": lambda x: (module(x) - x).norm(dim=-1)}
    with (
        capture.iterations(module) as outer,
        capture.iterations(module, **own) as inner,
        pytest.raises(ZeroDivisionError),
        capture.iterations(module, metric=lambda x: 1 / 0),
    ):
        run(module, 6)
    # What the inner one's metric calls is a call like any other to the outer one.
    assert outer.shape == (11, N_TOKENS)
    steps = torch.cat([(b - a).norm(dim=-1) for a, b in pairwise(states)])
    np.testing.assert_allclose(inner[:-1], steps, rtol=1e-6)
    assert inner.shape == (6, N_TOKENS)
    assert not module._forward_hooks


@pytest.mark.parametrize(
    ("n_calls", "options", "message"),
    [
        (0, {}, "nothing was recorded: Halve was not called inside the block"),
        (0, {"live": LiveArray({"iteration": 4, "token": 3})}, "Halve was not called inside"),
        (1, {}, "Halve was called once inside the block, and the first step needs two"),
        (2, {"metric": lambda x: None}, "metric gave None for each call of Halve"),
    ],
)
def test_nothing_recorded(n_calls: int, options: Any, message: str) -> None:
    module = Halve()
    with (
        pytest.raises(RuntimeError, match=message),
        capture.iterations(module, **options) as live,
    ):
        run(module, n_calls)
    assert len(live) == (4 if "live" in options else 64)
    assert not module._forward_hooks


def test_a_second_capture_into_the_same_array() -> None:
    """Goes on after what the first one has left; its error is gone."""
    module = Halve()
    live = LiveArray({"iteration": 4, "token": N_TOKENS})
    with (
        pytest.raises(ZeroDivisionError),
        capture.iterations(module, live=live, metric=lambda x: 1 / 0),
    ):
        run(module, 1)
    assert isinstance(live.error, ZeroDivisionError)
    with capture.iterations(module, live=live):
        assert live.error is None
        run(module, 3)
    assert (live.n_written, live.shape) == (2 * N_TOKENS, (4, N_TOKENS))


# Generation


class Generated:
    """A transformer that answers a batch of prompts, padded on the left."""

    lengths = (5, 3)
    n_new = 6

    def __init__(self, name: str, n_prompts: int, **options: Any) -> None:
        self.model = transformer(name).eval()
        self.layer = decoder_layers(self.model)[1]
        self.lengths = self.lengths[:n_prompts]
        ids, mask = torch.zeros(2, n_prompts, 5, dtype=torch.long)
        for i, n in enumerate(self.lengths):
            ids[i, 5 - n :] = torch.arange(7, 7 + n) * (i + 1)
            mask[i, 5 - n :] = 1
        self.options = {"input_ids": ids, "attention_mask": mask, "max_new_tokens": self.n_new}
        # No end of text, so that all prompts get as many tokens.
        self.options |= {"min_new_tokens": self.n_new, "pad_token_id": 0, "do_sample": True}
        self.options |= options

    def answer(self) -> Tensor:
        torch.manual_seed(3)
        ids: Tensor = self.model.generate(**self.options)
        return ids

    @torch.no_grad()
    def last_states(self, ids: Tensor) -> Tensor:
        """Output of the layer for each last token, (call, prompt, d_model), the slow way."""
        found = []
        for row, n in zip(ids, self.lengths, strict=True):
            alone = row[None, 5 - n :]
            states = self.model(alone, output_hidden_states=True).hidden_states[2][0]
            found.append(states[n - 1 : -1])
        return torch.stack(found, dim=1)


@pytest.mark.parametrize("name", ["llama", "gpt2"])
@pytest.mark.parametrize("n_prompts", [1, 2])
@pytest.mark.parametrize("use_cache", [True, False])
def test_last_tokens_while_it_generates(name: str, n_prompts: int, use_cache: bool) -> None:
    """One column for each call, from the prompt's own on; the answer is the same."""
    generated = Generated(name, n_prompts, use_cache=use_cache)
    expected = generated.answer()
    with capture.iterations(generated.layer, tokens="last") as live:
        ids = generated.answer()
    assert torch.equal(ids, expected)
    steps = generated.last_states(ids).diff(dim=0).norm(dim=-1)
    np.testing.assert_allclose(live.to_numpy(), steps, rtol=1e-4)
    assert live.dims == ("iteration", "prompt")
    assert live.axes[0].bounds == (2, generated.n_new)


def test_last_tokens_into_an_own_array() -> None:
    """Watched meanwhile, with a metric of one's own; under inference mode."""
    generated = Generated("llama", 1)
    live = LiveArray({"iteration": range(1, 9), "token": ["answer"]})
    shapes = set()

    def norm(state: Tensor) -> Tensor:
        shapes.add(tuple(state.shape))
        return state.norm(dim=-1)

    heatmap = ConvergenceHeatmap(live)
    with (
        torch.inference_mode(),
        capture.iterations(generated.layer, tokens="last", live=live, metric=norm),
    ):
        ids = generated.answer()
    expected = generated.last_states(ids).norm(dim=-1)
    np.testing.assert_allclose(live[: generated.n_new], expected, rtol=1e-4)
    assert shapes == {(1, 1, 32)}
    heatmap.flush()
    assert heatmap.frame.shape == (1, 8)
    live.trim()
    heatmap.flush()
    assert heatmap.frame.shape == (1, generated.n_new)
    heatmap.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"call 2 of LlamaDecoderLayer gave 1 token after 5 tokens; tokens='last' records"),
        ({"use_cache": False}, "gave 6 tokens after 5 tokens"),
        ({"num_beams": 2}, "gave 1 token of 2 prompts after 5 tokens of 2 prompts"),
    ],
)
def test_changed_tokens_do_not_stop_the_answer(options: Any, message: str) -> None:
    """The number is named at the end of the block, and below the picture before."""
    generated, answers = Generated("llama", 1, **options), []
    live = LiveArray({"iteration": 8, "token": 5})
    heatmap = ConvergenceHeatmap(live)

    def block() -> None:
        with capture.iterations(generated.layer, live=live):
            answers.append(generated.answer())
            heatmap.flush()
            assert any("incomplete: ValueError: each call" in text for text in htmls(heatmap))

    with pytest.raises(ValueError, match=message):
        block()
    assert torch.equal(answers[0], generated.answer())
    assert not any(module._forward_hooks for module in generated.layer.modules())
    heatmap.close()


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
    assert live.shape == requests[-1] == (5, N_TOKENS)
    assert requests[:2] == [(64, N_TOKENS)] * 2
    steps = torch.stack([(b - a)[0].norm(dim=-1) for a, b in pairwise(states)])
    np.testing.assert_allclose(live.to_numpy(), steps.numpy(), rtol=1e-6)
    assert source.axes == live.axes


@pytest.mark.parametrize(
    ("module", "options", "error", "message"),
    [
        (print, {"tokens": 3}, TypeError, "module must be a torch.nn.Module, got builtin"),
        (Halve(), {"tokens": 3, "live": 4}, TypeError, "give either tokens or live, got 3 and 4"),
        (Halve(), {"tokens": "all"}, TypeError, "a sequence of texts or 'last', got 'all'"),
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
