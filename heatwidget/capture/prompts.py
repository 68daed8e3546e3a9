"""The prompts of a capture and the item axis of its array."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .encoding import Encoding, encode
from .modules import config_of, device_of, vocabulary_of

if TYPE_CHECKING:
    from torch import Tensor

REDUCERS = ("last", "mean", "max")


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """Batch of prompts of any lengths.

    Parameters
    ----------
    input_ids : Tensor of int64, shape (prompt, token)
        Each row is padded on the right with its own last id. Causal attention does not look to
        the right, so the padding does not change the result.
    lengths : tuple of int, shape (prompt,)
        Number of tokens of each prompt, without padding.
    dim : {"token", "prompt"}
        Name of the array's item axis.
    labels : tuple of str, optional
        Text of each item.
    reducer : {"last", "mean", "max"}
        Reduction of a prompt's tokens to one number.
    extras : dict of str to Tensor of int64, shape (prompt, token)
        Further inputs of the model, by keyword.
    """

    input_ids: Tensor
    lengths: tuple[int, ...]
    dim: str
    labels: tuple[str, ...] | None
    reducer: str
    extras: dict[str, Tensor]

    @property
    def axis(self) -> dict[str, Any]:
        """Item axis in the form of `LiveArray`'s `dims`: its name, and labels or a size."""
        size = self.lengths[0] if self.dim == "token" else len(self.lengths)
        return {self.dim: self.labels or size}

    def reduce(self, values: Tensor) -> Tensor:
        """Values of the items from those of all tokens.

        Parameters
        ----------
        values : Tensor, shape (..., prompt, token)

        Returns
        -------
        Tensor, shape (..., token) or (..., prompt)
            On the same device.
        """
        if tuple(values.shape[-2:]) != tuple(self.input_ids.shape):
            raise ValueError(
                f"metric must give one number for each of {tuple(self.input_ids.shape)} "
                f"(prompt, token), got shape {tuple(values.shape)}"
            )
        if self.dim == "token":
            return values[..., 0, :]
        import torch

        real = [values[..., i, :length] for i, length in enumerate(self.lengths)]
        return torch.stack([_reduced(part, self.reducer) for part in real], dim=-1)


def _reduced(values: Tensor, reducer: str) -> Tensor:
    if reducer == "last":
        return values[..., -1]
    return values.mean(dim=-1) if reducer == "mean" else values.amax(dim=-1)


def make_prompts(
    model: Any,
    read: Callable[..., Any],
    input_ids: Any,
    *,
    given: Mapping[str, Any] = MappingProxyType({}),
    tokens: Sequence[str] | None = None,
    prompts: Sequence[str] | None = None,
    tokenizer: Any = None,
    reducer: str = "last",
) -> Prompts:
    """Prompts on the model's device, from any input that the captures accept.

    Parameters
    ----------
    model : object
    read : callable
        Method of the model that takes the ids.
    input_ids, tokenizer
        See `encoding.encode`.
    given : mapping
        Other values for each token: attention_mask, position_ids, token_type_ids.
    tokens, prompts, reducer
        As for the captures.

    Raises
    ------
    TypeError, ValueError
        If there are no ids, they are not whole numbers or not in the model's vocabulary, or the
        labels do not fit.
    """
    if reducer not in REDUCERS:
        names = ", ".join(map(repr, REDUCERS))
        raise ValueError(f"reducer must be one of {names}, got {reducer!r}")
    if tokenizer is not None and not hasattr(tokenizer, "decode"):
        raise TypeError(f"tokenizer must have a method decode, got {type(tokenizer).__name__}")
    takes = _parameters(read)
    encoding = encode(
        input_ids,
        given,
        tokenizer=tokenizer,
        config=config_of(model),
        reads=takes,
    )
    rows = encoding.rows
    _check_vocabulary(rows, model)
    device = device_of(model)
    extras = {
        name: _padded(found).to(device)
        for name, found in encoding.extras.items()
        if _is_passed(name, found, takes, model)
    }
    dim = "token" if len(rows) == 1 and prompts is None else "prompt"
    labels = _labels(encoding, tokens, prompts, tokenizer)
    lengths = tuple(map(len, rows))
    return Prompts(_padded(rows).to(device), lengths, dim, labels, reducer, extras)


def _padded(rows: Sequence[Tensor]) -> Tensor:
    """Batch of all rows, each padded on the right with its own last number."""
    import torch

    longest = max(map(len, rows))
    padding = [row[-1:].expand(longest - len(row)) for row in rows]
    return torch.stack([torch.cat(pair) for pair in zip(rows, padding, strict=True)])


def _parameters(read: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(read).parameters
    except (TypeError, ValueError):  # some built-in functions have no signature
        return {}


def _is_passed(
    name: str, found: Sequence[Tensor], takes: Mapping[str, inspect.Parameter], model: Any
) -> bool:
    """Whether to pass an input to the model.

    An input that the model does not take is left out if it holds the default values.
    """
    if name in takes:
        return True
    if all(_is_plain(name, row) for row in found):
        return False
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in takes.values()):
        return True
    raise TypeError(f"{type(model).__name__} takes no {name}; leave them out")


def _is_plain(name: str, row: Tensor) -> bool:
    """Whether a row holds the values that a model assumes by default."""
    plain = [i if name == "position_ids" else 0 for i in range(len(row))]
    return bool(row.tolist() == plain)


def _check_vocabulary(rows: Sequence[Tensor], model: Any) -> None:
    """Raise ValueError for an id outside the vocabulary, which can crash a CUDA context."""
    n = vocabulary_of(model)
    low, high = min(int(row.min()) for row in rows), max(int(row.max()) for row in rows)
    if n is not None and (low < 0 or high >= n):
        raise ValueError(
            f"input_ids must lie within 0..{n - 1}, the vocabulary of {type(model).__name__}, "
            f"got {low if low < 0 else high}; did the ids come from another tokenizer?"
        )


def _labels(
    encoding: Encoding,
    tokens: Sequence[str] | None,
    prompts: Sequence[str] | None,
    tokenizer: Any,
) -> tuple[str, ...] | None:
    """Text of each item: as given by the user, else decoded."""
    rows = encoding.rows
    if prompts is not None and tokens is not None:
        raise TypeError("give either tokens or prompts, got both")
    if prompts is not None:
        return _as_texts("prompts", prompts, len(rows))
    if tokens is not None:
        if len(rows) > 1:
            raise ValueError(f"tokens name the tokens of one prompt, got {len(rows)} prompts")
        return _as_texts("tokens", tokens, len(rows[0]))
    if tokenizer is None:
        return None
    if len(rows) > 1:
        return tuple(encoding.texts or (str(tokenizer.decode(row.tolist())) for row in rows))
    return tuple(str(tokenizer.decode([i])) for i in rows[0].tolist())


def _as_texts(argument: str, texts: Sequence[str], n: int) -> tuple[str, ...]:
    if isinstance(texts, (str, bytes)) or not hasattr(texts, "__iter__"):
        raise TypeError(f"{argument} must be a sequence of {n} texts, got {texts!r}")
    given = tuple(map(str, texts))
    if len(given) != n:
        raise ValueError(f"{argument} must have one text for each of {n}, got {len(given)}")
    return given
