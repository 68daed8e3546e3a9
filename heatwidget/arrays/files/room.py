"""Room on the disk, asked for before it is needed."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

_NO_ANSWER = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


def check_room(path: Path, n_bytes: int) -> None:
    """See that a file of this size can be written at a path, where there is none yet.

    HDF5 cannot close a file for which the disk is too small: what it still holds of it ends
    the process later on. So it is asked before.

    Raises
    ------
    OSError
        If there is no room for it, or a file may not be that large.
    """
    free = shutil.disk_usage(path.parent).free
    if free < n_bytes:
        text = f"{os.strerror(errno.ENOSPC)}: {n_bytes} bytes are needed, {free} are free"
        raise OSError(errno.ENOSPC, text)
    with path.open("xb") as file:
        try:
            file.truncate(n_bytes)
            if hasattr(os, "posix_fallocate"):  # heeds quotas too
                os.posix_fallocate(file.fileno(), 0, n_bytes)
        except OSError as error:
            if error.errno not in _NO_ANSWER:
                raise
    path.unlink()
