"""What is installed here."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Version of each distribution that is installed."""
    found = ((name, _version(name)) for name in distributions)
    return {name: number for name, number in found if number is not None}


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
