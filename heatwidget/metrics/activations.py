"""Normalisation of activations to 0..1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ..tensors import stacked
from .library import Numbers, library_of

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
    """Activations normalised to 0..1: ``(clip(x, low, high) - low) / (high - low)``.

    NaN and inf are kept, and are ignored in `low` and `high`. Where `low` equals `high` the result
    is 0. All iterations share one scale, so it does not change with the iteration shown.

    Parameters
    ----------
    activations : array_like, tensor or dask array of real numbers, \
            shape (layer, token) or (iteration, layer, token)
    rule : {"layer", "token", "prompt", "global", "quantile"}
        Source of `low` and `high`. The name of an axis: the minimum and maximum at each index of
        that axis, over all other axes. "global": those of the whole array. "quantile": the
        ``1 - quantile`` and `quantile` quantiles of the whole array, without interpolation, so
        that a few massive activations do not compress all others.
    dims : sequence of str, optional
        Names of the axes, if they are not as above.
    quantile : float, default 0.99
        Above 0.5 and at most 1. Used by the rule "quantile" only.

    Returns
    -------
    ndarray, tensor or dask array of float32 or float64, the shape of `activations`
        From the library of `activations`, without unit. `normalization_label` describes the
        values for a colour bar.

    Raises
    ------
    TypeError
        If `activations` does not hold real numbers.
    ValueError
        If `rule` is unknown or names no axis, or `dims` or `quantile` is wrong.

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
    library = library_of(activations)
    x = library.as_real("activations", activations)
    names = _dims(x, dims)
    if rule not in ("global", "quantile") and rule not in names:
        raise ValueError(f"rule {rule!r} ({label}) needs an axis of that name, got dims {names}")
    dtype = library.result_dtype(x)
    if rule == "quantile":
        low, high = library.quantiles(x, quantile, dtype)
    else:
        pool = tuple(axis for axis, name in enumerate(names) if name != rule)
        low, high = library.extremes(x, pool, dtype)
    return library.rescaled(x, low, high, dtype)


def normalization_label(rule: Rule, *, quantile: float = 0.99) -> str:
    """Text for a colour bar that describes a rule of `normalize_activations`.

    Raises
    ------
    ValueError
        If `rule` is unknown, or `quantile` is outside (0.5, 1].

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
