"""A small recurrent-depth language model on bytes, with its trained weights.

The architecture is that of Geiping et al. (2025), "Scaling up Test-Time Compute with Latent
Reasoning", arXiv:2502.05171. A prelude embeds the bytes, core blocks are applied repeatedly to a
latent state that starts as noise, and a coda computes logits from the last state. The methods have
the names of the public model of that paper, so one capture works for both.

This module imports torch. Nothing else in ``heatwidget.samples`` does.
"""

# Without torch its classes are Any for mypy, which forbids to subclass Any.
# mypy: disable-error-code="misc,no-any-return"

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

WEIGHTS_PATH = Path(__file__).with_name("recurrent_weights.npz")


@dataclass(frozen=True)
class RecurrentConfig:
    """Sizes of a recurrent model.

    Parameters
    ----------
    d_model : int
        Width of the latent state.
    n_heads : int
        Attention heads; ``d_model / n_heads`` must be even, for the rotary positions.
    d_mlp : int
        Hidden width of the gated perceptron in each block.
    n_prelude, n_core, n_coda : int
        Blocks before, in, and after the recurrence.
    n_bytes : int
        Size of the vocabulary: every byte is a token.
    mean_iterations : int
        Mean number of iterations in training, and the default of `forward`.
    """

    d_model: int = 96
    n_heads: int = 4
    d_mlp: int = 160
    n_prelude: int = 1
    n_core: int = 4
    n_coda: int = 1
    n_bytes: int = 256
    mean_iterations: int = 8


@dataclass(frozen=True)
class RecurrentOutput:
    """Output of a forward pass.

    Parameters
    ----------
    logits : Tensor, shape (batch, token, n_bytes)
        Unnormalised log probabilities of the next byte.
    latent_states : Tensor, shape (batch, token, d_model)
        The last state of the recurrence, after ``ln_f``.
    """

    logits: Tensor
    latent_states: Tensor


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.n_heads = config.n_heads
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model, bias=False)
        self.out = nn.Linear(config.d_model, config.d_model, bias=False)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        """Mix the tokens of `x`, shape (batch, token, d_model), each with those before it."""
        batch, n_tokens, d_model = x.shape
        heads = self.qkv(x).view(batch, n_tokens, 3, self.n_heads, -1).permute(2, 0, 3, 1, 4)
        query, key = rotate(heads[0], rotation), rotate(heads[1], rotation)
        mixed = functional.scaled_dot_product_attention(query, key, heads[2], is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, n_tokens, d_model))


class GatedMLP(nn.Module):
    """A perceptron whose hidden layer is gated by SiLU (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.d_model, 2 * config.d_mlp, bias=False)
        self.down = nn.Linear(config.d_mlp, config.d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each token of `x`, shape (batch, token, d_model), by itself."""
        gate, value = self.up(x).chunk(2, dim=-1)
        return self.down(functional.silu(gate) * value)


class Block(nn.Module):
    """Attention, then a perceptron, each between two norms.

    The norm after each sum keeps the norm of the state constant over repeated applications.
    Without it the state grows without bound.
    """

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.norm_1, self.norm_2, self.norm_3, self.norm_4 = (
            nn.RMSNorm(config.d_model, eps=1e-6) for _ in range(4)
        )
        self.attention = Attention(config)
        self.mlp = GatedMLP(config)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        """Apply the block to `x`, shape (batch, token, d_model)."""
        x = self.norm_2(x + self.attention(self.norm_1(x), rotation))
        return self.norm_4(x + self.mlp(self.norm_3(x)))


class RecurrentModel(nn.Module):
    """A recurrent-depth causal language model on bytes."""

    def __init__(self, config: RecurrentConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or RecurrentConfig()
        # Any, because the entries of a ModuleDict have no static type.
        self.transformer: Any = nn.ModuleDict(
            {
                "wte": nn.Embedding(config.n_bytes, config.d_model),
                "prelude": nn.ModuleList(Block(config) for _ in range(config.n_prelude)),
                "adapter": nn.Linear(2 * config.d_model, config.d_model, bias=False),
                "core_block": nn.ModuleList(Block(config) for _ in range(config.n_core)),
                "coda": nn.ModuleList(Block(config) for _ in range(config.n_coda)),
                "ln_f": nn.RMSNorm(config.d_model, eps=1e-6),
            }
        )
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=(2 / (5 * config.d_model)) ** 0.5)

    def embed_inputs(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Embed the bytes and run the prelude.

        Parameters
        ----------
        input_ids : Tensor of int64, shape (batch, token)
            Bytes, 0 to 255.

        Returns
        -------
        input_embeds : Tensor, shape (batch, token, d_model)
            Embeddings that are injected into every iteration.
        block_idx : Tensor of int64, shape ()
            Number of blocks applied so far, minus one.
        """
        x = self.transformer.wte(input_ids) * self.config.d_model**0.5
        block_idx = torch.tensor(-1)
        return self._through(self.transformer.prelude, x, block_idx)

    def initialize_state(
        self, input_embeds: Tensor, scale: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """Draw the state of iteration 0 from a normal distribution.

        Parameters
        ----------
        input_embeds : Tensor, shape (batch, token, d_model)
            Gives the shape and dtype.
        scale : float
            Standard deviation of each entry.
        generator : torch.Generator, optional
            Source of the noise; torch's global one by default.

        Returns
        -------
        Tensor, shape (batch, token, d_model)
            The state.
        """
        noise = torch.randn(input_embeds.shape, generator=generator, dtype=input_embeds.dtype)
        return noise.to(input_embeds.device) * scale

    def iterate_one_step(
        self,
        input_embeds: Tensor,
        state: Tensor,
        block_idx: Tensor | None = None,
        current_step: int = 0,
    ) -> tuple[Tensor, Tensor, int]:
        """Apply the core blocks once, with the input injected before them.

        Parameters
        ----------
        input_embeds, state : Tensor, shape (batch, token, d_model)
            Output of the prelude; the state before this iteration.
        block_idx : Tensor of int64, shape (), optional
            Number of blocks applied so far, minus one.
        current_step : int
            Number of iterations so far.

        Returns
        -------
        state : Tensor, shape (batch, token, d_model)
            The state after this iteration.
        block_idx : Tensor of int64, shape ()
            The input plus the number of core blocks.
        current_step : int
            The input plus one.
        """
        block_idx = torch.tensor(-1) if block_idx is None else block_idx
        injected = self.transformer.adapter(torch.cat([state, input_embeds], dim=-1))
        state, block_idx = self._through(self.transformer.core_block, injected, block_idx)
        return state, block_idx, current_step + 1

    def read_out(self, state: Tensor) -> RecurrentOutput:
        """Run the coda on a state and return the logits of the next byte."""
        latent_states = self.transformer.ln_f(state)
        x, _ = self._through(self.transformer.coda, latent_states, torch.tensor(-1))
        x = self.transformer.ln_f(x)
        logits = functional.linear(x, self.transformer.wte.weight)
        return RecurrentOutput(logits=logits, latent_states=latent_states)

    def forward(
        self,
        input_ids: Tensor,
        input_states: Tensor | None = None,
        num_steps: int | None = None,
        n_without_gradient: int = 0,
    ) -> RecurrentOutput:
        """Run prelude, recurrence and coda.

        Parameters
        ----------
        input_ids : Tensor of int64, shape (batch, token)
            Bytes, 0 to 255.
        input_states : Tensor, shape (batch, token, d_model), optional
            State of iteration 0; drawn at random by default.
        num_steps : int, optional
            Number of iterations; ``config.mean_iterations`` by default.
        n_without_gradient : int
            Iterations that run first and through which no gradient flows.

        Returns
        -------
        RecurrentOutput
            Logits and the last state.
        """
        n_iterations = self.config.mean_iterations if num_steps is None else num_steps
        input_embeds, block_idx = self.embed_inputs(input_ids)
        state = self.initialize_state(input_embeds) if input_states is None else input_states
        for step in range(n_iterations):
            with torch.set_grad_enabled(torch.is_grad_enabled() and step >= n_without_gradient):
                state, block_idx, _ = self.iterate_one_step(input_embeds, state, block_idx, step)
        return self.read_out(state)

    def _through(self, blocks: Any, x: Tensor, block_idx: Tensor) -> tuple[Tensor, Tensor]:
        rotation = rotary_table(x.shape[1], self.config.d_model // self.config.n_heads, x)
        for block in blocks:
            x = block(x, rotation)
        return x, block_idx + len(blocks)


def rotary_table(n_tokens: int, d_head: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the rotary angles (Su et al. 2021, arXiv:2104.09864).

    Returns
    -------
    cosine, sine : Tensor, shape (token, d_head / 2)
        In the dtype and on the device of `like`.
    """
    frequency = 1000.0 ** -(torch.arange(0, d_head, 2) / d_head)
    angle = torch.arange(n_tokens)[:, None] * frequency
    return angle.cos().to(like), angle.sin().to(like)


def rotate(heads: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn the two halves of each head, shape (..., token, d_head), by the rotary angles."""
    cosine, sine = rotation
    left, right = heads.chunk(2, dim=-1)
    return torch.cat([left * cosine - right * sine, left * sine + right * cosine], dim=-1)


def encode(text: str) -> Tensor:
    """Bytes of a text as token ids: Tensor of int64, shape (1, token).

    Examples
    --------
    >>> encode("Hi")
    tensor([[ 72, 105]])
    """
    return torch.tensor([list(text.encode())], dtype=torch.int64)


def save_weights(
    model: RecurrentModel, path: Path = WEIGHTS_PATH, record: dict[str, Any] | None = None
) -> None:
    """Save the weights as float16, with the sizes of the model and a record of its training.

    Parameters
    ----------
    model : RecurrentModel
        The model.
    path : Path
        File to write.
    record : dict, optional
        Any data that can be written as JSON.
    """
    weights = {name: w.detach().half().numpy() for name, w in model.state_dict().items()}
    about = {"config": asdict(model.config), "record": record or {}}
    np.savez_compressed(path, about=np.array(json.dumps(about, ensure_ascii=False)), **weights)


def load_record(path: Path = WEIGHTS_PATH) -> dict[str, Any]:
    """Record of the training of the weights: text, seed, and loss on held-out text in nats."""
    with np.load(path) as file:
        record: dict[str, Any] = json.loads(file["about"].item())["record"]
    return record


def load_model(path: Path = WEIGHTS_PATH) -> RecurrentModel:
    """Load the model with its trained weights, as float32 and in evaluation mode.

    Parameters
    ----------
    path : Path
        File written by `save_weights`.

    Returns
    -------
    RecurrentModel
        The trained model, without gradients for its parameters.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    """
    with np.load(path) as file:
        about = json.loads(file["about"].item())
        weights = {n: torch.from_numpy(file[n]).float() for n in file.files if n != "about"}
    model = RecurrentModel(RecurrentConfig(**about["config"]))
    model.load_state_dict(weights)
    return model.eval().requires_grad_(False)
