"""Capture latent state convergence and activations of the shipped recurrent-depth model.

Run from the root of the checkout, with torch installed::

    python scripts/capture_recurrent_sample.py

It writes ``residuals-by-token.npz``, ``residuals-by-prompt.npz`` and ``core-activations.npz``.
A few seconds on one core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sample_files import write_sample
from torch import Tensor

from heatwidget.samples.recurrent import RecurrentModel, encode, load_model, load_record

SEED = 0
N_ITERATIONS = 64
# Long enough that the last states of it differ by rounding only.
N_REFERENCE = 256
PROMPTS = (
    "deliberation",
    "Your responses demonstrate",
    "Methodical reasoning",
    "breaking complex problems into clear steps",
    "Mathematical and",
)
ACTIVATIONS_PROMPT = PROMPTS[3]
SCRIPT = "scripts/capture_recurrent_sample.py"

Visit = Callable[[int, Tensor], None]


def iterate(model: RecurrentModel, prompt: str, n_iterations: int, visit: Visit) -> None:
    """Run the recurrence on one prompt, and hand over every state with its iteration.

    Parameters
    ----------
    model : RecurrentModel
        The model.
    prompt : str
        Text; it is run alone, so nothing is padded.
    n_iterations : int
        Iterations to run.
    visit : callable
        Gets the iteration, 0 for the random initial state, and the state, of shape
        (1, token, d_model).
    """
    # The same seed for every prompt, so that a prompt's picture does not depend on the others.
    torch.manual_seed(SEED)
    input_embeds, block_idx = model.embed_inputs(encode(prompt))
    state = model.initialize_state(input_embeds)
    visit(0, state)
    for k in range(n_iterations):
        state, block_idx, _ = model.iterate_one_step(
            input_embeds, state, block_idx=block_idx, current_step=k
        )
        visit(k + 1, state)


def latent_states(model: RecurrentModel, prompt: str, n_iterations: int) -> Tensor:
    """States of a run through ``ln_f``: Tensor of float32, shape (iteration, token, d_model)."""
    states: list[Tensor] = []
    iterate(model, prompt, n_iterations, lambda _, x: states.append(model.transformer.ln_f(x)[0]))
    return torch.stack(states)


def residual_norms(model: RecurrentModel, prompt: str) -> tuple[np.ndarray, np.ndarray]:
    """Distance of every state from where a longer run of the same start ends.

    Returns
    -------
    residuals : ndarray of float32, shape (iteration, token)
        Norms over d_model; the states of iteration 0 to `N_ITERATIONS`.
    last_steps : ndarray of float32, shape (token,)
        Step norm of the last iteration of the longer run: how still its end stands.
    """
    states = latent_states(model, prompt, N_REFERENCE)
    fixed_point = states[-1]
    residuals = (states[: N_ITERATIONS + 1] - fixed_point).norm(dim=-1)
    return residuals.numpy(), (states[-1] - states[-2]).norm(dim=-1).numpy()


def block_outputs(model: RecurrentModel, prompt: str) -> Tensor:
    """State after every core block: Tensor of float32, shape (iteration, layer, token, d_model)."""
    seen: list[Tensor] = []

    def record(_: Any, __: Any, after: Tensor) -> None:
        seen.append(after[0])

    blocks = model.transformer.core_block
    hooks = [block.register_forward_hook(record) for block in blocks]
    iterate(model, prompt, N_ITERATIONS, lambda _, x: None)
    for hook in hooks:
        hook.remove()
    return torch.stack(seen).unflatten(0, (N_ITERATIONS, len(blocks)))


def lens_probabilities(model: RecurrentModel, prompt: str) -> tuple[np.ndarray, list[str]]:
    """Probability that the state after each core block gives to what the model ends up predicting.

    The state is read with the model's own coda and output matrix, as the logit lens does with
    the layers of a transformer (nostalgebraist 2020, "interpreting GPT: the logit lens"). The
    relative update of a block, ``||h_after - h_before|| / ||h_after||``, was tried first; it
    hardly changes after the second iteration, so it shows nothing of what the iterations do.

    Returns
    -------
    values : ndarray of float32, shape (iteration, layer, token)
        Probabilities, 0 to 1; iterations 1 to `N_ITERATIONS`.
    predictions : list of str
        The byte found likeliest after each token, by the last layer of the last iteration.
    """
    outputs = block_outputs(model, prompt)
    logits = model.read_out(outputs.flatten(0, 1)).logits.unflatten(0, outputs.shape[:2])
    predicted = logits[-1, -1].argmax(dim=-1)
    index = predicted.expand(logits.shape[:3])[..., None]
    values = logits.softmax(dim=-1).gather(-1, index)[..., 0]
    return values.numpy(), [chr(byte) for byte in predicted.tolist()]


def about(model: RecurrentModel, quantity: str, origin: str) -> dict[str, Any]:
    """The part of the attributes that all samples of this model share."""
    record = load_record()
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    loss = record["held_out_loss"][str(model.config.mean_iterations)]
    described = (
        f"A recurrent-depth byte-level language model of {n_parameters:,} parameters "
        f"(d_model {model.config.d_model}, {model.config.n_core} core blocks), trained from "
        f"scratch on English prose of the Python {record['python']} documentation topics and "
        f"docstrings to {loss:.2f} nats per byte on held-out text. {origin} The initial state is "
        f"normal noise of seed {SEED}, drawn anew for each prompt; each prompt is run by itself "
        f"in float32. Script: {SCRIPT}."
    )
    return {
        "quantity": quantity,
        "origin": described,
        "seed": SEED,
        "model": "recurrent sample (heatwidget.samples.recurrent)",
        "iterations": N_ITERATIONS,
        "training": record,
    }


def write_residuals(model: RecurrentModel) -> None:
    """Write the residual norms by token, and their mean by prompt."""
    pairs = [residual_norms(model, prompt) for prompt in PROMPTS]
    by_token = np.concatenate([residuals for residuals, _ in pairs], axis=1)
    by_prompt = np.stack([residuals.mean(axis=1) for residuals, _ in pairs], axis=1)
    formula = (
        f"Value: ||ln_f(x_k) - x*||, the 2-norm over d_model, where x* is ln_f of the state after "
        f"{N_REFERENCE} iterations from the same initial state; iteration 0 is that initial state."
    )
    attrs = about(model, "‖x − x*‖", formula) | {
        "reference_iterations": N_REFERENCE,
        "reference_last_step_norm_max": float(max(steps.max() for _, steps in pairs)),
        "exact_zeros": int((by_token == 0).sum()),
        "log_scale": True,
    }
    iterations = np.arange(N_ITERATIONS + 1)
    write_sample(
        "residuals-by-token",
        by_token,
        dims=("iteration", "token"),
        coords={
            "iteration": iterations,
            "token": list("".join(PROMPTS)),
            "prompt": [prompt for prompt in PROMPTS for _ in prompt],
        },
        attrs=attrs,
    )
    mean = "‖x − x*‖, mean over the prompt's tokens"
    attrs["exact_zeros"] = int((by_prompt == 0).sum())
    attrs |= about(model, mean, f"{formula} Then the arithmetic mean over the prompt's tokens.")
    write_sample(
        "residuals-by-prompt",
        by_prompt,
        dims=("iteration", "prompt"),
        coords={"iteration": iterations, "prompt": list(PROMPTS)},
        attrs=attrs,
    )


def write_activations(model: RecurrentModel) -> None:
    """Write how sure every core block is, at every iteration, of the final prediction."""
    values, predictions = lens_probabilities(model, ACTIVATIONS_PROMPT)
    formula = (
        f"Prompt: {ACTIVATIONS_PROMPT!r}. Value: the probability that the state after one core "
        "block (layer 1 to 4) in one iteration, read with the model's coda and output matrix, "
        "gives to the byte found likeliest next after the last iteration (the coordinate "
        "'prediction')."
    )
    write_sample(
        "core-activations",
        values,
        dims=("iteration", "layer", "token"),
        coords={
            "iteration": np.arange(1, N_ITERATIONS + 1),
            "layer": np.arange(1, values.shape[1] + 1),
            "token": list(ACTIVATIONS_PROMPT),
            "prediction": predictions,
        },
        attrs=about(model, "probability of the final prediction", formula)
        | {"prompt": ACTIVATIONS_PROMPT},
    )


def main() -> None:
    """Write the three samples."""
    torch.set_num_threads(1)
    model = load_model()
    with torch.no_grad():
        write_residuals(model)
        write_activations(model)


if __name__ == "__main__":
    main()
