"""Prompts: whatever the user calls input ids, as one batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from heatwidget.capture.prompts import make_prompts

CPU = torch.device("cpu")
rows_of_ids = st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=6), min_size=2, max_size=5)
as_given = st.sampled_from([list, tuple, np.array, torch.tensor])


@given(rows_of_ids, as_given, st.sampled_from(["last", "mean", "max"]), st.integers(0, 9))
def test_padding_never_counts(rows: list[list[int]], kind: Any, reducer: str, seed: int) -> None:
    """A batch holds each prompt from its left, and is reduced prompt by prompt."""
    prompts = make_prompts([kind(row) for row in rows], device=CPU, reducer=reducer)
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
    ],
)
def test_one_prompt(input_ids: Any) -> None:
    """However it is written, it gives tokens."""
    prompts = make_prompts(input_ids, device=CPU)
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
        ("text", TypeError, "input_ids must be token ids, .*, got str"),
        (["text"], TypeError, "input_ids must be whole numbers"),
        ({"input_ids": [1]}, TypeError, "got dict; pass its 'input_ids'"),
        (3, TypeError, "got int"),
        ([0.5], TypeError, "input_ids must be whole numbers, got torch.float32"),
        ([True], TypeError, "input_ids must be whole numbers, got torch.bool"),
        ([None], TypeError, "input_ids must be whole numbers"),
    ],
)
def test_what_is_no_input(input_ids: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_prompts(input_ids, device=CPU)
