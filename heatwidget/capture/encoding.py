"""What a user gives a capture to read, as the token ids of each prompt without padding."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

# What a tokenizer gives for each token, besides its id and whether it is one.
EXTRAS = ("position_ids", "token_type_ids")
_COLUMNS = ("input_ids", "attention_mask", *EXTRAS)

# What a tokenizer gives for all prompts: for each column of the above a row for each prompt.
Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """Prompts of any lengths, without padding, on the CPU.

    Parameters
    ----------
    rows : list of Tensor of int64, shape (token,)
        Token ids of each prompt.
    extras : dict of str to list of Tensor of int64, shape (token,)
        What else was given for each token, see `EXTRAS`.
    texts : list of str, optional
        The prompts, where they were given as text.
    """

    rows: list[Tensor]
    extras: dict[str, list[Tensor]]
    texts: list[str] | None


def encode(
    given: Any, beside: Mapping[str, Any], *, tokenizer: Any, config: Any, reads: Collection[str]
) -> Encoding:
    """Prompts from whatever the user calls input ids, checked.

    Parameters
    ----------
    given : Tensor, array_like, mapping, str, or sequence of these
        Token ids, what a tokenizer returns, text, or chat messages.
    beside : mapping
        Columns that were given as keywords; None counts as not given.
    tokenizer : optional
        For text and chats, and for its padding token.
    config : optional
        Of the model, for its padding token where there is no tokenizer.
    reads : collection of str
        What the model takes, by name: of a mapping it must not lack any.

    Raises
    ------
    TypeError, ValueError
        If there are no ids, they are no whole numbers, or they hold padding that no mask marks.
    """
    beside = {name: value for name, value in beside.items() if value is not None}
    given = list(given) if isinstance(given, Iterator) else given
    prompts = _written(given)
    columns = _tokenized(prompts, tokenizer, reads) if prompts else _columns(given, reads)
    twice = sorted(set(columns) & set(beside))
    if twice:
        raise TypeError(f"{twice[0]} comes with input_ids already, got another one")
    columns |= {name: _split(name, value) for name, value in beside.items()}
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
    """Texts and chats, one for each prompt; None for what is neither."""
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
    """Columns of texts and chats: one by one, so that nothing is padded."""
    if tokenizer is None:
        what = "text" if isinstance(prompts[0], str) else "chat messages"
        raise TypeError(f"{what} must have a tokenizer beside it: give tokenizer=, or token ids")
    found = [_columns(_apply(tokenizer, prompt), reads) for prompt in prompts]
    return {name: [row for one in found for row in one[name]] for name in found[0]}


def _apply(tokenizer: Any, prompt: Any) -> Any:
    """What a tokenizer makes of one prompt."""
    if isinstance(prompt, str):
        # Those of transformers are called and give a mask, too; others have `encode` alone.
        return tokenizer(prompt) if callable(tokenizer) else tokenizer.encode(prompt)
    if not hasattr(tokenizer, "apply_chat_template"):
        kind = type(tokenizer).__name__
        raise TypeError(f"chat messages need a tokenizer with apply_chat_template, got {kind}")
    # What the model is about to answer; a chat that ends with its answer is complete.
    answers = prompt[-1]["role"] != "assistant"
    return tokenizer.apply_chat_template(
        list(prompt), tokenize=True, return_dict=True, add_generation_prompt=answers
    )


def _columns(given: Any, reads: Collection[str]) -> Columns:
    """Columns of token ids, or of what a tokenizer has returned."""
    if hasattr(given, "ids"):  # of the tokenizers library
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
        raise TypeError(f"a capture reads {known} of input_ids, got {', '.join(unread)} too")
    found = {name: given[name] for name in _COLUMNS if given.get(name) is not None}
    return {name: _split(name, value) for name, value in found.items()}


def _split(name: str, given: Any) -> list[Any]:
    """One part for each prompt."""
    if isinstance(given, (str, bytes, Mapping)) or not hasattr(given, "__iter__"):
        kind = type(given).__name__
        what = "text, chat messages or token ids" if name == "input_ids" else "numbers"
        raise TypeError(f"{name} must be {what}, or a row of them per prompt, got {kind}")
    if hasattr(given, "detach"):
        # At once: row by row the device would be waited for again and again.
        given = given.detach().cpu()
    parts = list(given)
    return [given] if all(np.ndim(part) == 0 for part in parts) else parts


def _as_tensor(name: str, row: Any) -> Tensor:
    """What was given for the tokens of one prompt: Tensor, shape (token,), on the CPU."""
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
    """Whole numbers of one prompt: Tensor of int64, shape (token,)."""
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
    """Where the tokens of a prompt are, between what is padded."""
    marks = (mask == 0) | (mask == 1)
    if not marks.all():
        raise ValueError(
            f"attention_mask must be 1 for tokens and 0 for padding, got {mask[~marks][0].item()}"
        )
    places = mask.nonzero().flatten()
    if not len(places):
        raise ValueError(f"attention_mask must leave a token of each prompt, none of {prompt}")
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
    """Raise ValueError where the padding token stands at an end of a row.

    Parameters
    ----------
    rows : sequence of Tensor of int64, shape (token,)
        Those of different lengths are not padded.
    known : object
        What may know the padding token: a tokenizer, the configuration of a model.
    """
    pad = getattr(known, "pad_token_id", None)
    if pad is None or len(set(map(len, rows))) > 1:
        return
    ends: list[Any] = [getattr(known, name, None) for name in ("bos_token_id", "eos_token_id")]
    marks = {mark for end in ends for mark in np.ravel(end)}  # some models have more than one
    # Many pad with the token that ends a text; an answer alone may well end with it.
    most = 1 if len(rows) == 1 and pad in marks else 0
    for prompt, row in enumerate(rows):
        tokens = (row != pad).nonzero().flatten()
        n_tokens = int(tokens[-1] - tokens[0]) + 1 if len(tokens) else 0
        if len(row) - n_tokens > most:
            raise ValueError(
                f"prompt {prompt} of input_ids is padded with token {pad}: pass the "
                "attention_mask that comes with it, or rows without padding"
            )
