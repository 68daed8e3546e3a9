"""Distances of latent states from their fixed point and from each other."""

from __future__ import annotations

from typing import Any

from ..tensors import stacked
from .library import Library, Numbers, library_of


def residual_norms(
    latent_states: Numbers,
    fixed_point: Numbers | None = None,
    *,
    reference: Numbers | None = None,
) -> Any:
    """Distance of each latent state from the fixed point, ``||x_k - x*||_2`` over d_model.

    As in the convergence plots of Geiping et al. 2025, "Scaling up Test-Time Compute with Latent
    Reasoning: A Recurrent Depth Approach".

    Parameters
    ----------
    latent_states : array_like, tensor or dask array of real numbers, shape (..., d_model)
        Usually (iteration, token, d_model); (token, d_model) for one iteration. A list or tuple of
        tensors, such as ``output.hidden_states``, is stacked on their device.
    fixed_point : array_like, tensor or dask array of real numbers, optional
        Must broadcast to the shape of `latent_states`. It is converted to their library and
        device. By default the last state along the first axis, which is then the iteration axis;
        the last distance is then 0.
    reference : array_like, tensor or dask array of real numbers, shape (iteration, ..., d_model)
        Latent states of a longer run, instead of `fixed_point`. The fixed point is its last state.

    Returns
    -------
    ndarray, tensor or dask array of float32 or float64, shape (...)
        From the library of `latent_states`, in their units.

    Raises
    ------
    TypeError
        If an input does not hold real numbers, or both `fixed_point` and `reference` are given.
    ValueError
        If the shapes do not fit, or the states have no iteration axis and no fixed point is given.

    Examples
    --------
    >>> states = np.array([[[3.0, 4.0]], [[0.0, 1.0]], [[0.0, 0.0]]])  # (iteration, token, d_model)
    >>> hw.residual_norms(states)  # the last state is the fixed point
    array([[5.],
           [1.],
           [0.]])
    >>> hw.residual_norms(states, fixed_point=[0.0, 4.0])
    array([[3.],
           [3.],
           [4.]])
    """
    library, x, y, dtype = _states(latent_states, fixed_point, reference)
    return library.distances(x, y, dtype)


def relative_residuals(
    latent_states: Numbers,
    fixed_point: Numbers | None = None,
    *,
    reference: Numbers | None = None,
) -> Any:
    """Distance from the fixed point as a fraction of its norm, ``||x_k - x*|| / ||x*||``.

    Parameters, shapes and errors are those of `residual_norms`. The result has no unit. Where
    ``||x*||`` is 0 it is inf, or NaN for a state that is also 0.

    Examples
    --------
    >>> states = np.array([[[0.0, 8.0]], [[0.0, 3.0]], [[0.0, 2.0]]])  # (iteration, token, d_model)
    >>> hw.relative_residuals(states)
    array([[3. ],
           [0.5],
           [0. ]])
    """
    library, x, y, dtype = _states(latent_states, fixed_point, reference)
    return library.quotient(library.distances(x, y, dtype), library.lengths(y, x.shape[-1], dtype))


def step_norms(latent_states: Numbers, *, relative: bool = False) -> Any:
    """Norm of the step of each iteration but the first, ``||x_k - x_(k-1)||_2`` over d_model.

    Parameters
    ----------
    latent_states : array_like, tensor or dask array of real numbers, \
            shape (iteration, ..., d_model)
    relative : bool, default False
        Divide by ``||x_k||``: Huginn (Geiping et al. 2025) compares this quantity with its exit
        threshold. The result is inf or NaN where ``||x_k||`` is 0.

    Returns
    -------
    ndarray, tensor or dask array of float32 or float64, shape (iteration - 1, ...)
        From the library of `latent_states`, in their units, or without unit if `relative`.

    Raises
    ------
    TypeError
        If `latent_states` does not hold real numbers.
    ValueError
        If `latent_states` has no iteration axis, or its d_model axis is empty.

    Examples
    --------
    >>> states = np.array([[[0.0, 8.0]], [[0.0, 3.0]], [[0.0, 2.0]]])  # (iteration, token, d_model)
    >>> hw.step_norms(states)
    array([[5.],
           [1.]])
    >>> hw.step_norms(states, relative=True)[1]
    array([0.5])
    """
    library, x, _, dtype = _states(latent_states)
    norms = library.distances(x[1:], x[:-1], dtype)
    return (
        library.quotient(norms, library.lengths(x[1:], x.shape[-1], dtype)) if relative else norms
    )


def cosine_to(
    latent_states: Numbers,
    fixed_point: Numbers | None = None,
    *,
    reference: Numbers | None = None,
) -> Any:
    """Cosine of the angle between each latent state and the fixed point, -1..1.

    Computed as ``1 - ||u - v||^2 / 2`` with ``u = x_k / ||x_k||``, ``v = x* / ||x*||`` (the law of
    cosines). This keeps small differences from 1, which a dot product loses to rounding. The
    result is NaN where a norm is 0, not finite, or too large for the result's dtype. Parameters,
    shapes and errors are those of `residual_norms`.

    Examples
    --------
    >>> states = np.array([[[4.0, 3.0]], [[3.0, 4.0]], [[0.0, 2.0]]])  # (iteration, token, d_model)
    >>> hw.cosine_to(states).round(3)
    array([[0.6],
           [0.8],
           [1. ]])
    """
    library, x, y, dtype = _states(latent_states, fixed_point, reference)
    lengths = (library.lengths(part, x.shape[-1], dtype)[..., None] for part in (x, y))
    chords = library.distances(x, y, dtype, *lengths)
    return (1 - chords * chords / 2).clip(-1, None)


def _states(
    latent_states: Numbers, fixed_point: Numbers | None = None, reference: Numbers | None = None
) -> tuple[Library, Any, Any, Any]:
    """Functions for the library of the states, states, fixed point and result dtype.

    The fixed point gets as many axes as the states.
    """
    latent_states = stacked("latent_states", latent_states)
    fixed_point = stacked("fixed_point", fixed_point)
    reference = stacked("reference", reference)
    library = library_of(latent_states)
    x = library.as_real("latent_states", latent_states)
    if x.ndim < 1 or x.shape[-1] == 0:
        raise ValueError(
            f"latent_states must have a d_model axis that is not empty, got shape {tuple(x.shape)}"
        )
    if fixed_point is not None and reference is not None:
        raise TypeError("give either fixed_point or reference, got both")
    if fixed_point is None and reference is None:
        _check_run("latent_states", x)
        return library, x, x[-1:], library.result_dtype(x)
    if reference is not None:
        run = library_of(reference).as_real("reference", reference)
        _check_run("reference", run)
        if not len(run):
            raise ValueError(f"reference must hold a state, got shape {tuple(run.shape)}")
        name, value = "the last state of reference", run[-1]
    else:
        name, value = "fixed_point", fixed_point
    y = _fitted(name, library.as_real(name, value), x)
    return library, x, y, library.result_dtype(x, y)


def _check_run(name: str, states: Any) -> None:
    if states.ndim < 2:
        raise ValueError(
            f"{name} must have an iteration axis before d_model, got shape {tuple(states.shape)}"
        )


def _fitted(name: str, y: Any, x: Any) -> Any:
    """`y` reshaped to as many axes as `x`; an error if it does not broadcast to `x`."""
    fits = zip(reversed(y.shape), reversed(x.shape), strict=False)
    if y.ndim > x.ndim or any(n not in (1, size) for n, size in fits):
        shapes = f"latent_states {tuple(x.shape)}, got shape {tuple(y.shape)}"
        raise ValueError(f"{name} must broadcast to {shapes}")
    return y.reshape((1,) * (x.ndim - y.ndim) + tuple(y.shape))
