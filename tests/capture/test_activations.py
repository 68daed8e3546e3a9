"""`capture.activations` against ``output_hidden_states`` of the same transformer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from heatwidget import capture, metrics
from heatwidget.arrays import LiveArray

from .models import CONFIGS, N_TOKENS_KNOWN, WithoutGenerator, transformer

IDS = [5, 9, 2, 40, 33, 7, 7]
N_LAYERS = 4
FINAL_NORMS = {
    "llama": "model.norm",
    "gpt2": "transformer.ln_f",
    "gpt_neox": "gpt_neox.final_layer_norm",
}


@pytest.fixture(scope="module", params=list(CONFIGS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(name: str) -> Any:
    return transformer(name)


@torch.no_grad()
def slow_states(model: Any, name: str, ids: list[int]) -> tuple[Tensor, Tensor]:
    """Residual stream before the layers and after each, (layer, token, d_model); and the logits.

    The last of ``hidden_states`` is after the final norm, so that layer is run once more by hand.
    """
    model.eval()
    seen: list[Tensor] = []
    norm = model.get_submodule(FINAL_NORMS[name])
    hook = norm.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    output = model(torch.tensor([ids]), output_hidden_states=True)
    hook.remove()
    model.train()
    assert torch.equal(norm(seen[0]), output.hidden_states[-1])
    return torch.cat([*output.hidden_states[:-1], seen[0]]), output.logits[0]


def hooks_of(model: Any) -> list[list[int]]:
    """Numbers of the hooks on each module; transformers has some of its own."""
    return [list(module._forward_hooks) for module in model.modules()]


def test_norms(model: Any, name: str) -> None:
    """Of each layer's output, the last one's before the final norm."""
    live = capture.activations(model, IDS, normalize=None)
    states, _ = slow_states(model, name, IDS)
    np.testing.assert_allclose(live.to_numpy(), states[1:].norm(dim=-1), rtol=1e-5)
    assert live.dims == ("layer", "token")
    assert live.axes[0].bounds == (1, N_LAYERS)
    assert live.quantity == "‖h‖"
    assert live.attrs == {
        "title": type(model).__name__,
        "model": type(model).__name__,
        "metric": "norm",
        "normalize": None,
    }


def test_updates(model: Any, name: str) -> None:
    """What each layer wrote as a part of what it put out, the first one's too."""
    live = capture.activations(model, IDS, metric="update", normalize=None)
    states, _ = slow_states(model, name, IDS)
    expected = (states[1:] - states[:-1]).norm(dim=-1) / states[1:].norm(dim=-1)
    np.testing.assert_allclose(live.to_numpy(), expected, rtol=1e-5)


def test_probabilities(model: Any, name: str) -> None:
    """Logit lens: the last layer's are the model's own."""
    live = capture.activations(model, IDS, metric="probability")
    states, logits = slow_states(model, name, IDS)
    with torch.no_grad():
        lens = model.get_output_embeddings()(model.get_submodule(FINAL_NORMS[name])(states[1:]))
    shares = lens.softmax(dim=-1)
    expected = torch.stack([share[torch.arange(len(IDS)), logits.argmax(-1)] for share in shares])
    np.testing.assert_allclose(live.to_numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(live[-1], logits.softmax(dim=-1).amax(dim=-1), rtol=1e-5)
    assert live.attrs["normalize"] is None


def test_lens_in_blocks(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long prompt's logits are never there all at once."""
    whole = capture.activations(model, IDS, metric="probability")
    monkeypatch.setattr("heatwidget.capture.decoder._BLOCK_LOGITS", 3 * N_TOKENS_KNOWN)
    rows: list[int] = []
    head = model.get_output_embeddings()
    hook = head.register_forward_hook(lambda _, args, __: rows.append(args[0].shape[0]))
    blocks = capture.activations(model, IDS, metric="probability")
    hook.remove()
    np.testing.assert_allclose(blocks.to_numpy(), whole.to_numpy(), rtol=1e-5)
    assert rows.count(3) == 2 * N_LAYERS


@pytest.mark.parametrize("rule", ["layer", "token", "global", "quantile"])
def test_rules(model: Any, rule: Any) -> None:
    """The rule is applied to the whole array in the end, and the label says so."""
    live = capture.activations(model, IDS, normalize=rule)
    raw = capture.activations(model, IDS, normalize=None).to_numpy()
    expected = metrics.normalize_activations(raw, rule=rule)
    np.testing.assert_allclose(live.to_numpy(), expected, rtol=1e-6)
    assert live.quantity == metrics.normalization_label(rule).replace("activation", "‖h‖")


def test_default_rules() -> None:
    """Each token's own scale, or each prompt's."""
    model = transformer("llama")
    options: list[Any] = [{}, {"prompts": ["a"]}, {"metric": "update"}, {"metric": torch.sum}]
    options[-1] = {"metric": lambda h: h.mean(dim=-1)}
    rules = [capture.activations(model, IDS, **o).attrs["normalize"] for o in options]
    assert rules == ["token", "prompt", "quantile", None]


@pytest.mark.parametrize("metric", ["norm", "update", "probability"])
def test_prompts_of_different_lengths(model: Any, metric: str) -> None:
    """Each gives the numbers that it gives alone."""
    rows = [IDS, IDS[:2], [11, 3, 8]]
    options: Any = {"metric": metric, "normalize": None}
    live = capture.activations(model, rows, prompts=["a", "b", "c"], **options)
    alone = [capture.activations(model, row, **options)[:, -1] for row in rows]
    assert live.dims == ("layer", "prompt")
    np.testing.assert_allclose(live.to_numpy(), np.stack(alone, axis=1), rtol=1e-4)


class Words:
    """A tokenizer, as far as one is needed."""

    def decode(self, ids: list[int]) -> str:
        return " ".join(f"w{i}" for i in ids)


def test_labels() -> None:
    """Decoded one by one, or prompt by prompt; given; or positions."""
    model = transformer("gpt2")
    one = capture.activations(model, IDS[:2], tokenizer=Words())
    two = capture.activations(model, [[1, 2], [3]], tokenizer=Words())
    assert one.axes[1].labels == ("w5", "w9")
    assert two.axes[1].labels == ("w1 w2", "w3")
    assert capture.activations(model, IDS[:2], tokens=["a", "b"]).axes[1].labels == ("a", "b")
    assert capture.activations(model, IDS[:2]).axes[1].labels is None


def test_live_array_fills_layer_by_layer(model: Any) -> None:
    """Within the one forward pass; and with few numbers, not states, copied from the device."""
    live = LiveArray({"layer": range(1, N_LAYERS + 1), "token": len(IDS)})
    rows: list[int] = []
    source = live.watch(lambda: rows.append(live.n_written // len(IDS)))
    assert capture.activations(model, IDS, live=live) is live
    assert rows == [1, 2, 3, 4]
    source.close()


def test_half_precision() -> None:
    """Norms of bfloat16 states are summed in float32."""
    model = transformer("llama").to(torch.bfloat16)
    live = capture.activations(model, IDS, normalize=None)
    states, _ = slow_states(model, "llama", IDS)
    np.testing.assert_allclose(live.to_numpy(), states[1:].float().norm(dim=-1), rtol=1e-5)
    shares = capture.activations(model, IDS, metric="probability").to_numpy()
    assert ((shares > 0) & (shares < 1)).all()


def test_model_is_left_as_it_was(model: Any) -> None:
    """Modes, hooks, gradients; and dropout does not show."""
    hooks = hooks_of(model)
    runs = [capture.activations(model, IDS, metric="probability").to_numpy() for _ in range(2)]
    np.testing.assert_array_equal(*runs)
    assert all(module.training for module in model.modules())
    assert hooks_of(model) == hooks
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


def test_no_hook_stays_after_an_error(model: Any) -> None:
    """The user's own metric raises in the middle of the forward pass."""

    def fail(state: Tensor) -> Tensor:
        raise ArithmeticError("mine")

    hooks = hooks_of(model)
    with pytest.raises(ArithmeticError, match="mine"):
        capture.activations(model, IDS, metric=fail)
    assert hooks_of(model) == hooks
    assert all(module.training for module in model.modules())
    assert torch.is_grad_enabled()


def test_layers_given() -> None:
    """Where the configuration does not tell: here the core blocks, as last called."""
    model = WithoutGenerator()
    blocks = model.transformer.core_block

    def run(ids: Tensor, use_cache: bool) -> Any:
        return model(ids, num_steps=2)

    run.parameters, run.modules = model.parameters, model.modules  # type: ignore[attr-defined]
    live = capture.activations(run, IDS, layers=iter(blocks), metric="update", normalize=None)
    assert live.shape == (4, len(IDS))
    assert live.written.all()


def test_layers_in_another_order() -> None:
    """Rows are in the order given, not in that of the calls."""
    model = transformer("llama")
    forwards = capture.activations(model, IDS)
    backwards = capture.activations(model, IDS, layers=reversed(model.model.layers))
    np.testing.assert_array_equal(backwards.to_numpy(), forwards.to_numpy()[::-1])


def config(n_layers: Any) -> Any:
    return type("Config", (), {"num_hidden_layers": n_layers})()


class TwoStacks(nn.Module):
    """An encoder and a decoder of as many layers, the latter with experts inside."""

    def __init__(self, n_experts: int) -> None:
        super().__init__()
        self.config = config(2)
        self.encoder = nn.ModuleList(nn.Linear(1, 1) for _ in range(2))
        experts = [nn.ModuleList(nn.Linear(1, 1) for _ in range(n_experts)) for _ in range(2)]
        self.decoder = nn.ModuleList(experts)


def test_layers_that_cannot_be_told() -> None:
    """The error says what was found, and what to do."""
    with pytest.raises(
        TypeError, match="one list of 2 layers, TwoStacks has encoder, decoder; pass"
    ):
        capture.activations(TwoStacks(2), IDS)
    with pytest.raises(TypeError, match="one list of None layers, Linear has none"):
        capture.activations(nn.Linear(1, 1), IDS)


def test_experts_are_no_layers() -> None:
    """A list inside of the list of layers may be as long."""
    from heatwidget.capture.decoder import decoder_layers

    model = TwoStacks(2)
    del model.encoder
    assert decoder_layers(model) == list(model.decoder)


def test_lens_beside_norms_of_other_parts() -> None:
    """Of another width, as in a vision tower, or one that is not the final one."""
    model = transformer("llama")
    expected = capture.activations(model, IDS, metric="probability").to_numpy()
    model.others = nn.ModuleList([nn.LayerNorm(5), nn.LayerNorm(32, bias=False)])
    nn.init.normal_(model.others[1].weight)
    live = capture.activations(model, IDS, metric="probability")
    np.testing.assert_array_equal(live.to_numpy(), expected)


def test_lens_that_would_lie() -> None:
    """Logits that are scaled after the output matrix are not what the lens would read."""
    model = transformer("llama")
    forward = model.forward

    def scaled(*args: Any, **keywords: Any) -> Any:
        output = forward(*args, **keywords)
        output.logits = output.logits / 4
        return output

    model.forward = scaled
    with pytest.raises(TypeError, match="in LlamaForCausalLM they are not; pass a callable"):
        capture.activations(model, IDS, metric="probability")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"metric": "norms"}, ValueError, "metric must be callable or one of 'norm', 'update'"),
        ({"metric": None}, TypeError, "metric must be a name or callable, got None"),
        ({"normalize": "rows"}, ValueError, "rule must be one of"),
        ({"normalize": "prompt"}, ValueError, "needs an axis of that name"),
        ({"layers": []}, ValueError, "layers must be one module or more, got none"),
        ({"layers": [1, 2]}, TypeError, "layers must be modules of the model, got 1"),
        ({"live": LiveArray({"layer": 4, "token": 7})}, ValueError, "axes layer 1..4, token 0..6"),
        ({"tokenizer": object()}, TypeError, "tokenizer must have a method decode, got object"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        capture.activations(transformer("llama"), IDS, **options)
