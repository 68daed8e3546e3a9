"""Any module that is called once per iteration, while its user runs the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..arrays import LiveArray
from .arguments import as_count, check_live
from .measures import STEPS, describe, make_measure, metric_name, needs_fixed_point, quantity_of
from .modules import hooked
from .target import tell

if TYPE_CHECKING:
    from torch import Tensor

DIM = "iteration"


@contextmanager
def iterations(
    module: Any,
    *,
    tokens: int | Sequence[str] | None = None,
    metric: str | Callable[[Tensor], Tensor] = "step_norms",
    fixed_point: Tensor | None = None,
    iterations: int = 64,
    live: LiveArray | None = None,
) -> Iterator[LiveArray]:
    """Each call of a module inside, on any thread, appends a row: one number for each token.

    Parameters
    ----------
    module : torch.nn.Module
        Its output, or the first tensor in it, is the state after one iteration, of shape
        (token, d_model) or (1, token, d_model). Your own run goes on as it would without:
        gradients and modes are left alone, and so is the output.
    tokens : int or sequence of str, optional
        Number or texts of the tokens; instead of `live`. By default as many as the first row
        has: until then the array has one.
    metric : str or callable
        "step_norms", whose first row needs two calls; "residual_norms", "relative_residuals"
        or "cosine_to", which need `fixed_point`; or what makes a row of the output.
    fixed_point : Tensor, shape (token, d_model), optional
        What the states converge to.
    iterations : int
        Room for so many rows at first; it doubles when it runs out.
    live : LiveArray, optional
        Array to append to, whose first axis is iteration; it may be watched meanwhile.

    Yields
    ------
    LiveArray, shape (iteration, token)
        The first call is iteration 1.

    Raises
    ------
    TypeError, ValueError
        If the arguments do not fit together. In the module's call if a row does not fit.
    """
    import torch

    _check(module, metric, fixed_point, tokens, live)
    array = (
        _make_live(1 if tokens is None else tokens, metric, iterations) if live is None else live
    )
    unsized = live is None and tokens is None
    tell(array, quantity_of(metric), describe(module, metric))
    measure = make_measure(metric, fixed_point)

    def append(_: int, __: Any, state: Tensor) -> None:
        nonlocal unsized
        with torch.no_grad():
            values = measure(state.detach())
        if values is None:
            return
        if unsized:
            array.enlarge(token=values.shape[-1] if values.ndim else 1)
            unsized = False
        array.append(_as_row(values, array))

    with hooked([module], append, any_thread=True):
        yield array


def _check(module: Any, metric: Any, fixed_point: Any, tokens: Any, live: Any) -> None:
    if not hasattr(module, "register_forward_hook"):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    if needs_fixed_point(metric) != (fixed_point is not None):
        wants = "needs a" if fixed_point is None else "takes no"
        raise ValueError(f"metric {metric_name(metric)!r} {wants} fixed_point")
    if tokens is not None and live is not None:
        raise TypeError(f"give either tokens or live, got {tokens!r} and {live!r}")
    if live is not None:
        check_live(live)


def _as_row(values: Tensor, array: LiveArray) -> Tensor:
    """One row of the array, without the axis of a batch of one."""
    shape = tuple(size for name, size in zip(array.dims, array.shape, strict=True) if name != DIM)
    row = values[0] if tuple(values.shape) == (1, *shape) else values
    # Numpy would repeat a single number along the row.
    if tuple(row.shape) != shape:
        raise ValueError(f"each call must give a row of shape {shape}, got {tuple(row.shape)}")
    return row


def _make_live(tokens: Any, metric: Any, n_iterations: int) -> LiveArray:
    # The first state has no step before it.
    first = 2 if metric == STEPS else 1
    end = first + as_count("iterations", n_iterations, 1)
    return LiveArray({DIM: range(first, end), "token": tokens})
