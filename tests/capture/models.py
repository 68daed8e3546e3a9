"""Small models to capture: variants of Huginn's interface, and transformers of random weights."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.trainers import WordLevelTrainer
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    PreTrainedTokenizerFast,
)

from heatwidget.samples.recurrent import RecurrentModel, load_model

N_TOKENS_KNOWN = 64

_SIZES = {"vocab_size": N_TOKENS_KNOWN, "bos_token_id": 1, "eos_token_id": 2}
CONFIGS = {
    "llama": LlamaConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        **_SIZES,
    ),
    "gpt2": GPT2Config(n_embd=32, n_layer=4, n_head=4, n_positions=64, **_SIZES),
    "gpt_neox": GPTNeoXConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=64,
        **_SIZES,
    ),
}


def transformer(name: str) -> Any:
    """A causal language model of random weights, in training mode as it is when just made."""
    torch.manual_seed(1)
    return AutoModelForCausalLM.from_config(CONFIGS[name]).train()


_CHAT = (
    "{% for m in messages %}<s> {{ m.role }} {{ m.content }} </s> {% endfor %}"
    "{% if add_generation_prompt %}<s> assistant{% endif %}"
)
_SENTENCES = ["the cat sat on the mat and the dog ran over a hill", "user assistant system"]


def tokenizer(**options: Any) -> Any:
    """Words as tokens, fewer than a model knows; padding on the right, unless it says otherwise."""
    words = Tokenizer(WordLevel(unk_token="<unk>"))
    words.pre_tokenizer = WhitespaceSplit()
    special = ["<unk>", "<s>", "</s>", "<pad>"]
    words.train_from_iterator(_SENTENCES, WordLevelTrainer(special_tokens=special))
    names = ("unk_token", "bos_token", "eos_token", "pad_token")
    known = dict(zip(names, special, strict=True))
    given = {"chat_template": _CHAT, "model_input_names": ["input_ids", "attention_mask"]}
    return PreTrainedTokenizerFast(tokenizer_object=words, **{**known, **given, **options})


class WithoutGenerator(RecurrentModel):
    """Draws from torch's global generator only, in training mode with dropout, as Huginn's may."""

    def __init__(self) -> None:
        super().__init__()
        self.load_state_dict(load_model().state_dict())
        self.transformer["ln_f"] = nn.Sequential(self.transformer.ln_f, nn.Dropout(0.5))
        self.train()

    def initialize_state(self, input_embeds: Tensor, scale: float = 1.0) -> Tensor:  # type: ignore[override]
        return nn.init.trunc_normal_(torch.empty_like(input_embeds), std=scale)


class Contraction:
    """No `nn.Module` at all: halves the distance to the embeddings, and does so in place."""

    class transformer:
        @staticmethod
        def ln_f(state: Tensor) -> Tensor:
            return state

    def embed_inputs(self, input_ids: Tensor) -> tuple[Tensor, int]:
        return input_ids[..., None] * torch.ones(3), 0

    def initialize_state(self, input_embeds: Tensor) -> Tensor:
        return torch.randn(*input_embeds.shape)

    def iterate_one_step(
        self, input_embeds: Tensor, state: Tensor, *, block_idx: int, current_step: int
    ) -> tuple[Tensor, int]:
        return state.add_(input_embeds).div_(2), block_idx
