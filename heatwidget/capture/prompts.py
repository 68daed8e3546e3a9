"""The prompts that a capture runs, and how their tokens become one axis of the array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

REDUCERS = ("last", "mean", "max")


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """Prompts of any lengths as one batch.

    Parameters
    ----------
    input_ids : Tensor of int64, shape (prompt, token)
        Each row padded on the right with its own last id. Under causal attention what stands
        to the right of a token cannot reach it, so the padding changes nothing.
    lengths : tuple of int, shape (prompt,)
        Tokens of each prompt, without padding.
    dim : {"token", "prompt"}
        What the array's item axis holds.
    labels : tuple of str, optional
        Text of each item.
    reducer : {"last", "mean", "max"}
        How a prompt's tokens become one number.
    """

    input_ids: Tensor
    lengths: tuple[int, ...]
    dim: str
    labels: tuple[str, ...] | None
    reducer: str

    @property
    def axis(self) -> dict[str, Any]:
        """Item axis as `LiveArray` takes it: a name, and labels or a size."""
        size = self.lengths[0] if self.dim == "token" else len(self.lengths)
        return {self.dim: self.labels or size}

    def reduce(self, values: Tensor) -> Tensor:
        """Items from the numbers of all tokens.

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
    input_ids: Any,
    *,
    device: torch.device,
    tokens: Sequence[str] | None = None,
    prompts: Sequence[str] | None = None,
    tokenizer: Any = None,
    reducer: str = "last",
) -> Prompts:
    """Prompts from whatever the user calls input ids, checked.

    Raises
    ------
    TypeError, ValueError
        If there are no ids, they are no whole numbers, or the labels do not fit.
    """
    import torch

    if reducer not in REDUCERS:
        names = ", ".join(map(repr, REDUCERS))
        raise ValueError(f"reducer must be one of {names}, got {reducer!r}")
    rows = [_as_ids(row) for row in _split(input_ids)]
    lengths = tuple(map(len, rows))
    padding = [row[-1:].expand(max(lengths) - len(row)) for row in rows]
    batch = torch.stack([torch.cat(pair) for pair in zip(rows, padding, strict=True)])
    dim = "token" if len(rows) == 1 and prompts is None else "prompt"
    labels = _labels(rows, tokens, prompts, tokenizer)
    return Prompts(batch.to(device), lengths, dim, labels, reducer)


def _split(input_ids: Any) -> list[Any]:
    """One part for each prompt."""
    if isinstance(input_ids, (str, bytes, Mapping)) or not hasattr(input_ids, "__iter__"):
        hint = "; pass its 'input_ids'" if isinstance(input_ids, Mapping) else ""
        kind = type(input_ids).__name__
        raise TypeError(
            f"input_ids must be token ids, or a row of them per prompt, got {kind}{hint}"
        )
    parts = list(input_ids)
    return [input_ids] if all(np.ndim(part) == 0 for part in parts) else parts


def _as_ids(row: Any) -> Tensor:
    """The token ids of one prompt: Tensor of int64, shape (token,)."""
    import torch

    try:
        ids = torch.as_tensor(row)
    except (RuntimeError, TypeError, ValueError) as error:
        raise TypeError(f"input_ids must be whole numbers: {error}") from error
    if ids.ndim != 1 or not len(ids):
        shape = tuple(ids.shape)
        raise ValueError(
            f"input_ids must hold one or more tokens for each prompt, got shape {shape}"
        )
    if ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
        raise TypeError(f"input_ids must be whole numbers, got {ids.dtype}")
    return ids.long()


def _labels(
    rows: Sequence[Tensor],
    tokens: Sequence[str] | None,
    prompts: Sequence[str] | None,
    tokenizer: Any,
) -> tuple[str, ...] | None:
    """Text of each item: as given, else decoded."""
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
    items = [[i] for i in rows[0].tolist()] if len(rows) == 1 else [row.tolist() for row in rows]
    return tuple(str(tokenizer.decode(item)) for item in items)


def _as_texts(argument: str, texts: Sequence[str], n: int) -> tuple[str, ...]:
    if isinstance(texts, (str, bytes)) or not hasattr(texts, "__iter__"):
        raise TypeError(f"{argument} must be a sequence of {n} texts, got {texts!r}")
    given = tuple(map(str, texts))
    if len(given) != n:
        raise ValueError(f"{argument} must have one text for each of {n}, got {len(given)}")
    return given
