"""Values in a smaller floating type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def finite_cast(values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Values in a floating type, in which a finite one stays finite and one not 0 stays so.

    Beyond the type's range a value becomes its largest number, below it its smallest. What is
    of the type already is returned as it is.
    """
    to: np.dtype[Any] = np.dtype(dtype)
    if values.dtype == to:
        return values
    # Told from the result: an interrupt must not leave numpy raising on overflow.
    with np.errstate(over="ignore", under="ignore"):
        narrow = values.astype(to)
    limits = np.finfo(to)
    if np.isinf(narrow).any():
        lost = np.isinf(narrow) & np.isfinite(values)
        narrow[lost] = np.copysign(limits.max, narrow[lost])
    if np.count_nonzero(narrow) < np.count_nonzero(values):
        lost = (narrow == 0) & (values != 0)
        narrow[lost] = np.copysign(limits.smallest_subnormal, narrow[lost])
    return narrow
