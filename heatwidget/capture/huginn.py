"""A model with Huginn's interface, run on prompts from one initial state."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import suppress
from operator import attrgetter
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..arrays.writing import before_write
from .modules import hooked
from .prompts import Prompts

if TYPE_CHECKING:
    from torch import Tensor

INTERFACE = ("embed_inputs", "initialize_state", "iterate_one_step", "transformer.ln_f")
CORE = "transformer.core_block"

# torch's global generator is shared by all threads.
_drawing = Lock()


class Huginn:
    """Runs of a recurrent-depth model from one initial state.

    Parameters
    ----------
    model : torch.nn.Module
        With the interface of Geiping et al. 2025, arXiv:2502.05171.
    prompts : Prompts
        On the model's device.
    seed : int
        Seed of the initial state.
    core : bool
        Whether a state holds the outputs of all core blocks, not only of the last one.
    """

    def __init__(self, model: Any, prompts: Prompts, seed: int, *, core: bool) -> None:
        self._model = model
        self._blocks = list(model.transformer.core_block) if core else []
        self._input_embeds, self._block_idx = model.embed_inputs(
            prompts.input_ids, **prompts.extras
        )
        self._initial_state = self._draw(prompts.lengths, seed)

    @property
    def n_layers(self) -> int:
        """Number of core blocks in a state; 0 if it is the latent state alone."""
        return len(self._blocks)

    def states(self, n_iterations: int) -> Iterator[Tensor]:
        """Yield the state of each iteration after ``ln_f``, shape (prompt, token, d_model).

        The first is iteration 0, the initial state. With core blocks the first is iteration 1,
        and the shape is (layer, prompt, token, d_model).
        """
        # Cloned, because the model may write to the state passed to it.
        state, block_idx = self._initial_state.clone(), self._block_idx
        norm = self._model.transformer.ln_f
        if not self._blocks:
            yield norm(state)
        seen: dict[int, Tensor] = {}
        for k in range(n_iterations):
            with hooked(self._blocks, lambda layer, _, after: seen.update({layer: after.clone()})):
                state, block_idx, *_ = self._model.iterate_one_step(
                    self._input_embeds, state, block_idx=block_idx, current_step=k
                )
            yield norm(self._stacked(seen) if self._blocks else state)

    def end(self, n_iterations: int) -> Tensor:
        """Return the last state of a run. Like a write to an array, it stops a cancelled `run`."""
        for state in self.states(n_iterations):
            before_write.get()()
            end = state
        return end

    def _stacked(self, seen: dict[int, Tensor]) -> Tensor:
        import torch

        missing = set(range(self.n_layers)) - set(seen)
        if missing:
            raise RuntimeError(f"core blocks {sorted(missing)} were not called in an iteration")
        return torch.stack([seen[layer] for layer in range(self.n_layers)])

    def _draw(self, lengths: tuple[int, ...], seed: int) -> Tensor:
        """Initial state of every prompt, drawn as for that prompt alone; zeros at padding."""
        import torch
        from torch.nn.utils.rnn import pad_sequence

        initialize, states = self._model.initialize_state, []
        own = "generator" in inspect.signature(initialize).parameters
        for i, length in enumerate(lengths):
            # On the CPU a seed gives the same noise for a model on any device, and only the
            # CPU's generator has to be restored.
            embeds = self._input_embeds[i : i + 1, :length].cpu()
            if own:
                # Another thread may draw from torch's global generator after the seed is set.
                generator = torch.Generator().manual_seed(seed)
                states.append(initialize(embeds, generator=generator)[0])
            else:
                with _drawing, torch.random.fork_rng(devices=[]):
                    torch.default_generator.manual_seed(seed)
                    states.append(initialize(embeds)[0])
        return pad_sequence(states, batch_first=True).to(self._input_embeds.device)


def check_interface(model: Any, *, core: bool) -> None:
    """Raise TypeError for a model without the parts that a run needs; the error names them."""
    missing = [name for name in (*INTERFACE, *([CORE] if core else [])) if not _has(model, name)]
    if missing:
        type_name, parts = type(model).__name__, ", ".join(missing)
        raise TypeError(f"model must follow Huginn's interface, {type_name} lacks {parts}")


def _has(model: Any, name: str) -> bool:
    with suppress(AttributeError):
        attrgetter(name)(model)
        return True
    return False
