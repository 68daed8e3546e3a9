"""Inputs of a capture: padded batches, text and chats with a tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from heatwidget import capture
from heatwidget.arrays import LiveArray
from heatwidget.samples.recurrent import load_model

from .models import CONFIGS, tokenizer, transformer

TEXTS = ["the cat sat", "a dog ran over the hill and sat on the mat", "cat"]
CHAT = [{"role": "system", "content": "sat on"}, {"role": "user", "content": "the cat"}]
TOLD = [*CHAT, {"role": "assistant", "content": "ran"}]

# Captures by name: each takes inputs and options.
Capture = Callable[..., LiveArray]


def make_capture(name: str, **fixed: Any) -> Capture:
    if name == "recurrent":
        model = load_model()
        return lambda *a, **k: capture.recurrent(model, *a, iterations=8, **{**fixed, **k})
    model = transformer(name)
    return lambda *a, **k: capture.activations(model, *a, normalize=None, **{**fixed, **k})


@pytest.fixture(scope="module", params=[*CONFIGS, "recurrent"])
def captured(request: pytest.FixtureRequest) -> Capture:
    return make_capture(request.param)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("reducer", ["last", "mean", "max"])
def test_padded_batch(captured: Capture, side: str, reducer: str) -> None:
    """As a tokenizer gives it, by keyword or whole: each prompt gives what it gives alone."""
    tokenize = tokenizer(padding_side=side)
    batch = tokenize(TEXTS, return_tensors="pt", padding=True)
    rows = [captured(tokenize(text).input_ids, prompts=[text], reducer=reducer) for text in TEXTS]
    alone = np.concatenate(rows, axis=1)
    one = tokenize(TEXTS[0], return_tensors="pt", padding="max_length", max_length=9)
    for live in (
        captured(**batch, reducer=reducer),
        captured(batch, reducer=reducer),
        captured(**tokenize(TEXTS), reducer=reducer),  # of different lengths
        captured(**tokenize(TEXTS), reducer=reducer),  # of different lengths
        captured(TEXTS, tokenizer=tokenize, reducer=reducer),
    ):
        assert live.dims[-1] == "prompt"
        np.testing.assert_allclose(live.to_numpy(), alone, rtol=1e-4, atol=1e-4)
    # One prompt gives its tokens, those of the padding left out.
    live = captured(**one, tokenizer=tokenize)
    assert live.axes[-1].labels == ("the", "cat", "sat")
    np.testing.assert_allclose(live.to_numpy(), captured(tokenize(TEXTS[0]).input_ids).to_numpy())
    with pytest.raises(ValueError, match="of input_ids is padded with token 3"):
        captured(batch["input_ids"], tokenizer=tokenize)


@pytest.mark.parametrize("metric", ["update", "probability"])
def test_padded_batch_in_other_metrics(metric: str) -> None:
    """Those that run the model twice, or compare layers."""
    tokenize = tokenizer(padding_side="left")
    captured = make_capture("gpt2", metric=metric)
    live = captured(**tokenize(TEXTS, return_tensors="pt", padding=True))
    alone = np.concatenate([captured(text, tokenizer=tokenize)[:, -1:] for text in TEXTS], axis=1)
    np.testing.assert_allclose(live.to_numpy(), alone, rtol=1e-4)


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_what_else_a_tokenizer_gives(name: str) -> None:
    """Positions and token types go where the model's own call would take them."""
    model = transformer(name).eval()
    ids = torch.tensor([[5, 9, 2, 40, 33]])
    given: dict[str, Any] = {"position_ids": torch.tensor([[7, 8, 9, 10, 11]])}
    if name == "gpt2":
        given["token_type_ids"] = torch.tensor([[1, 1, 0, 0, 1]])
    with torch.no_grad():
        states = model(ids, **given, output_hidden_states=True).hidden_states
    live = capture.activations(model, ids, **given, normalize=None)
    expected = torch.cat(states[1:-1]).norm(dim=-1)
    np.testing.assert_allclose(live[:-1], expected, rtol=1e-5)
    plain = capture.activations(model, ids, normalize=None)
    # Rotary positions are relative to each other.
    assert np.allclose(live[-2], plain[-2]) == (name == "llama")
    padded = {key: torch.cat([torch.ones_like(value), value], 1) for key, value in given.items()}
    mask = torch.arange(10)[None] >= 5
    both = torch.cat([ids, ids], 1)
    again = capture.activations(model, both, attention_mask=mask, **padded, normalize=None)
    np.testing.assert_allclose(again[:-1], expected, rtol=1e-5)
    # Those that say nothing may come along where nobody reads them.
    idle = {"position_ids": torch.arange(5)[None], "token_type_ids": torch.zeros_like(ids)}
    looped = load_model()
    both_ways = [capture.recurrent(looped, ids, iterations=3, **extra) for extra in ({}, idle)]
    np.testing.assert_array_equal(*both_ways)


def test_text(captured: Capture) -> None:
    """One text gives its tokens, several give prompts, each named by what was written."""
    tokenize = tokenizer()
    ids = [tokenize(text).input_ids for text in TEXTS]
    one = captured(TEXTS[0], tokenizer=tokenize)
    np.testing.assert_array_equal(one.to_numpy(), captured(ids[0]).to_numpy())
    assert one.axes[-1].labels == ("the", "cat", "sat")
    for given in ([TEXTS[0]], (TEXTS[0],), np.array([TEXTS[0]])):
        assert captured(given, tokenizer=tokenize).axes[-1].labels == ("the", "cat", "sat")
    for given in (TEXTS, tuple(TEXTS), np.array(TEXTS)):
        live = captured(given, tokenizer=tokenize)
        assert live.axes[-1].labels == tuple(TEXTS)
        np.testing.assert_allclose(live.to_numpy(), captured(ids).to_numpy(), rtol=1e-5)
    assert captured(TEXTS, tokenizer=tokenize, prompts=list("abc")).axes[-1].labels == tuple("abc")
    assert captured("cat", tokenizer=tokenize, tokens=["c"]).axes[-1].labels == ("c",)
    # Special tokens, and words that are in no vocabulary, are tokens like any other.
    assert captured("<s> zebra", tokenizer=tokenize).axes[-1].labels == ("<s>", "<unk>")


def test_tokenizers_of_others() -> None:
    """The tokenizers library has `encode`; a function may give ids alone."""
    captured, tokenize = make_capture("llama"), tokenizer()
    expected = captured(TEXTS, tokenizer=tokenize).to_numpy()

    class Own:
        def __call__(self, text: str) -> Any:
            return tokenize(text, return_tensors="pt").input_ids

        def decode(self, ids: list[int]) -> str:
            return str(tokenize.decode(ids))

    library = tokenizer().backend_tokenizer
    library.enable_padding(length=12, pad_id=3, pad_token="<pad>", direction="left")
    encoded = captured(library.encode("the cat"), tokenizer=library)
    assert encoded.axes[-1].labels == ("the", "cat")
    for other in (library, Own()):
        live = captured(TEXTS, tokenizer=other)
        np.testing.assert_array_equal(live.to_numpy(), expected)
        assert captured("the cat", tokenizer=other).axes[-1].labels == ("the", "cat")


def test_chats(captured: Capture) -> None:
    """Through the tokenizer's template, up to where the model answers, unless it has."""
    tokenize = tokenizer()
    written = "<s> system sat on </s> <s> user the cat </s> <s>"
    live = captured(CHAT, tokenizer=tokenize)
    assert live.axes[-1].labels == (*written.split(), "assistant")
    expected = captured(f"{written} assistant", tokenizer=tokenize)
    np.testing.assert_array_equal(live.to_numpy(), expected.to_numpy())
    told = captured(tuple(TOLD), tokenizer=tokenize)
    assert told.axes[-1].labels[-3:] == ("assistant", "ran", "</s>")
    assert captured(CHAT[1], tokenizer=tokenize).shape[-1] == 7
    several = captured([CHAT, TOLD, CHAT[1:]], tokenizer=tokenize)
    assert several.axes[-1].labels[1] == f"{written} assistant ran </s>"
    alone = np.stack([live[..., -1], told[..., -1]], axis=-1)
    np.testing.assert_allclose(several[..., :2], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ("the cat", {}, TypeError, "text must come with a tokenizer: pass tokenizer="),
        (CHAT, {}, TypeError, "chat messages must come with a tokenizer: pass tokenizer="),
        (
            "the cat",
            {"tokenizer": "gpt2"},
            TypeError,
            "tokenizer must have a method decode, got st",
        ),
        ("", {"tokenizer": tokenizer()}, ValueError, "one or more tokens for each prompt"),
        (["cat", ""], {"tokenizer": tokenizer()}, ValueError, "one or more tokens for each prompt"),
        ([], {"tokenizer": tokenizer()}, ValueError, "one or more tokens for each prompt"),
        (
            CHAT,
            {"tokenizer": tokenizer(chat_template=None)},
            ValueError,
            "chat_template is not set",
        ),
        (
            CHAT,
            {"tokenizer": tokenizer().backend_tokenizer},
            TypeError,
            "apply_chat_template, got T",
        ),
        (["cat", CHAT[0]], {"tokenizer": tokenizer()}, TypeError, "must be whole numbers"),
        (
            [5, 64],
            {},
            ValueError,
            r"within 0..63, the vocabulary of LlamaForCausalLM, got 64; did the ids",
        ),
        ([5, -1], {}, ValueError, "the vocabulary of LlamaForCausalLM, got -1"),
    ],
)
def test_what_cannot_be_read(
    given: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_capture("llama")(given, **options)
