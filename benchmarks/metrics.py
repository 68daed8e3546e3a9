"""Speed of `residual_norms` against a copy of the same bytes and the plain expression.

The input is (iteration, token, d_model); numpy arrays of float32 and float16, and a torch
tensor of bfloat16. All three are timed in turn:

- ``ms``: median of ``hw.residual_norms(x)``, ``GB/s`` of input;
- ``copy``: milliseconds of copying x into memory that is there already;
- ``plain``: milliseconds of ``norm(x - x[-1], axis=-1)``;
- ``temporaries``: most megabytes of numpy held beside input and result.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np

from heatwidget.metrics import residual_norms

from .result import Record, Result, spread

#: Least speed against a copy and against the plain expression, and most megabytes, for float32.
TARGETS = (0.5, 3.0, 64.0)

QUICK: dict[str, Any] = {"shape": (3, 4, 16), "repeats": 2}


@dataclass(frozen=True)
class Case:
    """One kind of input, and the three things that are done with it."""

    dtype: str
    states: Any
    copy: Callable[[], Any]
    plain: Callable[[], Any]

    def metric(self) -> Any:
        """The residual norms."""
        return residual_norms(self.states)


def run(shape: tuple[int, int, int] = (65, 500, 2048), repeats: int = 9) -> Result:
    """Measure each dtype.

    Parameters
    ----------
    shape : tuple of int
        Numbers of iterations, tokens and features.
    repeats : int
        Turns of each.
    """
    values = np.random.default_rng(0).standard_normal(shape, np.float32)
    cases = [_numpy_case(values), _numpy_case(values.astype(np.float16))]
    notes = []
    if find_spec("torch"):
        cases.append(_torch_case(values))
    else:
        notes.append("bfloat16 left out: needs torch")
    records = [_measure(case, values.size, repeats) for case in cases]
    return Result(records, [*notes, *_verdicts(records)])


def _numpy_case(values: Any) -> Case:
    copied = np.empty_like(values)
    return Case(
        dtype=str(values.dtype),
        states=values,
        copy=lambda: np.copyto(copied, values),
        plain=lambda: np.linalg.norm(values - values[-1], axis=-1),
    )


def _torch_case(values: Any) -> Case:
    import torch

    states = torch.from_numpy(values).to(torch.bfloat16)
    copied = torch.empty_like(states)
    return Case(
        dtype="bfloat16",
        states=states,
        copy=lambda: copied.copy_(states),
        plain=lambda: (states - states[-1]).norm(dim=-1),
    )


def _measure(case: Case, n_values: int, repeats: int) -> Record:
    times: dict[str, list[float]] = {"metric": [], "copy": [], "plain": []}
    for _ in range(repeats + 1):
        for name, taken in times.items():
            call = getattr(case, name)
            began = perf_counter()
            call()
            taken.append((perf_counter() - began) * 1e3)
    # The first turn pays for memory that nobody has touched yet.
    low, ms, high = spread(times["metric"][1:])
    copy, plain = (spread(times[name][1:])[1] for name in ("copy", "plain"))
    n_bytes = n_values * case.states.itemsize
    return {
        "dtype": case.dtype,
        "ms": ms,
        "lower": low,
        "upper": high,
        "copy": copy,
        "plain": plain,
        "GB/s": n_bytes / ms / 1e6,
        "speed of copy": copy / ms,
        "speed of plain": plain / ms,
        "temporaries": _temporaries(case) if isinstance(case.states, np.ndarray) else None,
        "times": times["metric"][1:],
    }


def _temporaries(case: Case) -> float:
    """Megabytes held beside input and result, at most."""
    tracemalloc.start()
    try:
        result = case.metric()
        return float(tracemalloc.get_traced_memory()[1] - result.nbytes) / 1e6
    finally:
        tracemalloc.stop()


def _verdicts(records: Sequence[Record]) -> list[str]:
    single, *others = records
    copy, plain, most = TARGETS
    shares = {other["dtype"]: single["ms"] / other["ms"] for other in others}
    return [
        f"float32: {single['speed of copy']:.2f} of the speed of a copy (at least {copy:g}), "
        f"{single['speed of plain']:.1f} times that of the plain expression (at least {plain:g}), "
        f"{single['temporaries']:.1f} MB of temporaries (at most {most:g})",
        *(
            f"{name}: {share:.2f} of the speed of float32 (at least 0.5)"
            for name, share in shares.items()
        ),
    ]
