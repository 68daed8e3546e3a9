"""Errors of commands."""

from __future__ import annotations


class CommandError(Exception):
    """Failure of a command. Its message is shown to the user without a traceback."""
