"""Free space on the disk, checked before a file is written."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

_UNSUPPORTED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


def ensure_free_space(path: Path, n_bytes: int) -> None:
    """Check that a file of this size can be created at a path where there is none.

    HDF5 cannot close a file that does not fit on the disk, and then ends the process later, when
    it flushes its buffers. The check comes first for this reason.

    Raises
    ------
    OSError
        If the disk is too full, or a file may not be that large.
    """
    free = shutil.disk_usage(path.parent).free
    if free < n_bytes:
        text = f"{os.strerror(errno.ENOSPC)}: {n_bytes} bytes are needed, {free} are free"
        raise OSError(errno.ENOSPC, text)
    with path.open("xb") as file:
        try:
            file.truncate(n_bytes)
            if hasattr(os, "posix_fallocate"):  # also checks quotas
                os.posix_fallocate(file.fileno(), 0, n_bytes)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
    path.unlink()
