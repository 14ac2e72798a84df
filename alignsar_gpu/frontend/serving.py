"""``alignsar_gpu serve OUTPUT``: show a finished run in a web browser, from a server on this machine."""

from __future__ import annotations

import argparse
import os
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from alignsar_gpu import interrupts
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.serving.browser import check_build
from alignsar_gpu.serving.catalogue import find_catalogue, read_catalogue
from alignsar_gpu.serving.server import Served, Server

if TYPE_CHECKING:
    from collections.abc import Sequence

ABOUT = "Show a finished run in a web browser, from a server on this machine."
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")
LOCAL = ("127.0.0.1", "localhost", "::1")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise AlignsarError instead of ending the process."""
        raise AlignsarError(f"serve: {message}; alignsar_gpu serve --help shows what it takes")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="alignsar_gpu serve", description=ABOUT, allow_abbrev=False)
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="folder of a run, or of a STAC catalogue")
    parser.add_argument("--port", type=_port, default=8000, help="0 for any that is free (default: 8000)")
    parser.add_argument("--host", default=LOCAL[0], help="address to listen at (default: this machine alone)")
    parser.add_argument(
        "--browser", metavar="FOLDER", type=Path, help="a build of STAC Browser (docs/serve.md)"
    )
    parser.add_argument("--no-open", action="store_true", help="do not open a web browser")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 0 to 65535")
    return int(text)


def main(arguments: Sequence[str]) -> int:
    """Serve a folder until the process is interrupted."""
    options = _parser().parse_args(arguments)
    with make_server(options.output.expanduser(), options.host, options.port, options.browser) as server:
        print(f"serving    {server.url}   ({server.served.folder}; Ctrl-C ends it)", flush=True)  # noqa: T201
        if options.host not in LOCAL:
            print(f"warning    everyone who can reach {options.host} can read the folder", flush=True)  # noqa: T201
        if not options.no_open and any(os.environ.get(name) for name in SCREENS):
            webbrowser.open(server.url)
        try:
            with interrupts.raising():
                server.serve_forever()
        except interrupts.Interrupted:
            return 0
    return 0


def make_server(output: Path, host: str, port: int, browser: Path | None) -> Server:
    """Return a server of a run that listens already. Raises AlignsarError for what cannot be served."""
    folder, catalogue = find_catalogue(output)
    if browser is not None:
        browser = browser.expanduser()
        check_build(browser)
        browser = browser.resolve()
    read_catalogue(folder, catalogue)
    return Server(Served(folder=folder, catalogue=catalogue, browser=browser), host, port)
