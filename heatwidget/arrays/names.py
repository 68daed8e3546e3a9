"""Names of axes, and the roles that the widgets know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Role = Literal["iteration", "layer", "token", "prompt"]

ROLES: tuple[Role, ...] = ("iteration", "layer", "token", "prompt")
ITEM_ROLES: tuple[Role, ...] = ("token", "prompt")

# Role of each known name. The axis keeps the name given by the user.
_SYNONYMS: dict[str, Role] = {
    **{name: name for name in ROLES},
    **dict.fromkeys(("iterations", "step", "steps"), "iteration"),
    **dict.fromkeys(("layers", "depth", "block", "blocks"), "layer"),
    **dict.fromkeys(("tokens", "position", "positions", "pos", "seq"), "token"),
    "prompts": "prompt",
}


def role_of(name: str) -> Role | None:
    """Role of an axis with this name; None for an unknown name."""
    return _SYNONYMS.get(name.lower())


def find_roles(dims: Iterable[str]) -> dict[Role, str]:
    """Name of the axis for each role found among `dims`.

    An axis named like the role comes first, then the first axis with a synonym.
    """
    names = list(dims)
    found: dict[Role, str] = {}
    for name in sorted(names, key=lambda name: name not in ROLES):
        role = role_of(name)
        if role is not None:
            found.setdefault(role, name)
    return found


def plural(name: str) -> str:
    """Plural of a name, for messages and tooltips.

    Examples
    --------
    >>> plural("layer"), plural("batch"), plural("tokens")
    ('layers', 'batches', 'tokens')
    """
    if name.endswith("s"):
        return name
    return f"{name}es" if name.endswith(("x", "z", "ch", "sh")) else f"{name}s"
