"""What is measured of a state: one number for each token."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from .. import metrics
from .arguments import check_metric
from .modules import name_of

if TYPE_CHECKING:
    from torch import Tensor

# None where there is nothing to measure yet.
Measure = Callable[["Tensor"], "Tensor | None"]

STEPS = "step_norms"
QUANTITIES = {
    "residual_norms": "‖x − x*‖",
    "relative_residuals": "‖x − x*‖ / ‖x*‖",
    "cosine_to": "cosine to x*",
    STEPS: "‖x_k − x_(k−1)‖",
}


class StepMeasure:
    """Distance of each state from the one before it; None for the first."""

    def __init__(self) -> None:
        self._previous: Tensor | None = None

    def __call__(self, state: Tensor) -> Tensor | None:
        """Measure a state, shape (..., d_model)."""
        previous = self._previous
        # A copy: the model may go on to write into its own tensor.
        self._previous = state.clone()
        if previous is None:
            return None
        norms = metrics.residual_norms(state, fixed_point=previous)
        return cast("Tensor", norms)


def needs_fixed_point(metric: Any) -> bool:
    """Whether a metric, which is checked, compares with the fixed point."""
    check_metric(metric, QUANTITIES)
    return not callable(metric) and metric != STEPS


def make_measure(metric: Any, fixed_point: Any) -> Measure:
    """Measure of one state after the other, shape (..., token, d_model) to (..., token)."""
    if callable(metric):
        return cast(Measure, metric)
    if metric == STEPS:
        return StepMeasure()
    function: Any = getattr(metrics, metric)
    return lambda state: function(state, fixed_point=fixed_point)


def metric_name(metric: Any) -> str:
    """Name of a metric, for the record."""
    return metric if isinstance(metric, str) else str(getattr(metric, "__name__", "metric"))


def describe(model: Any, metric: Any) -> dict[str, Any]:
    """What every capture says of itself, for the array's attributes."""
    name = name_of(model)
    return {"title": name, "model": name, "metric": metric_name(metric)}


def quantity_of(metric: Any) -> str:
    """What a metric measures, for the colour bar."""
    return QUANTITIES.get(metric, "") if isinstance(metric, str) else metric_name(metric)
