"""Capture of the activations of a causal language model, by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from .. import metrics
from ..arrays import LiveArray
from .arguments import check_metric
from .decoder import LogitLens, decoder_layers
from .measures import describe, metric_name
from .modules import first_tensor, hooked, quiet
from .prompts import make_prompts
from .target import make_target

if TYPE_CHECKING:
    from torch import Tensor

    from ..metrics.activations import Rule

# Measured quantity and default normalisation of each metric; "item" stands for token or prompt.
# Norms get one scale per item, because the norm of a first token may be 100 times that of others.
METRICS: dict[str, tuple[str, Rule | Literal["item"] | None]] = {
    "norm": ("‖h‖", "item"),
    "update": ("‖h_l − h_(l−1)‖ / ‖h_l‖", "quantile"),
    "probability": ("probability of the final prediction", None),
}


def activations(
    model: Any,
    input_ids: Any,
    *,
    attention_mask: Any = None,
    position_ids: Any = None,
    token_type_ids: Any = None,
    metric: str | Callable[[Tensor], Tensor] = "norm",
    normalize: Rule | Literal["auto"] | None = "auto",
    layers: Iterable[Any] | None = None,
    live: LiveArray | None = None,
    tokens: Sequence[str] | None = None,
    prompts: Sequence[str] | None = None,
    tokenizer: Any = None,
    reducer: str = "last",
) -> LiveArray:
    """Capture the activations of a causal language model: one value per layer and token.

    The metric is applied to the residual stream h at the output of each layer, while the model
    runs. This includes the last layer: the last of Hugging Face's ``hidden_states`` is the same
    output after the final norm.

    Parameters
    ----------
    model : PreTrainedModel
        Any causal language model of transformers. Run once in evaluation mode without
        gradients. Its modes are restored.
    input_ids : Tensor or sequence of int, shape (token,), (1, token) or (prompt, token)
        Also: one row for each prompt, of different lengths; the output of a tokenizer; or, with
        `tokenizer`, a text, chat messages, or a list of these.
    attention_mask, position_ids, token_type_ids : array_like, shape as `input_ids`, optional
        As the tokenizer returns them: ``capture.activations(model, **tokenizer(...))``. The mask
        is 0 at padding, on either side of a prompt. Padding is neither run nor measured.
    metric : str or callable
        "norm": ``‖h‖``. "update": ``‖h_l − h_(l−1)‖ / ‖h_l‖``, the relative change of h by the
        layer. "probability": probability of the model's final prediction, read from h with the
        final norm and output matrix (logit lens); this takes a second run. Or a function from
        h, shape (prompt, token, d_model), to numbers, shape (prompt, token).
    normalize : str or None
        Rule of `metrics.normalize_activations`; None keeps the measured values. The default
        "auto" is "token" (or "prompt") for "norm", "quantile" for "update", and None for others.
        While the model runs, the rule is applied to the layers recorded so far.
    layers : iterable of torch.nn.Module, optional
        The layers, in order, if the model's configuration does not identify them.
    live : LiveArray, optional
        Array to fill, with the axes of the result; it may be watched meanwhile.
    tokens, prompts : sequence of str, optional
        Texts of the item axis. With `prompts`, a single prompt also gives a prompt axis.
    tokenizer : optional
        Any object with ``decode``, for the texts of the item axis. For text and chat input, the
        model's own tokenizer. A chat is followed by the start of the answer, unless it ends with
        an answer.
    reducer : {"last", "mean", "max"}
        Reduction of a prompt's tokens to one number, if there is a prompt axis.

    Returns
    -------
    LiveArray, shape (layer, token) or (layer, prompt)
        Layers count from 1. ``attrs`` holds model, metric, normalisation rule and a "title".

    Raises
    ------
    TypeError
        If the layers cannot be found, or an argument has a wrong type.
    ValueError
        If an argument has a wrong value or shape.

    Examples
    --------
    A small GPT-2 with random weights; ``AutoModelForCausalLM.from_pretrained`` loads a trained one.

    >>> from transformers import GPT2Config, GPT2LMHeadModel
    >>> model = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=8, n_layer=3, n_head=2))
    >>> live = hw.capture.activations(model, [3, 1, 4, 1], tokens=["the", "cat", "sat", "down"])
    >>> live
    <LiveArray (layer: 3, token: 4) float32 ‖h‖, 0..1 within each token, 12 of 12 written>
    """
    check_metric(metric, METRICS)
    modules = decoder_layers(model) if layers is None else list(layers)
    if not modules:
        raise ValueError("layers must be one module or more, got none")
    if stranger := next((m for m in modules if not hasattr(m, "register_forward_hook")), None):
        raise TypeError(f"layers must be modules of the model, got {stranger!r}")
    given = {
        "attention_mask": attention_mask,
        "position_ids": position_ids,
        "token_type_ids": token_type_ids,
    }
    with quiet(model):
        batch = make_prompts(
            model,
            getattr(model, "forward", model),
            input_ids,
            given=given,
            tokens=tokens,
            prompts=prompts,
            tokenizer=tokenizer,
            reducer=reducer,
        )
        rule = _rule(metric, normalize, batch.dim)
        live = make_target(
            live,
            {"layer": range(1, len(modules) + 1), **batch.axis},
            quantity=_quantity(metric, rule),
            attrs={**describe(model, metric), "normalize": rule},
        )
        run = partial(model, batch.input_ids, **batch.extras, use_cache=False)
        measure = _make_measure(metric, model, modules, run)
        rows: dict[int, NDArray[Any]] = {}

        def record(layer: int, before: Any, after: Tensor) -> None:
            rows[layer] = batch.reduce(measure(before, after)).float().cpu().numpy()
            live[sorted(rows)] = _normalized(rows, rule, live.dims)

        with hooked(modules, record):
            run()
    missing = set(range(len(modules))) - set(rows)
    if missing:
        raise RuntimeError(f"layers {[i + 1 for i in sorted(missing)]} were not called")
    return live


def _rule(metric: Any, normalize: Rule | Literal["auto"] | None, item: str) -> Rule | None:
    if normalize != "auto":
        return normalize
    rule = None if callable(metric) else METRICS[metric][1]
    return cast("Rule", item) if rule == "item" else rule


def _quantity(metric: Any, rule: Rule | None) -> str:
    what = metric_name(metric) if callable(metric) else METRICS[metric][0]
    return what if rule is None else metrics.normalization_label(rule).replace("activation", what)


def _make_measure(
    metric: Any, model: Any, layers: Sequence[Any], run: Callable[[], Any]
) -> Callable[[Any, Tensor], Tensor]:
    """Function from the input and the output of a layer to numbers."""
    if metric == "norm":
        return lambda _, after: metrics.residual_norms(after, fixed_point=after.new_zeros(1))
    if metric == "update":
        return lambda before, after: metrics.relative_residuals(
            first_tensor(before), fixed_point=after
        )
    measure = LogitLens(model, layers, run) if metric == "probability" else metric
    return lambda _, after: measure(after)


def _normalized(
    rows: Mapping[int, NDArray[Any]], rule: Rule | None, dims: Sequence[str]
) -> NDArray[Any]:
    values = np.stack([rows[layer] for layer in sorted(rows)])
    if rule is None:
        return values
    return np.asarray(metrics.normalize_activations(values, rule=rule, dims=dims))
