"""Train the small recurrent-depth model that the samples come from.

Run from the root of the checkout, with torch installed::

    python scripts/train_recurrent_sample.py

About twelve minutes on one free core. It reads the prose of the standard library: the language
reference in ``pydoc_data.topics`` and the docstrings of the modules. Both change from one Python
to the next, so the weights record which text they were trained on.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import inspect
import math
import platform
import re
import sysconfig
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from heatwidget.samples.recurrent import (
    WEIGHTS_PATH,
    RecurrentConfig,
    RecurrentModel,
    encode,
    load_model,
    save_weights,
)

SEED = 20250207
N_UPDATES = 900
BATCH_SHAPE = (16, 128)  # rows, bytes
MAX_ITERATIONS = 32
# Gradients flow through the last iterations only: it saves time, and it asks every state on the
# way to be one from which the next few iterations lead to a good answer.
N_WITH_GRADIENT = 4
PEAK_RATE = 6e-3
HELD_OUT = 0.04
SKIPPED_FOLDERS = {"site-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo"}


def prose(text: str) -> Iterator[str]:
    """Paragraphs of a text that read as English, each on one line."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        line = " ".join(paragraph.split())
        n_letters = sum(character.isalpha() or character == " " for character in line)
        if len(line) >= 60 and n_letters > 0.9 * len(line) and line.isascii():
            yield line


def docstrings() -> Iterator[str]:
    """Docstrings of the standard library's modules, classes and functions."""
    root = Path(sysconfig.get_path("stdlib"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for path in sorted(root.rglob("*.py")):
        if SKIPPED_FOLDERS.isdisjoint(path.relative_to(root).parts):
            try:
                tree = ast.parse(path.read_bytes())
            except (SyntaxError, ValueError):
                continue
            nodes = (node for node in ast.walk(tree) if isinstance(node, documented))
            yield from filter(None, map(ast.get_docstring, nodes))


def read_corpus() -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """The text to train on, the text held out, and a record of both.

    Returns
    -------
    train, held_out : ndarray of uint8, shape (byte,)
        Paragraphs in a shuffled order, one per line.
    record : dict
        Size and hash of the text, and the Python that it came from.
    """
    sources: Iterable[str] = [*(topics[name] for name in sorted(topics)), *docstrings()]
    paragraphs = list(dict.fromkeys(line for text in sources for line in prose(text)))
    np.random.default_rng(SEED).shuffle(paragraphs)
    n_held_out = int(HELD_OUT * len(paragraphs))
    parts = [
        "\n".join(part).encode() for part in (paragraphs[n_held_out:], paragraphs[:n_held_out])
    ]
    record = {
        "corpus": "prose of pydoc_data.topics and of the standard library's docstrings",
        "python": platform.python_version(),
        "corpus_bytes": sum(map(len, parts)),
        "corpus_sha256": hashlib.sha256(b"\n".join(parts)).hexdigest(),
    }
    train, held_out = (np.frombuffer(part, dtype=np.uint8) for part in parts)
    return train, held_out, record


def draw_batch(text: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Random windows of a text: Tensor of int64, shape (row, byte), one byte longer than read."""
    n_rows, n_bytes = BATCH_SHAPE
    starts = rng.integers(0, len(text) - n_bytes - 1, size=n_rows)
    return torch.from_numpy(np.stack([text[s : s + n_bytes + 1] for s in starts]).astype(np.int64))


def draw_iterations(mean: float, rng: np.random.Generator) -> int:
    """A number of iterations from a log-normal Poisson distribution (arXiv:2502.05171, sec. 3.3).

    Its tail is heavy: most updates run a few iterations, some run many, so that the model
    cannot count on one number and learns to stay where it has arrived.
    """
    spread = 0.5
    rate = rng.lognormal(math.log(mean) - spread**2 / 2, spread)
    return int(np.clip(rng.poisson(rate) + 1, 1, MAX_ITERATIONS))


def next_byte_loss(model: RecurrentModel, rows: Tensor, **forward: Any) -> Tensor:
    """Mean cross-entropy of the next byte, in nats."""
    logits = model(rows[:, :-1], **forward).logits
    return functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())


def make_optimizers(model: RecurrentModel) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for the embedding and the norms."""
    named = list(model.named_parameters())
    matrices = [p for name, p in named if p.dim() == 2 and "wte" not in name]
    others = [p for name, p in named if p.dim() != 2 or "wte" in name]
    return [
        torch.optim.Muon(matrices, lr=PEAK_RATE, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def rate_at(progress: float) -> float:
    """Share of the peak learning rate: a short rise, then a cosine down to nothing."""
    return min(1.0, progress / 0.03) * 0.5 * (1 + math.cos(math.pi * progress))


def mean_iterations_at(progress: float, final: int) -> float:
    """Mean of the iterations drawn: fewer at first, when they would teach little for their cost."""
    return final * min(1.0, 0.4 + 1.2 * progress)


def train(model: RecurrentModel, text: np.ndarray, n_updates: int) -> None:
    """Fit the model to the text in place, printing a smoothed loss as it goes."""
    rng = np.random.default_rng(SEED)
    optimizers = make_optimizers(model)
    smooth, began = math.nan, time.monotonic()
    for update in range(n_updates):
        progress = update / n_updates
        n = draw_iterations(mean_iterations_at(progress, model.config.mean_iterations), rng)
        loss = next_byte_loss(
            model, draw_batch(text, rng), num_steps=n, n_without_gradient=n - N_WITH_GRADIENT
        )
        apply_gradients(model, loss, optimizers, PEAK_RATE * rate_at(progress))
        smooth = loss.item() if math.isnan(smooth) else 0.97 * smooth + 0.03 * loss.item()
        if update % 50 == 0 or update == n_updates - 1:
            print(f"{update:5d}  loss {smooth:.3f}  {time.monotonic() - began:4.0f} s", flush=True)


def apply_gradients(
    model: RecurrentModel,
    loss: Tensor,
    optimizers: list[torch.optim.Optimizer],
    rate: float,
) -> None:
    """Do one update of the weights."""
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


@torch.no_grad()
def evaluate(model: RecurrentModel, text: np.ndarray) -> dict[str, float]:
    """Loss on held-out text, in nats per byte, by the number of iterations."""
    rng = np.random.default_rng(SEED)
    batches = [draw_batch(text, rng) for _ in range(12)]
    losses: dict[str, float] = {}
    for n in (1, 2, 4, 8, 16, 32, 64):
        torch.manual_seed(SEED)
        each = [next_byte_loss(model, rows, num_steps=n).item() for rows in batches]
        losses[str(n)] = round(float(np.mean(each)), 4)
    return losses


@torch.no_grad()
def continue_text(model: RecurrentModel, prompt: str, n_bytes: int = 100) -> str:
    """What the model writes after a prompt when it always takes the likeliest byte."""
    torch.manual_seed(SEED)
    ids = encode(prompt)
    for _ in range(n_bytes):
        next_id = model(ids[:, -BATCH_SHAPE[1] :], num_steps=16).logits[:, -1].argmax(-1)
        ids = torch.cat([ids, next_id[:, None]], dim=1)
    return bytes(ids[0].tolist()).decode(errors="replace")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=int, default=N_UPDATES, help="updates of the weights")
    parser.add_argument("--threads", type=int, default=1, help="threads that torch may use")
    parser.add_argument("--out", type=Path, default=WEIGHTS_PATH, help="file to write")
    return parser.parse_args()


def main() -> None:
    """Train, save, and report what the saved weights can do."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    text, held_out, record = read_corpus()
    model = RecurrentModel(RecurrentConfig())
    train(model, text, arguments.updates)
    save_weights(model, arguments.out, record)
    # What is shipped is float16, so that is what gets the marks.
    model = load_model(arguments.out)
    record |= {
        "seed": SEED,
        "updates": arguments.updates,
        "held_out_loss": evaluate(model, held_out),
    }
    save_weights(model, arguments.out, record)
    print(record)
    for prompt in ("The ", "Return the ", "Methodical reasoning", "If the argument is "):
        print(repr(continue_text(model, prompt)))


if __name__ == "__main__":
    main()
