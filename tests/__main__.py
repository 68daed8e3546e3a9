"""Run the whole test suite, browser tests included: ``python -m tests [pytest arguments]``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.browser.chromium import VARIABLE, ensure_chromium

ROOT = Path(__file__).resolve().parent.parent


def main(args: Sequence[str]) -> int:
    """Make sure there is a browser, run pytest, and return its exit status."""
    try:
        # The tests then need not search again.
        os.environ[VARIABLE] = ensure_chromium()
    except RuntimeError as error:
        print(f"The tests need a browser: {error}", file=sys.stderr)
        return 1
    os.chdir(ROOT)
    return int(pytest.main(list(args)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
