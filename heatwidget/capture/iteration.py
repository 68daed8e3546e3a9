"""Capture of a module that is called once per iteration of the user's own run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from ..arrays import LiveArray
from .arguments import as_count, check_live
from .measures import (
    STEPS,
    Measure,
    describe,
    make_measure,
    metric_name,
    needs_fixed_point,
    quantity_of,
)
from .modules import hooked, name_of
from .target import write_description

if TYPE_CHECKING:
    from torch import Tensor

DIM = "iteration"
LAST = "last"


@contextmanager
def iterations(
    module: Any,
    *,
    tokens: int | Sequence[str] | Literal["last"] | None = None,
    metric: str | Callable[[Tensor], Tensor] = "step_norms",
    fixed_point: Tensor | None = None,
    iterations: int = 64,
    live: LiveArray | None = None,
) -> Iterator[LiveArray]:
    """Record each call of a module in the block, on any thread, as a row of one value per token.

    The capture changes neither gradients nor modes nor the output of your own run, and its
    errors never reach the run. After an error no more rows are recorded. Heatmaps of the array
    show the error, and it is raised at the end of the block.

    Parameters
    ----------
    module : torch.nn.Module
        Its output, or the first tensor in it, is the state after one iteration. The shape is
        (token, d_model) or (1, token, d_model), with the same number of tokens in each call.
    tokens : int, sequence of str or "last", optional
        Number or texts of the tokens, instead of `live`. By default the first row gives the
        number; before it the array has one token. "last" records the last token of each call,
        one value for each prompt of a batch. A model that generates with a cache returns all
        tokens of the prompt in its first call, and one token in each later call.
    metric : str or callable
        "step_norms", whose first row needs two calls; "residual_norms", "relative_residuals"
        or "cosine_to", which need `fixed_point`; or a function from the output to a row.
    fixed_point : Tensor, shape (token, d_model), optional
        The fixed point of the states.
    iterations : int
        Initial capacity in rows. It doubles when it is full. Unused rows are cut off at the end
        of the block.
    live : LiveArray, optional
        Array to append to, whose first axis is iteration; it may be watched meanwhile. Its
        unused rows are kept; ``live.trim()`` cuts them off.

    Yields
    ------
    LiveArray, shape (iteration, token), or (iteration, prompt) for ``tokens="last"``
        The first call is iteration 1.

    Raises
    ------
    TypeError, ValueError
        If the arguments do not fit together. At the end of the block, if a row did not fit.
    RuntimeError
        At the end of the block, if no row was recorded: the module was not called, or only once
        where a row needs two calls.

    Examples
    --------
    >>> from heatwidget.samples.recurrent import encode, load_model
    >>> model = load_model()
    >>> core = model.transformer.core_block[-1]  # called once per iteration
    >>> with hw.capture.iterations(core, tokens=["H", "i"]) as live:
    ...     output = model(encode("Hi"), num_steps=8)
    >>> live
    <LiveArray (iteration: 7, token: 2) float32 ‖x_k − x_(k−1)‖, 14 of 14 written>
    """
    _check(module, metric, fixed_point, tokens, live)
    array = _make_live(tokens, metric, iterations) if live is None else live
    write_description(array, quantity_of(metric), describe(module, metric))
    rows = _Rows(
        array,
        name_of(module),
        make_measure(metric, fixed_point),
        same_tokens=not callable(metric),
        last=_is_last(tokens),
        unsized=live is None and (tokens is None or _is_last(tokens)),
    )
    try:
        with hooked([module], rows.append, any_thread=True, on_error=array.report):
            yield array
    finally:
        if live is None:
            array.trim()
    if not rows.n_rows:
        raise RuntimeError(f"nothing was recorded: {rows.describe_calls()}")


class _Rows:
    """Appends one row to an array for each state.

    Parameters
    ----------
    array : LiveArray
    name : str
        Of the module, for errors.
    measure : callable
        Function from a state to numbers.
    same_tokens : bool
        Whether all states must have the same number of tokens.
    last : bool
        Whether only the last token of each state is recorded.
    unsized : bool
        Whether the first row sets the number of items of the array.
    """

    def __init__(
        self,
        array: LiveArray,
        name: str,
        measure: Measure,
        *,
        same_tokens: bool,
        last: bool,
        unsized: bool,
    ) -> None:
        self.n_calls = self.n_rows = 0
        self._array, self._name, self._measure = array, name, measure
        self._same_tokens, self._last, self._unsized = same_tokens, last, unsized
        self._shape: tuple[int, ...] | None = None

    def append(self, _: int, __: Any, state: Tensor) -> None:
        """Measure a state of shape (..., token, d_model) and append the row."""
        import torch

        self.n_calls += 1
        with torch.no_grad():
            state = state.detach()
            if self._last:
                state = state[..., -1:, :]
            if self._same_tokens:
                self._check_tokens(tuple(state.shape[:-1]))
            values = self._measure(state)
        if values is None:
            return
        values = torch.as_tensor(values)
        if self._last:
            values = values.flatten()
        if self._unsized:
            size = values.shape[-1] if values.ndim else 1
            self._array.enlarge(**{self._array.dims[-1]: size})
            self._unsized = False
        self._array.append(self._as_row(values))
        self.n_rows += 1

    def describe_calls(self) -> str:
        """Reason why no row was recorded, in words."""
        if not self.n_calls:
            return f"{self._name} was not called inside the block; pass a module that runs there"
        if self._same_tokens:
            return f"{self._name} was called once inside the block, and the first step needs two"
        return f"metric gave None for each call of {self._name}"

    def _check_tokens(self, shape: tuple[int, ...]) -> None:
        before, self._shape = shape if self._shape is None else self._shape, shape
        if shape != before:
            raise ValueError(
                f"each call must give as many tokens as the one before, call {self.n_calls} of "
                f"{self._name} gave {_count(shape)} after {_count(before)}{self._advice}"
            )

    def _as_row(self, values: Tensor) -> Tensor:
        """Row of the array; a batch axis of length 1 is dropped."""
        pairs = zip(self._array.dims, self._array.shape, strict=True)
        shape = tuple(size for name, size in pairs if name != DIM)
        row = values[0] if tuple(values.shape) == (1, *shape) else values
        # Without this check numpy broadcasts a single number along the row.
        if tuple(row.shape) != shape:
            raise ValueError(
                f"each call must give a row of shape {shape}, call {self.n_calls} of "
                f"{self._name} gave {tuple(row.shape)}{self._advice}"
            )
        return row

    @property
    def _advice(self) -> str:
        hint = f"; tokens={LAST!r} records the last token of each call, as for generate()"
        return "" if self._last else hint


def _check(module: Any, metric: Any, fixed_point: Any, tokens: Any, live: Any) -> None:
    if not hasattr(module, "register_forward_hook"):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    if needs_fixed_point(metric) != (fixed_point is not None):
        wants = "needs a" if fixed_point is None else "takes no"
        raise ValueError(f"metric {metric_name(metric)!r} {wants} fixed_point")
    if isinstance(tokens, str) and tokens != LAST:
        raise TypeError(f"tokens must be a number, a sequence of texts or {LAST!r}, got {tokens!r}")
    if tokens is not None and live is not None and not _is_last(tokens):
        raise TypeError(f"give either tokens or live, got {tokens!r} and {live!r}")
    if live is not None:
        check_live(live)


def _is_last(tokens: Any) -> bool:
    return isinstance(tokens, str) and tokens == LAST


def _count(shape: tuple[int, ...]) -> str:
    """Number of tokens as text."""
    n, n_prompts = shape[-1] if shape else 1, prod(shape[:-1])
    prompts = f" of {n_prompts} prompts" if n_prompts > 1 else ""
    return f"{n} {'token' if n == 1 else 'tokens'}{prompts}"


def _make_live(tokens: Any, metric: Any, n_iterations: int) -> LiveArray:
    # The first state has no step.
    first = 2 if metric == STEPS else 1
    numbers = range(first, first + as_count("iterations", n_iterations, 1))
    items = {"prompt": 1} if _is_last(tokens) else {"token": 1 if tokens is None else tokens}
    return LiveArray({DIM: numbers, **items})
