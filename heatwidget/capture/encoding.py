"""Encoding of the input of a capture: token ids of each prompt, without padding."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

# Outputs of a tokenizer for each token, besides input_ids and attention_mask.
EXTRAS = ("position_ids", "token_type_ids")
_COLUMNS = ("input_ids", "attention_mask", *EXTRAS)

# Outputs of a tokenizer: for each column name one row per prompt.
Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """Prompts of any lengths, without padding, on the CPU.

    Parameters
    ----------
    rows : list of Tensor of int64, shape (token,)
        Token ids of each prompt.
    extras : dict of str to list of Tensor of int64, shape (token,)
        Other values for each token, see `EXTRAS`.
    texts : list of str, optional
        The prompts, if they were given as text.
    """

    rows: list[Tensor]
    extras: dict[str, list[Tensor]]
    texts: list[str] | None


def encode(
    given: Any, keywords: Mapping[str, Any], *, tokenizer: Any, config: Any, reads: Collection[str]
) -> Encoding:
    """Validated token ids from any input that the captures accept.

    Parameters
    ----------
    given : Tensor, array_like, mapping, str, or sequence of these
        Token ids, the output of a tokenizer, text, or chat messages.
    keywords : mapping
        Columns that were passed as keywords; None counts as not given.
    tokenizer : optional
        Encodes text and chats, and knows the padding token.
    config : optional
        Configuration of the model; knows the padding token if there is no tokenizer.
    reads : collection of str
        Parameter names of the model. An entry of a mapping that the model takes but captures do
        not pass on is an error.

    Raises
    ------
    TypeError, ValueError
        If there are no ids, they are not whole numbers, or they hold padding without a mask.
    """
    keywords = {name: value for name, value in keywords.items() if value is not None}
    given = list(given) if isinstance(given, Iterator) else given
    prompts = _written(given)
    columns = _tokenized(prompts, tokenizer, reads) if prompts else _columns(given, reads)
    repeated = sorted(set(columns) & set(keywords))
    if repeated:
        raise TypeError(f"{repeated[0]} is already in input_ids, got it as a keyword too")
    columns |= {name: _split(name, value) for name, value in keywords.items()}
    rows = [_as_ids("input_ids", row) for row in columns.pop("input_ids")]
    masks = columns.pop("attention_mask", None)
    extras = {name: [_as_ids(name, row) for row in found] for name, found in columns.items()}
    for name, found in extras.items():
        _check_lengths(name, found, rows)
    if masks is None:
        _check_unpadded(rows, config if tokenizer is None else tokenizer)
    else:
        tensors = [_as_tensor("attention_mask", row) for row in masks]
        _check_lengths("attention_mask", tensors, rows)
        spans = [_span(*pair) for pair in enumerate(tensors)]
        rows = _cut(rows, spans)
        extras = {name: _cut(found, spans) for name, found in extras.items()}
    written = prompts is not None and all(isinstance(prompt, str) for prompt in prompts)
    return Encoding(rows, extras, list(map(str, prompts or ())) if written else None)


def _written(given: Any) -> list[Any] | None:
    """Texts or chats, one for each prompt; None for other inputs."""
    if isinstance(given, str) or _is_message(given):
        return [given if isinstance(given, str) else [given]]
    if isinstance(given, (Mapping, bytes)) or not isinstance(given, Iterable):
        return None
    if hasattr(given, "detach"):
        return None
    parts = list(given)
    if parts and all(map(_is_message, parts)):
        return [parts]
    if parts and all(isinstance(part, str) or _is_chat(part) for part in parts):
        return parts
    return None


def _is_message(given: Any) -> bool:
    return isinstance(given, Mapping) and "role" in given


def _is_chat(given: Any) -> bool:
    return isinstance(given, (list, tuple)) and len(given) > 0 and all(map(_is_message, given))


def _tokenized(prompts: Sequence[Any], tokenizer: Any, reads: Collection[str]) -> Columns:
    """Columns of texts and chats, tokenized one by one to avoid padding."""
    if tokenizer is None:
        what = "text" if isinstance(prompts[0], str) else "chat messages"
        raise TypeError(f"{what} must come with a tokenizer: pass tokenizer=, or token ids")
    found = [_columns(_apply(tokenizer, prompt), reads) for prompt in prompts]
    return {name: [row for one in found for row in one[name]] for name in found[0]}


def _apply(tokenizer: Any, prompt: Any) -> Any:
    """Output of a tokenizer for one prompt."""
    if isinstance(prompt, str):
        # Tokenizers of transformers are callable and also return a mask; others have only `encode`.
        return tokenizer(prompt) if callable(tokenizer) else tokenizer.encode(prompt)
    if not hasattr(tokenizer, "apply_chat_template"):
        got = type(tokenizer).__name__
        raise TypeError(f"chat messages need a tokenizer with apply_chat_template, got {got}")
    # A chat that ends with an answer is complete; any other gets the start of an answer.
    answers = prompt[-1]["role"] != "assistant"
    return tokenizer.apply_chat_template(
        list(prompt), tokenize=True, return_dict=True, add_generation_prompt=answers
    )


def _columns(given: Any, reads: Collection[str]) -> Columns:
    """Columns of token ids or of the output of a tokenizer."""
    if hasattr(given, "ids"):  # an Encoding of the tokenizers library
        given = {"input_ids": given.ids, "attention_mask": given.attention_mask}
    if not isinstance(given, Mapping):
        return {"input_ids": _split("input_ids", given)}
    if given.get("input_ids") is None:
        names = ", ".join(map(str, given))
        raise TypeError(f"input_ids must have an entry 'input_ids', got a mapping of {names}")
    passed = {*_COLUMNS, "labels"}
    unread = [n for n in given if n in reads and n not in passed and given[n] is not None]
    if unread:
        known = ", ".join(_COLUMNS)
        raise TypeError(f"input_ids may only hold {known}, got {', '.join(unread)} too")
    found = {name: given[name] for name in _COLUMNS if given.get(name) is not None}
    return {name: _split(name, value) for name, value in found.items()}


def _split(name: str, given: Any) -> list[Any]:
    """One part for each prompt."""
    if isinstance(given, (str, bytes, Mapping)) or not hasattr(given, "__iter__"):
        got = type(given).__name__
        what = "text, chat messages or token ids" if name == "input_ids" else "numbers"
        raise TypeError(f"{name} must be {what}, or a row of them per prompt, got {got}")
    if hasattr(given, "detach"):
        # In one copy: a copy of each row would wait for the device each time.
        given = given.detach().cpu()
    parts = list(given)
    return [given] if all(np.ndim(part) == 0 for part in parts) else parts


def _as_tensor(name: str, row: Any) -> Tensor:
    """Values for the tokens of one prompt as a Tensor on the CPU, shape (token,)."""
    import torch

    try:
        values = torch.as_tensor(row).detach().cpu()
    except (RuntimeError, TypeError, ValueError) as error:
        raise TypeError(f"{name} must be whole numbers: {error}") from error
    if values.ndim != 1 or not len(values):
        shape = tuple(values.shape)
        raise ValueError(f"{name} must hold one or more tokens for each prompt, got shape {shape}")
    return values


def _as_ids(name: str, row: Any) -> Tensor:
    """Whole numbers for the tokens of one prompt as a Tensor of int64, shape (token,)."""
    import torch

    ids = _as_tensor(name, row)
    if ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
        raise TypeError(f"{name} must be whole numbers, got {ids.dtype}")
    return ids.long()


def _check_lengths(name: str, found: Sequence[Tensor], rows: Sequence[Tensor]) -> None:
    wanted, got = ([len(row) for row in each] for each in (rows, found))
    if wanted != got:
        raise ValueError(
            f"{name} must have one value for each token of input_ids, whose prompts have {wanted}, "
            f"got {got}"
        )


def _span(prompt: int, mask: Tensor) -> slice:
    """Slice of the tokens of a prompt, between padding on either side."""
    marks = (mask == 0) | (mask == 1)
    if not marks.all():
        raise ValueError(
            f"attention_mask must be 1 for tokens and 0 for padding, got {mask[~marks][0].item()}"
        )
    places = mask.nonzero().flatten()
    if not len(places):
        raise ValueError(
            f"attention_mask must mark a token in each prompt, prompt {prompt} has none"
        )
    span = slice(int(places[0]), int(places[-1]) + 1)
    if len(places) < span.stop - span.start:
        raise ValueError(
            "attention_mask must be 0 only before or after the tokens of a prompt, prompt "
            f"{prompt} has a 0 between them"
        )
    return span


def _cut(rows: Sequence[Tensor], spans: Sequence[slice]) -> list[Tensor]:
    return [row[span] for row, span in zip(rows, spans, strict=True)]


def _check_unpadded(rows: Sequence[Tensor], known: Any) -> None:
    """Raise ValueError if a row starts or ends with the padding token.

    Parameters
    ----------
    rows : sequence of Tensor of int64, shape (token,)
        Rows of different lengths are not padded.
    known : object
        Source of the padding token: a tokenizer or the configuration of a model.
    """
    pad = getattr(known, "pad_token_id", None)
    if pad is None or len(set(map(len, rows))) > 1:
        return
    ends: list[Any] = [getattr(known, name, None) for name in ("bos_token_id", "eos_token_id")]
    marks = {mark for end in ends for mark in np.ravel(end)}  # some models have more than one
    # Many tokenizers pad with the end-of-text token; a single prompt may end with it.
    max_ = 1 if len(rows) == 1 and pad in marks else 0
    for prompt, row in enumerate(rows):
        tokens = (row != pad).nonzero().flatten()
        n_tokens = int(tokens[-1] - tokens[0]) + 1 if len(tokens) else 0
        if len(row) - n_tokens > max_:
            raise ValueError(
                f"prompt {prompt} of input_ids is padded with token {pad}: pass its "
                "attention_mask, or rows without padding"
            )
