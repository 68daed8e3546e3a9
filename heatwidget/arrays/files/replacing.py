"""Atomic replacement of files and folders."""

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
    """Yield a temporary path to write to. It is moved to `path` at the end, or removed on an error.

    Raises
    ------
    OSError
        If the file cannot be written. An old file at `path` is then unchanged.
    """
    target = Path(os.path.realpath(path))  # a symbolic link is kept
    if not target.parent.is_dir():
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), str(target.parent))
    temporary = _temporary_path(target)
    try:
        yield temporary
        _sync(temporary, target)
        _move(temporary, target)
    except OSError as error:
        text = f"{path} could not be written, and what was there is as it was: {error}"
        raise OSError(error.errno or EIO, text) from error
    finally:
        _remove(temporary)


def _temporary_path(target: Path) -> Path:
    """Unused path in the same folder, and so on the same file system."""
    return target.with_name(f".{secrets.token_hex(8)}.tmp")


def _sync(temporary: Path, target: Path) -> None:
    """Flush a file to the disk before it is renamed, with the mode of the file it replaces."""
    if temporary.is_file():
        if target.exists():
            shutil.copymode(target, temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())


def _move(temporary: Path, target: Path) -> None:
    """Move to a name that may exist. An existing folder is renamed first."""
    if not (temporary.is_dir() and target.exists()):
        os.replace(temporary, target)
        return
    old = _temporary_path(target)
    os.rename(target, old)
    try:
        os.rename(temporary, target)
    except BaseException:
        os.rename(old, target)
        raise
    shutil.rmtree(old)


def _remove(path: Path) -> None:
    """Remove a temporary file or folder that was not moved."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
