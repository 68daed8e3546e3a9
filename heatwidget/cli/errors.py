"""What a command says when it fails."""

from __future__ import annotations


class CommandError(Exception):
    """A failure whose text tells the user all there is to know."""
