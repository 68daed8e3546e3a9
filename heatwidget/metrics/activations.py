"""Activations brought to 0..1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ..tensors import stacked
from .kinds import Numbers, kind_of

Rule = Literal["layer", "token", "prompt", "global", "quantile"]

_LABELS: dict[str, str] = {
    "layer": "activation, 0..1 within each layer",
    "token": "activation, 0..1 within each token",
    "prompt": "activation, 0..1 within each prompt",
    "global": "activation, 0..1 over all values",
    "quantile": "activation, 0..1 from quantile {low:.4g} to {high:.4g}",
}


def normalize_activations(
    activations: Numbers,
    *,
    rule: Rule = "layer",
    dims: Sequence[str] | None = None,
    quantile: float = 0.99,
) -> Any:
    """Activations brought to 0..1: ``(clip(x, low, high) - low) / (high - low)``.

    NaN and inf pass through and do not count for `low` and `high`. Where these are equal the
    result is 0. An iteration axis shares one scale, so that scrubbing does not change it.

    Parameters
    ----------
    activations : array_like, tensor or dask array of real numbers, \
            shape (layer, token) or (iteration, layer, token)
    rule : {"layer", "token", "prompt", "global", "quantile"}
        Where `low` and `high` come from. The name of an axis: the least and greatest value of each
        of its entries, over all other axes. "global": of the whole array. "quantile": the
        ``1 - quantile`` and `quantile` quantiles of the whole array, both of them values that
        occur, so that a few massive activations do not flatten all others.
    dims : sequence of str, optional
        The axes' names, when they are not as above.
    quantile : float, default 0.99
        Above 0.5, at most 1. For the rule "quantile" only.

    Returns
    -------
    ndarray, tensor or dask array of float32 or float64, the shape of `activations`
        Of the kind of `activations`. Without units; `normalization_label` says what the numbers
        mean.

    Raises
    ------
    TypeError
        `activations` is not made of real numbers.
    ValueError
        An unknown `rule`, one that names no axis, wrong `dims` or `quantile`.

    Examples
    --------
    >>> activations = np.array([[1.0, 2.0, 3.0], [0.0, 25.0, 100.0]])  # (layer, token)
    >>> hw.normalize_activations(activations)
    array([[0.  , 0.5 , 1.  ],
           [0.  , 0.25, 1.  ]])
    >>> hw.normalize_activations(activations, rule="global")
    array([[0.01, 0.02, 0.03],
           [0.  , 0.25, 1.  ]])
    """
    label = normalization_label(rule, quantile=quantile)  # refuses a wrong rule or quantile
    activations = stacked("activations", activations)
    kind = kind_of(activations)
    x = kind.as_real("activations", activations)
    names = _dims(x, dims)
    if rule not in ("global", "quantile") and rule not in names:
        raise ValueError(f"rule {rule!r} ({label}) needs an axis of that name, got dims {names}")
    dtype = kind.result_dtype(x)
    if rule == "quantile":
        low, high = kind.quantiles(x, quantile, dtype)
    else:
        pool = tuple(axis for axis, name in enumerate(names) if name != rule)
        low, high = kind.extremes(x, pool, dtype)
    return kind.rescaled(x, low, high, dtype)


def normalization_label(rule: Rule, *, quantile: float = 0.99) -> str:
    """The rule of `normalize_activations` in words, for a colour bar.

    Raises
    ------
    ValueError
        An unknown `rule`, or a `quantile` outside (0.5, 1].

    Examples
    --------
    >>> hw.normalization_label("layer")
    'activation, 0..1 within each layer'
    >>> hw.normalization_label("quantile", quantile=0.95)
    'activation, 0..1 from quantile 0.05 to 0.95'
    """
    if rule not in _LABELS:
        raise ValueError(f"rule must be one of {', '.join(map(repr, _LABELS))}, got {rule!r}")
    if not 0.5 < quantile <= 1:
        raise ValueError(f"quantile must be above 0.5 and at most 1, got {quantile!r}")
    return _LABELS[rule].format(low=1 - quantile, high=quantile)


def _dims(x: Any, dims: Sequence[str] | None) -> tuple[str, ...]:
    if dims is None:
        if x.ndim not in (2, 3):
            raise ValueError(
                "activations must have shape (layer, token) or (iteration, layer, token), "
                f"got {tuple(x.shape)}; dims can name other axes"
            )
        return ("iteration", "layer", "token")[-x.ndim :]
    if isinstance(dims, str) or not dims or not len(set(dims)) == len(dims) == x.ndim:
        shape = tuple(x.shape)
        raise ValueError(f"dims must name each axis of activations {shape} once, got {dims!r}")
    return tuple(dims)
