"""Access to the server: no answer without the token, and pages only as top-level documents.

The token is needed once; then a cookie replaces it. The browser also sends this cookie with
requests from pages of other servers on this machine, because cookies ignore ports. So the origin
of each request is checked as well, and Voila's pages send a second token (XSRF).
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
    """Answer to requests without the token."""

    def get(self) -> None:
        """Answer with a line that says what to do."""
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{REFUSAL}.\n")


class Token(IdentityProvider):
    """Accepts the token in the address, or the cookie of an earlier visit."""

    def get_handlers(self) -> list[tuple[str, object]]:
        """Replace Jupyter's own login page."""
        return [("/login", Refusal)]


class PageHandler(TornadoVoilaHandler):  # type: ignore[misc]
    """The page, which starts a kernel. Served as a top-level document and not to other sites.

    Requests without `Sec-Fetch-...` headers (old browsers, programs) are accepted.
    """

    @authenticated
    async def get(self, path: str | None = None) -> None:
        """Answer with the page. If the address has the token, redirect to it without the token."""
        site = self.request.headers.get("Sec-Fetch-Site", "none")
        shown_as = self.request.headers.get("Sec-Fetch-Dest", "document")
        elsewhere = site in ("cross-site", "same-site")
        if shown_as != "document" or (elsewhere and not self.token_authenticated):
            raise HTTPError(403, reason=REFUSAL)
        if "token" in self.request.query_arguments:
            return self._redirect(elsewhere)
        # Reading the property sets the cookie that a page needs to end its kernel. Voila does not
        # read it (voila#1458).
        _ = self.xsrf_token
        await super().get(path)

    def _redirect(self, elsewhere: bool) -> None:
        """Redirect to the page without the token, so that history and kernel do not get it."""
        query = parse_qsl(self.request.query, keep_blank_values=True)
        address = url_concat(self.base_url, [pair for pair in query if pair[0] != "token"])
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        if elsewhere:
            # After a cross-site redirect the browser would not send the cookie.
            self.set_header("Refresh", f"0; url={address}")
        else:
            self.redirect(address, status=303)


class Gate(Voila):  # type: ignore[misc]
    """Voila with the token also required for its files."""

    def init_handlers(self) -> list[tuple[Any, ...]]:
        """Replace Voila's handlers by guarded ones."""
        return [
            (path, _guarded(handler), *options)
            for path, handler, *options in super().init_handlers()
        ]


def _guarded(handler: type[RequestHandler]) -> type[RequestHandler]:
    """Handler that requires the token, if Voila's does not."""
    if issubclass(handler, TornadoVoilaHandler):
        return PageHandler
    if not issubclass(handler, StaticFileHandler):
        return handler
    bases = (handler,) if issubclass(handler, JupyterHandler) else (JupyterHandler, handler)
    methods = {"get": authenticated(handler.get), "head": authenticated(handler.head)}
    return type(handler.__name__, bases, methods)
