"""The command line: `heatwidget demo` and `heatwidget view FILE` show a Voila page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress

from .. import __version__
from .errors import CommandError
from .server import MAX_PAGES, Page, serve

__all__ = ["CommandError", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status. By default `argv` is that of the process."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        with suppress(KeyboardInterrupt):  # the usual end of a server
            args.run(args)
    except CommandError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    """Parser of the arguments. Each command sets the function that runs it."""
    parser = argparse.ArgumentParser(
        prog="heatwidget", description="Heatmaps of latent states and activations."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.set_defaults(run=lambda _: parser.exit(2, parser.format_help()))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    demo = commands.add_parser("demo", help="show the bundled captures on a Voila page")
    demo.set_defaults(run=_demo)
    view_help = "show the array in a file on a Voila page"
    view = commands.add_parser("view", help=view_help, description=f"{view_help.capitalize()}.")
    view.add_argument(
        "file", metavar="FILE", help="a file that heatwidget.open reads, such as run.npz"
    )
    view.add_argument("--name", help="name of the array, if the file has several")
    view.add_argument(
        "--dims", type=_names, help="names of the axes, such as iteration,layer,token"
    )
    widgets = ("convergence", "activation")
    view.add_argument("--widget", choices=widgets, help="heatmap to show (default: all that fit)")
    view.set_defaults(run=_view)
    for command in (demo, view):
        port_help = "first port to try, 0 for any free one (default: %(default)s)"
        command.add_argument("--port", type=_port, default=8866, help=port_help)
        pages_help = "maximum number of open pages (default: %(default)s)"
        command.add_argument("--max-pages", type=_count, default=MAX_PAGES, help=pages_help)
        command.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser


def _port(text: str) -> int:
    """Convert a port number from the command line."""
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"must be a whole number in 0..65535, got {text!r}")
    return port


def _count(text: str) -> int:
    """Convert a number of pages from the command line."""
    count = int(text) if text.isascii() and text.isdigit() else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of 1 or more, got {text!r}")
    return count


def _names(text: str) -> list[str]:
    """Split names from the command line at commas."""
    return [name.strip() for name in text.split(",")]


def _demo(args: argparse.Namespace) -> None:
    """Serve the demo page until the user ends it."""
    _serve(Page("demo", "app.ipynb"), args)


def _view(args: argparse.Namespace) -> None:
    """Serve the page of a file until the user ends it."""
    from .view import view_page

    page = view_page(args.file, name=args.name, dims=args.dims, widget=args.widget)
    _serve(page, args)


def _serve(page: Page, args: argparse.Namespace) -> None:
    serve(page, args.port, browser=not args.no_browser, max_pages=args.max_pages)
