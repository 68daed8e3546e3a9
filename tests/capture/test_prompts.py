"""Prompts: whatever the user calls input ids, as one batch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from heatwidget.capture.prompts import Prompts, make_prompts


class Reads:
    """A model, as far as its input matters: what it takes, and which token pads."""

    def __init__(self, pad: int | None = None, eos: Any = None) -> None:
        self.config = SimpleNamespace(pad_token_id=pad, eos_token_id=eos)

    def forward(self, input_ids: Any, attention_mask: Any = None, pixel_values: Any = None) -> None:
        """Read nothing."""


def prompts_of(input_ids: Any, model: Any = None, **options: Any) -> Prompts:
    model = model or Reads()
    return make_prompts(model, model.forward, input_ids, **options)


rows_of_ids = st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=6), min_size=2, max_size=5)
as_given = st.sampled_from([list, tuple, np.array, torch.tensor])


@given(rows_of_ids, as_given, st.sampled_from(["last", "mean", "max"]), st.integers(0, 9))
def test_padding_never_counts(rows: list[list[int]], kind: Any, reducer: str, seed: int) -> None:
    """A batch holds each prompt from its left, and is reduced prompt by prompt."""
    prompts = prompts_of([kind(row) for row in rows], reducer=reducer)
    values = torch.rand(2, *prompts.input_ids.shape, generator=torch.Generator().manual_seed(seed))
    reduced = prompts.reduce(values)
    one_by_one = {
        "last": lambda v: v[:, -1],
        "mean": lambda v: v.mean(1),
        "max": lambda v: v.amax(1),
    }
    for i, row in enumerate(rows):
        assert prompts.input_ids[i, : len(row)].tolist() == row
        assert set(prompts.input_ids[i, len(row) :].tolist()) <= {row[-1]}
        assert torch.equal(reduced[:, i], one_by_one[reducer](values[:, i, : len(row)]))


@pytest.mark.parametrize(
    "input_ids",
    [
        [4, 5],
        [[4, 5]],
        (np.int64(4), np.int64(5)),
        np.array([4, 5], np.uint8),
        torch.tensor([4, 5], dtype=torch.int32),
        torch.tensor([[4, 5]]),
        [torch.tensor(4), torch.tensor(5)],
        range(4, 6),
        iter([4, 5]),
    ],
)
def test_one_prompt(input_ids: Any) -> None:
    """However it is written, it gives tokens."""
    prompts = prompts_of(input_ids)
    assert prompts.input_ids.tolist() == [[4, 5]]
    assert prompts.input_ids.dtype == torch.int64
    assert prompts.axis == {"token": 2}


@pytest.mark.parametrize(
    ("input_ids", "error", "message"),
    [
        ([], ValueError, "one or more tokens for each prompt"),
        ([[1], []], ValueError, "one or more tokens for each prompt"),
        (torch.zeros(0, 3).long(), ValueError, r"got shape \(0, 3\)"),
        (torch.zeros(1, 2, 3).long(), ValueError, r"tokens for each prompt, got shape \(2, 3\)"),
        ([1, [2, 3]], ValueError, r"tokens for each prompt, got shape \(\)"),
        ("text", TypeError, "text must come with a tokenizer: pass tokenizer="),
        (["text"], TypeError, "text must come with a tokenizer"),
        (np.array(["text", "more"]), TypeError, "text must come with a tokenizer"),
        (
            [{"role": "user", "content": "text"}],
            TypeError,
            "chat messages must come with a tokenizer",
        ),
        (["text", 3], TypeError, "input_ids must be whole numbers"),
        (b"text", TypeError, "text, chat messages or token ids, .*, got bytes"),
        ({"text": "a", "label": 1}, TypeError, "an entry 'input_ids', got a mapping of text, lab"),
        ({"input_ids": [1], "pixel_values": [0.5]}, TypeError, "got pixel_values too"),
        ({"input_ids": [1, 2], "position_ids": [5, 6]}, TypeError, "Reads takes no position_ids"),
        ({"input_ids": [1, 2], "token_type_ids": [0, 1]}, TypeError, "takes no token_type_ids"),
        (
            {"input_ids": [1, 2], "token_type_ids": [0]},
            ValueError,
            r"prompts have \[2\], got \[1\]",
        ),
        (
            {"input_ids": [1, 2], "token_type_ids": [0, 0.5]},
            TypeError,
            "must be whole numbers, got",
        ),
        (3, TypeError, "got int"),
        ([0.5], TypeError, "input_ids must be whole numbers, got torch.float32"),
        ([True], TypeError, "input_ids must be whole numbers, got torch.bool"),
        ([None], TypeError, "input_ids must be whole numbers"),
    ],
)
def test_what_is_no_input(input_ids: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        prompts_of(input_ids)


@given(rows_of_ids, as_given, st.lists(st.tuples(*[st.integers(0, 3)] * 2), min_size=5), st.data())
def test_padded_rows(
    rows: list[list[int]], kind: Any, ends: list[tuple[int, int]], data: st.DataObject
) -> None:
    """On either side, or on both, whatever the mask is made of: as if there were no padding."""
    plain = prompts_of(rows)
    longest = max(map(len, rows)) + 6
    padded, masks = [], []
    for row, (left, _) in zip(rows, ends, strict=False):
        right = longest - left - len(row)
        padded.append([77] * left + row + [77] * right)
        masks.append([0] * left + [1] * len(row) + [0] * right)
    dtype = data.draw(st.sampled_from([int, float, bool, np.uint8]))
    mask = kind(np.array(masks, dtype).tolist())
    positions = [[10 + max(i - left, 0) for i in range(longest)] for left, _ in ends[: len(rows)]]
    model = Reads()
    model.forward = lambda input_ids, position_ids: None
    given: dict[str, Any] = {"attention_mask": mask, "position_ids": positions}
    by_keyword = prompts_of(kind(padded), model, given=given)
    as_mapping = prompts_of({"input_ids": kind(padded), **given}, model)
    for prompts in (by_keyword, as_mapping):
        assert prompts.lengths == plain.lengths
        assert torch.equal(prompts.input_ids, plain.input_ids)
        for found, length in zip(prompts.extras["position_ids"], prompts.lengths, strict=True):
            assert found[:length].tolist() == list(range(10, 10 + length))


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        ([[1, 1]], ValueError, r"each token of input_ids, whose prompts have \[3, 3\], got \[2\]"),
        ([[1, 1], [1, 1]], ValueError, r"whose prompts have \[3, 3\], got \[2, 2\]"),
        (torch.ones(2, 1, 3, 3), ValueError, "attention_mask must hold one or more tokens"),
        ([[1, 0, 1], [1, 1, 1]], ValueError, "prompt 0 has a 0 between them"),
        ([[1, 1, 1], [0, 0, 0]], ValueError, "must mark a token in each prompt, prompt 1 has none"),
        ([[1, 1, 2], [1, 1, 1]], ValueError, "1 for tokens and 0 for padding, got 2"),
        ([[0, -np.inf, 0], [1, 1, 1]], ValueError, "1 for tokens and 0 for padding, got -inf"),
        ([[np.nan, 1, 1], [1, 1, 1]], ValueError, "1 for tokens and 0 for padding, got nan"),
        ([["a", 1, 1], [1, 1, 1]], TypeError, "attention_mask must be whole numbers"),
        ("111", TypeError, "attention_mask must be numbers, .*, got str"),
        (1, TypeError, "attention_mask must be numbers, .*, got int"),
    ],
)
def test_masks_that_are_none(mask: Any, error: type[Exception], message: str) -> None:
    ids = [[4, 5, 6], [7, 8, 9]]
    with pytest.raises(error, match=message):
        prompts_of(ids, given={"attention_mask": mask})
    with pytest.raises(error, match=message):
        prompts_of({"input_ids": ids, "attention_mask": mask})


def test_a_mask_given_twice() -> None:
    with pytest.raises(
        TypeError, match="attention_mask is already in input_ids, got it as a keyword too"
    ):
        prompts_of({"input_ids": [1], "attention_mask": [1]}, given={"attention_mask": [1]})


@pytest.mark.parametrize(
    ("rows", "eos", "is_padded"),
    [
        ([[4, 5, 6], [9, 5, 6]], None, True),
        ([[4, 5, 6], [4, 5, 9]], None, True),
        ([[4, 5, 9]], None, True),
        ([[9, 9]], None, True),
        ([[4, 9, 6], [4, 5, 6]], None, False),
        ([[4, 5, 9], [4, 9]], None, False),  # of different lengths: not padded
        ([[4, 5, 9]], 9, False),  # an answer that has ended
        ([[4, 5, 9]], [2, 9], False),
        ([[4, 9, 9]], 9, True),
        ([[4, 5, 9], [4, 9, 9]], 9, True),
    ],
)
def test_padding_without_a_mask(rows: list[list[int]], eos: Any, is_padded: bool) -> None:
    """Refused where somebody knows the token that pads; a mask says that all are tokens."""
    model = Reads(pad=9, eos=eos)
    known = SimpleNamespace(decode=str, **vars(model.config))
    for options in ({"model": model}, {"tokenizer": known}):
        if is_padded:
            with pytest.raises(ValueError, match="of input_ids is padded with token 9: pass its"):
                prompts_of(rows, **options)
        else:
            assert prompts_of(rows, **options).lengths == tuple(map(len, rows))
    everything = {"attention_mask": np.ones_like(rows)} if is_padded else {}
    assert prompts_of(rows, model, given=everything).lengths == tuple(map(len, rows))
    # A tokenizer knows better than the model.
    no_pad = SimpleNamespace(decode=str, pad_token_id=None)
    assert prompts_of(rows, model, tokenizer=no_pad).lengths == tuple(map(len, rows))
