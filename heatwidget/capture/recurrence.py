"""Capture of the convergence of a recurrent-depth model, by iteration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..arrays import LiveArray
from .arguments import as_count
from .huginn import Huginn, check_interface
from .measures import STEPS, describe, make_measure, metric_name, needs_fixed_point, quantity_of
from .modules import name_of, quiet
from .prompts import make_prompts
from .target import index_of, make_target

if TYPE_CHECKING:
    from torch import Tensor


def recurrent(
    model: Any,
    input_ids: Any,
    *,
    attention_mask: Any = None,
    position_ids: Any = None,
    token_type_ids: Any = None,
    iterations: int,
    metric: str | Callable[[Tensor], Tensor] = "residual_norms",
    fixed_point: int | Tensor | None = None,
    layers: Literal["core"] | None = None,
    seed: int = 0,
    live: LiveArray | None = None,
    tokens: Sequence[str] | None = None,
    prompts: Sequence[str] | None = None,
    tokenizer: Any = None,
    reducer: str = "last",
) -> LiveArray:
    """Capture the convergence of a recurrent-depth model: one value per iteration and token.

    The model has the interface of Huginn (Geiping et al. 2025, "Scaling up Test-Time Compute
    with Latent Reasoning", arXiv:2502.05171): ``embed_inputs``, ``initialize_state``,
    ``iterate_one_step``, ``transformer.ln_f`` and, for `layers`, ``transformer.core_block``.
    All states are passed through ``ln_f``. By default x* is the last state of the same run. The
    model then runs twice from one initial state: first to find x*, then to record the rows.

    Parameters
    ----------
    model : torch.nn.Module
        Run in evaluation mode without gradients. Its modes are restored.
    input_ids : Tensor or sequence of int, shape (token,), (1, token) or (prompt, token)
        Also: one row for each prompt, of different lengths; the output of a tokenizer; or, with
        `tokenizer`, a text, chat messages, or a list of these.
    attention_mask, position_ids, token_type_ids : array_like, shape as `input_ids`, optional
        As the tokenizer returns them: ``capture.recurrent(model, **tokenizer(...))``. The mask
        is 0 at padding, on either side of a prompt. Padding is neither run nor measured.
    iterations : int
        Number of iterations. Iteration 0 is the initial state.
    metric : str or callable
        "residual_norms", "relative_residuals", "cosine_to", "step_norms"; or a function from a
        state, shape (..., prompt, token, d_model), to numbers, shape (..., prompt, token).
        The rows of "step_norms" start one iteration later, because the first state has no step.
    fixed_point : int or Tensor, optional
        Number of iterations of a longer run from the same initial state, whose last state is
        x*; or x* itself after ``ln_f``, shape (token, d_model) or (prompt, token, d_model). By
        default the last row is 0, which a log scale cannot show; a longer run avoids this.
    layers : "core", optional
        Compare the output of each core block with its own output at the fixed point. The last
        layer equals the result without `layers`. The rows start at iteration 1, because the
        initial state is not the output of a block.
    seed : int
        Seed of the noise in the initial state. The noise is drawn on the CPU and separately for
        each prompt, so a prompt gives the same numbers on any device and in any batch.
    live : LiveArray, optional
        Array to fill, with the axes of the result; it may be watched meanwhile.
    tokens, prompts : sequence of str, optional
        Texts of the item axis. With `prompts`, a single prompt also gives a prompt axis.
    tokenizer : optional
        Any object with ``decode``, for the texts of the item axis. For text and chat input, the
        model's own tokenizer. A chat is followed by the start of the answer, unless it ends with
        an answer.
    reducer : {"last", "mean", "max"}
        Reduction of a prompt's tokens to one number, if there is a prompt axis.

    Returns
    -------
    LiveArray, shape (iteration, token) or (iteration, prompt)
        With `layers` the shape is (iteration, layer, ...). ``attrs`` holds model, seed, fixed
        point, metric and a "title".

    Raises
    ------
    TypeError
        If the model lacks a part of the interface, or an argument has a wrong type.
    ValueError
        If an argument has a wrong value or shape.

    Notes
    -----
    Two runs are equal only if no iteration draws noise. For a model that does (Huginn's
    ``test_time_noise``), pass x* itself.

    Examples
    --------
    >>> from heatwidget.samples.recurrent import encode, load_model
    >>> live = hw.capture.recurrent(load_model(), encode("Hi"), iterations=8, tokens=["H", "i"])
    >>> live
    <LiveArray (iteration: 9, token: 2) float32 ‖x − x*‖, 18 of 18 written>
    >>> live.attrs["title"], live.attrs["fixed_point"]
    ('RecurrentModel, seed 0', 'state after 8 iterations')
    """
    core = _is_core(layers)
    check_interface(model, core=core)
    # Core blocks have no output at iteration 0, and the first state has no step.
    first = core + (metric == STEPS)
    n_iterations = as_count("iterations", iterations, max(first, 1))
    n_reference = _reference(metric, fixed_point, n_iterations)
    seed = as_count("seed", seed, 0)
    given = {
        "attention_mask": attention_mask,
        "position_ids": position_ids,
        "token_type_ids": token_type_ids,
    }
    with quiet(model):
        batch = make_prompts(
            model,
            model.embed_inputs,
            input_ids,
            given=given,
            tokens=tokens,
            prompts=prompts,
            tokenizer=tokenizer,
            reducer=reducer,
        )
        runs = Huginn(model, batch, seed, core=core)
        layer_axis = {"layer": range(1, runs.n_layers + 1)} if core else {}
        live = make_target(
            live,
            {"iteration": range(first, n_iterations + 1), **layer_axis, **batch.axis},
            quantity=quantity_of(metric),
            attrs=_attrs(model, metric, seed, n_iterations, n_reference),
        )
        if n_reference:
            fixed_point = runs.end(n_reference)
        measure = make_measure(metric, fixed_point)
        for k, state in enumerate(runs.states(n_iterations), start=core):
            values = measure(state)
            if values is not None:
                live[index_of(live, k)] = batch.reduce(values)
    return live


def _is_core(layers: Any) -> bool:
    if layers not in (None, "core"):
        raise ValueError(f"layers must be 'core' or None, got {layers!r}")
    return layers is not None


def _reference(metric: Any, fixed_point: Any, n_iterations: int) -> int:
    """Number of iterations of the run that gives the fixed point; 0 if no run is needed."""
    if not needs_fixed_point(metric):
        if fixed_point is not None:
            raise ValueError(f"metric {metric_name(metric)!r} takes no fixed_point")
        return 0
    if fixed_point is None:
        return n_iterations
    if np.ndim(fixed_point):
        return 0
    return as_count("fixed_point, as a number of iterations,", fixed_point, n_iterations)


def _attrs(
    model: Any, metric: Any, seed: int, n_iterations: int, n_reference: int
) -> dict[str, Any]:
    given = "given" if needs_fixed_point(metric) else None
    return {
        **describe(model, metric),
        "title": f"{name_of(model)}, seed {seed}",
        "fixed_point": f"state after {n_reference} iterations" if n_reference else given,
        "iterations": n_iterations,
        "seed": seed,
    }
