"""Optional libraries for file formats, each an extra of this package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def require_extra(extra: str, path: Path) -> Iterator[None]:
    """Name the extra to install if an import in the block fails.

    Raises
    ------
    ImportError
    """
    try:
        yield
    except ImportError as error:
        advice = f'pip install "heatwidget[{extra}]"'
        raise ImportError(f"{path.name} needs another library ({error}): {advice}") from error
