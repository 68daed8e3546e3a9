"""Decoder layers and logit lens of Hugging Face causal language models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .modules import config_of, hooked

if TYPE_CHECKING:
    from torch import Tensor

# Number of logits computed at a time by the logit lens: a few dozen megabytes.
_BLOCK_LOGITS = 1 << 22


def decoder_layers(model: Any) -> list[Any]:
    """Layers of the residual stream, in order.

    Raises
    ------
    TypeError
        If the model does not have exactly one list of as many modules as its configuration has
        layers.
    """
    from torch.nn import ModuleList

    n_layers = getattr(config_of(model), "num_hidden_layers", None)
    modules = model.named_modules() if hasattr(model, "named_modules") else ()
    found: dict[str, Any] = {}
    for name, module in modules:
        # A list inside one already found, such as the experts of a layer, does not count.
        inside = any(name.startswith(f"{outer}.") for outer in found)
        if isinstance(module, ModuleList) and len(module) == n_layers and not inside:
            found[name] = module
    if len(found) != 1:
        type_name, names = type(model).__name__, ", ".join(found) or "none"
        raise TypeError(
            f"model must have one list of {n_layers} layers, {type_name} has {names}; "
            "pass the modules as layers"
        )
    return list(*found.values())


class LogitLens:
    """Logit lens: probability of the model's final prediction, read from a state of any layer.

    A state is passed through the model's final norm and output matrix (nostalgebraist 2020,
    "interpreting GPT: the logit lens"). For the last layer this gives the model's own probability.

    Parameters
    ----------
    model : PreTrainedModel
    layers : sequence of torch.nn.Module
        Layers of the residual stream, in order.
    run : callable
        Runs the model and returns its output. Called once, for the predictions.

    Raises
    ------
    TypeError
        If the logits are not the output matrix times a norm of the last state.
    """

    def __init__(self, model: Any, layers: Sequence[Any], run: Callable[[], Any]) -> None:
        ends: list[Tensor] = []
        with hooked(layers[-1:], lambda _, __, after: ends.append(after[:, -1:].clone())):
            logits = run().logits
        if not ends:
            raise RuntimeError("the last layer was not called")
        self._predicted = logits.argmax(dim=-1)
        self._head = model.get_output_embeddings()
        self._norm = self._find_norm(model, layers, ends[-1], logits[:, -1:])

    def __call__(self, state: Tensor) -> Tensor:
        """Probabilities of a state of shape (prompt, token, d_model).

        Returns
        -------
        Tensor of float32, shape (prompt, token)
        """
        import torch

        flat, predicted = state.flatten(0, 1), self._predicted.flatten()
        n_tokens = max(1, _BLOCK_LOGITS // self._head.weight.shape[0])
        pairs = zip(torch.split(flat, n_tokens), torch.split(predicted, n_tokens), strict=True)
        parts = [self._probabilities(*pair) for pair in pairs]
        return torch.cat(parts).reshape(state.shape[:-1])

    def _probabilities(self, state: Tensor, predicted: Tensor) -> Tensor:
        shares: Tensor = self._head(self._norm(state)).float().softmax(dim=-1)
        return shares.gather(-1, predicted.to(shares.device)[:, None])[:, 0]

    def _find_norm(self, model: Any, layers: Sequence[Any], end: Tensor, logits: Tensor) -> Any:
        """Find the norm between the last state and the output matrix."""
        inside = {module for layer in layers for module in layer.modules()}
        for module in reversed(list(model.modules())):
            if module not in inside and _is_norm(module, end.shape[-1]):
                gap = (self._head(module(end)).to(logits).float() - logits.float()).abs().max()
                # Rounding in bfloat16 is below it, other norms and scaled outputs are far above it.
                if gap <= 0.02 * logits.float().abs().max():
                    return module
        raise TypeError(
            f"model's logits must be its output matrix times a norm of the last state, in "
            f"{type(model).__name__} they are not; pass a callable as metric"
        )


def _is_norm(module: Any, d_model: int) -> bool:
    weight = getattr(module, "weight", None)
    fits = weight is None or tuple(weight.shape) == (d_model,)
    return fits and "norm" in type(module).__name__.lower()
