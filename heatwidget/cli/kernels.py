"""Which kernels the server starts, and how many."""

from __future__ import annotations

from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets import Integer, Set


class OwnKernel(KernelSpecManager):
    """Knows only the kernel of this Python; a stale `python3` of the user's would win."""

    def _kernel_dirs_default(self) -> list[str]:
        return []


class FewKernels(AsyncMappingKernelManager):
    """Starts no more kernels than there may be pages; the next one says so."""

    max_kernels = Integer(1).tag(config=True)
    _starting = Set()  # their ids

    def start_kernel(self, *arguments: Any, **keywords: Any) -> Any:
        """Start one, or refuse to."""
        # One that is just starting may be among those known already, or not yet.
        if len({*self.list_kernel_ids(), *self._starting}) >= self.max_kernels:
            said = f"{self.max_kernels} pages are open, and no more can be: close one and reload"
            raise HTTPError(503, reason=said)
        kernel_id = keywords.setdefault("kernel_id", self.new_kernel_id())
        self._starting.add(kernel_id)
        return self._started(kernel_id, super().start_kernel(*arguments, **keywords))

    async def _started(self, kernel_id: str, start: Any) -> Any:
        try:
            return await start
        finally:
            self._starting.discard(kernel_id)
