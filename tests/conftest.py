"""Settings shared by all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No deadline: the first example of a test pays for imports, and the machine may be busy.
settings.register_profile("heatwidget", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("heatwidget")
