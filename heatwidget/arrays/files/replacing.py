"""Files that take another's place as a whole, or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EIO, ENOENT
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield where to write; it is moved to `path` at the end, and removed if anything fails.

    Raises
    ------
    OSError
        If it cannot be written; what was at `path` is as it was then.
    """
    target = Path(os.path.realpath(path))  # a link goes on pointing to the file
    if not target.parent.is_dir():
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), str(target.parent))
    beside = _beside(target)
    try:
        yield beside
        _sync(beside, target)
        _move(beside, target)
    except OSError as error:
        text = f"{path} could not be written, and what was there is as it was: {error}"
        raise OSError(error.errno or EIO, text) from error
    finally:
        _remove(beside)


def _beside(target: Path) -> Path:
    """Path in the same folder, and so on the same disk, that nobody else uses."""
    return target.with_name(f".{secrets.token_hex(8)}.tmp")


def _sync(beside: Path, target: Path) -> None:
    """Have a file on the disk before its name is, with the rights of the one it replaces."""
    if beside.is_file():
        if target.exists():
            shutil.copymode(target, beside)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())


def _move(beside: Path, target: Path) -> None:
    """Move to a name that may be taken; a folder that has it steps aside first."""
    if not (beside.is_dir() and target.exists()):
        os.replace(beside, target)
        return
    old = _beside(target)
    os.rename(target, old)
    try:
        os.rename(beside, target)
    except BaseException:
        os.rename(old, target)
        raise
    shutil.rmtree(old)


def _remove(path: Path) -> None:
    """Remove what was not moved, if there is any."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
