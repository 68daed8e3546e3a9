"""Measures of a latent state: one number for each token."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from .. import metrics
from .arguments import check_metric
from .modules import name_of

if TYPE_CHECKING:
    from torch import Tensor

# Returns None if the state has no value yet, as the first one has no step.
Measure = Callable[["Tensor"], "Tensor | None"]

STEPS = "step_norms"
QUANTITIES = {
    "residual_norms": "‖x − x*‖",
    "relative_residuals": "‖x − x*‖ / ‖x*‖",
    "cosine_to": "cosine to x*",
    STEPS: "‖x_k − x_(k−1)‖",
}


class StepMeasure:
    """Distance of each state from the one before; None for the first state."""

    def __init__(self) -> None:
        self._previous: Tensor | None = None

    def __call__(self, state: Tensor) -> Tensor | None:
        """Measure a state, shape (..., d_model)."""
        previous = self._previous
        # Copied, because the model may write to its own tensor later.
        self._previous = state.clone()
        if previous is None:
            return None
        norms = metrics.residual_norms(state, fixed_point=previous)
        return cast("Tensor", norms)


def needs_fixed_point(metric: Any) -> bool:
    """Whether a metric compares states with the fixed point; raises for an invalid metric."""
    check_metric(metric, QUANTITIES)
    return not callable(metric) and metric != STEPS


def make_measure(metric: Any, fixed_point: Any) -> Measure:
    """Function from a state, shape (..., token, d_model), to numbers, shape (..., token).

    It is called once per state, in order.
    """
    if callable(metric):
        return cast(Measure, metric)
    if metric == STEPS:
        return StepMeasure()
    function: Any = getattr(metrics, metric)
    return lambda state: function(state, fixed_point=fixed_point)


def metric_name(metric: Any) -> str:
    """Name of a metric, for the array's attributes."""
    return metric if isinstance(metric, str) else str(getattr(metric, "__name__", "metric"))


def describe(model: Any, metric: Any) -> dict[str, Any]:
    """Attributes that all captures write: title, model and metric."""
    name = name_of(model)
    return {"title": name, "model": name, "metric": metric_name(metric)}


def quantity_of(metric: Any) -> str:
    """Measured quantity of a metric, for the colour bar."""
    return QUANTITIES.get(metric, "") if isinstance(metric, str) else metric_name(metric)
