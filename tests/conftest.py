"""Settings shared by all tests."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# No deadline: the first example of a test pays for imports, and the machine may be busy.
settings.register_profile("heatwidget", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("heatwidget")


def skip_without_zarr_3() -> None:
    """Skip each test once it makes, opens or saves what Python 3.10 has no library for."""
    import zarr

    from heatwidget.arrays.files import zarr as files

    def skip(*args: Any, **named: Any) -> None:
        pytest.skip("zarr 3 needs Python 3.11")

    for name in ("create_array", "create_group", "open_group"):
        setattr(zarr, name, skip)
    files._import = skip  # type: ignore[assignment]


if sys.version_info < (3, 11):
    skip_without_zarr_3()


@pytest.fixture(scope="module", autouse=True)
def freeze_imports() -> None:
    """Garbage is looked for among what this module makes, not among all that was imported."""
    gc.collect()
    gc.freeze()
