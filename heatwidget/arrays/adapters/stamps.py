"""What tells whether a file has changed, without reading all of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

# A sample of a file: so many blocks of so many bytes, spread evenly from its first to its last.
_N_BLOCKS = 64
_BLOCK_BYTES = 4096
# In a folder with more files than this, looking at each takes too long.
_MOST_FILES = 100_000


def stat_file(path: str | os.PathLike[str]) -> tuple[int, int, int, int] | None:
    """Device and inode, size in bytes and time of change in ns; None where there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def same_file(opened: tuple[int, ...] | None, now: tuple[int, ...] | None) -> bool:
    """Whether two results of `stat_file` are of one file, be it with other content."""
    return opened is not None and now is not None and opened[:2] == now[:2]


def check_place(path: str | os.PathLike[str], opened: tuple[int, ...] | None) -> None:
    """See that no other file has taken the place of one that was opened.

    Raises
    ------
    OSError
        If one has. A file that is gone may still be written to by whoever has it open.
    """
    now = stat_file(path)
    if opened is not None and now is not None and not same_file(opened, now):
        raise OSError(
            "another file has taken the place of the one that was opened: open it anew, and"
            " set_array() shows it"
        )


def sample_blocks(size: int, n_blocks: int = _N_BLOCKS) -> Iterator[slice]:
    """Yield where the blocks of a sample lie among `size` bytes; a single one comes first."""
    last = max(size - _BLOCK_BYTES, 0)
    for start in _spread(last, n_blocks):
        yield slice(start, min(start + _BLOCK_BYTES, size))


def _spread(last: int, n: int) -> list[int]:
    """At most `n` whole numbers, spread evenly from 0 to `last`."""
    return sorted({last * i // max(n - 1, 1) for i in range(n)})


def stamp_file(path: str | os.PathLike[str], opened: tuple[int, ...] | None) -> str | None:
    """Text made of a file's size, its time of change and a sample of its content.

    None where it cannot be read, or is no longer the file that `stat_file` saw when it was
    opened.
    """
    now = stat_file(path)
    if now is None or not same_file(opened, now):
        return None
    digest = hashlib.sha256()
    try:
        _sample(path, now[2], _N_BLOCKS, digest)
    except OSError:
        return None
    return fingerprint(now[2:], digest.hexdigest())


def _sample(path: str | os.PathLike[str], size: int, n_blocks: int, digest: Any) -> None:
    """Add a sample of a file's content to a digest."""
    with open(path, "rb") as file:
        for block in sample_blocks(size, n_blocks):
            file.seek(block.start)
            digest.update(file.read(block.stop - block.start))


def stamp_folder(folder: Path) -> str | None:
    """Text made of the names, sizes and times of change of all files below a folder.

    And of a sample of their content: some file systems tell the time coarsely. None where it
    cannot be read, or has too many files.
    """
    found: list[tuple[str, int, int]] = []
    digest = hashlib.sha256()
    try:
        for parent, _, names in os.walk(folder, onerror=_reraise):
            for name in names:
                path = os.path.join(parent, name)
                status = os.stat(path)
                key = path[len(str(folder)) :]
                found.append((key, status.st_size, status.st_mtime_ns))
            if len(found) > _MOST_FILES:
                return None
        found.sort()
        sampled = _spread(len(found) - 1, _N_BLOCKS) if found else []
        for key, size, _ in (found[i] for i in sampled):
            _sample(f"{folder}{key}", size, _N_BLOCKS // len(sampled), digest)
    except OSError:
        return None
    return fingerprint(found, digest.hexdigest())


def _reraise(error: OSError) -> NoReturn:
    raise error


def fingerprint(*facts: Any) -> str:
    """Short text that differs where any of the facts does."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()
