"""Settings shared by all tests."""

from __future__ import annotations

import gc

import pytest
from hypothesis import HealthCheck, settings

# No deadline: the first example of a test pays for imports, and the machine may be busy.
settings.register_profile("heatwidget", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("heatwidget")


@pytest.fixture(scope="module", autouse=True)
def freeze_imports() -> None:
    """Garbage is looked for among what this module makes, not among all that was imported."""
    gc.collect()
    gc.freeze()
