"""Who gets what from the server: nothing without the token, and a page only where one is shown.

The token is asked for once. A cookie stands for it from then on, which the browser sends to this
server, but also for a page of another server on this machine: cookies know no ports. So each
request says where it comes from, too, and Voila's pages send a second token (XSRF) with theirs.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.base.handlers import JupyterHandler
from tornado.httputil import url_concat
from tornado.web import HTTPError, RequestHandler, StaticFileHandler, authenticated
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

REFUSAL = "Open the address that heatwidget has printed"


class Refusal(RequestHandler):
    """Where Voila leads whoever does not know the token."""

    def get(self) -> None:
        """Say what to do."""
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{REFUSAL}.\n")


class Token(IdentityProvider):
    """Lets in who knows the token, in the address or by the cookie of an earlier visit."""

    def get_handlers(self) -> list[tuple[str, object]]:
        """Leave out Jupyter's own page that asks for the token."""
        return [("/login", Refusal)]


class PageHandler(TornadoVoilaHandler):  # type: ignore[misc]
    """The page, which starts a kernel: shown as one, and to whoever meant to open it.

    What a browser does not say (`Sec-Fetch-...`: an old one, or a program) is not held against it.
    """

    @authenticated
    async def get(self, path: str | None = None) -> None:
        """Answer with the page, or with its address where that has the token in it."""
        site = self.request.headers.get("Sec-Fetch-Site", "none")
        shown_as = self.request.headers.get("Sec-Fetch-Dest", "document")
        elsewhere = site in ("cross-site", "same-site")
        if shown_as != "document" or (elsewhere and not self.token_authenticated):
            raise HTTPError(403, reason=REFUSAL)
        if "token" in self.request.query_arguments:
            return self._lead_on(elsewhere)
        # Asking for it sets the cookie that a page reads to end its kernel; Voila never asks
        # (voila#1458).
        _ = self.xsrf_token
        await super().get(path)

    def _lead_on(self, elsewhere: bool) -> None:
        """Lead to the same page without the token, so that neither history nor kernel get it."""
        query = parse_qsl(self.request.query, keep_blank_values=True)
        address = url_concat(self.base_url, [pair for pair in query if pair[0] != "token"])
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        if elsewhere:
            # A redirect would still come from elsewhere, and the browser keep the cookie back.
            self.set_header("Refresh", f"0; url={address}")
        else:
            self.redirect(address, status=303)


class Gate(Voila):  # type: ignore[misc]
    """Voila that gives its files, too, only to those who know the token."""

    def init_handlers(self) -> list[tuple[Any, ...]]:
        """Put ours in the place of Voila's."""
        return [
            (path, _guarded(handler), *options)
            for path, handler, *options in super().init_handlers()
        ]


def _guarded(handler: type[RequestHandler]) -> type[RequestHandler]:
    """The handler that asks for the token, where Voila's does not."""
    if issubclass(handler, TornadoVoilaHandler):
        return PageHandler
    if not issubclass(handler, StaticFileHandler):
        return handler
    bases = (handler,) if issubclass(handler, JupyterHandler) else (JupyterHandler, handler)
    methods = {"get": authenticated(handler.get), "head": authenticated(handler.head)}
    return type(handler.__name__, bases, methods)
