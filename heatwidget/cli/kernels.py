"""Kernels of the server: which are started, and their maximum number."""

from __future__ import annotations

from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets import Integer, Set


class OwnKernel(KernelSpecManager):
    """Knows only the kernel of this Python. A stale `python3` spec of the user would win."""

    def _kernel_dirs_default(self) -> list[str]:
        return []


class FewKernels(AsyncMappingKernelManager):
    """Starts at most `max_kernels` kernels; a further page gets an error."""

    max_kernels = Integer(1).tag(config=True)
    _starting = Set()  # ids of kernels that are being started

    def start_kernel(self, *arguments: Any, **keywords: Any) -> Any:
        """Start a kernel, or raise an error if the maximum is reached."""
        # A kernel that is being started may or may not be among the known ones.
        if len({*self.list_kernel_ids(), *self._starting}) >= self.max_kernels:
            reason = f"{self.max_kernels} pages are open, the maximum: close one and reload"
            raise HTTPError(503, reason=reason)
        kernel_id = keywords.setdefault("kernel_id", self.new_kernel_id())
        self._starting.add(kernel_id)
        return self._started(kernel_id, super().start_kernel(*arguments, **keywords))

    async def _started(self, kernel_id: str, start: Any) -> Any:
        try:
            return await start
        finally:
            self._starting.discard(kernel_id)
