"""An HTTP server of one folder, read only: parts of files, CORS, and pages made of its catalogue."""

from __future__ import annotations

import errno
import os
import socket
import sys
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.serving.browser import PREFIX, opening_page
from alignsar_gpu.serving.catalogue import read_catalogue
from alignsar_gpu.serving.files import address, find, media_type
from alignsar_gpu.serving.page import catalogue_page, folder_page
from alignsar_gpu.serving.pictures import picture
from alignsar_gpu.serving.ranges import UnsatisfiableError, byte_range

if TYPE_CHECKING:
    from pathlib import Path

HTML = "text/html; charset=utf-8"
PICTURE = "picture"  # cogs/height.tif?picture is a small PNG
METHODS = "GET, HEAD, OPTIONS"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Length, Content-Range, ETag, Last-Modified",
    "Access-Control-Max-Age": "86400",
}
# Pages of ours run no script and load nothing from elsewhere.
OWN_PAGE = {"Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"}
IDLE = 30.0  # seconds that a connection waits for the next request


@dataclass(frozen=True, kw_only=True)
class Served:
    """What is served: a folder, the catalogue in it, and a build of STAC Browser or None."""

    folder: Path
    catalogue: Path
    browser: Path | None = None


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "alignsar_gpu", ""
    timeout = IDLE
    disable_nagle_algorithm = True  # headers are sent before files: on open connections that took 40 ms

    def __init__(self, *arguments: Any, served: Served) -> None:
        self.served = served
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer with a file, a part of it, or a page."""
        try:
            self._answer()
        except (ConnectionError, TimeoutError):  # the other side has what it wanted
            self.close_connection = True
        except AlignsarError as error:  # the catalogue is being written again
            self._send_text(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    do_HEAD = do_GET  # noqa: N815  (names of http.server)

    def do_OPTIONS(self) -> None:
        """Answer what browsers ask before they read from another site."""
        self._send(HTTPStatus.NO_CONTENT, {})

    def _refuse(self) -> None:
        self.close_connection = True  # what was sent along is not read
        self._send_text(HTTPStatus.METHOD_NOT_ALLOWED, "read only", {"Allow": METHODS, "Connection": "close"})

    do_POST = do_PUT = do_DELETE = do_PATCH = _refuse  # noqa: N815

    def _answer(self) -> None:
        url = urlsplit(self.path)
        browser = self.served.browser
        if url.path == "/":
            self._send_page(self._catalogue_page())
        elif browser is not None and url.path in {PREFIX, f"{PREFIX}index.html"}:
            catalogue = address(self.served.catalogue, self.served.folder)
            title = read_catalogue(self.served.folder, self.served.catalogue).title
            self._send_body(opening_page(browser, catalogue, title).encode(), {"Content-Type": HTML})
        elif browser is not None and url.path.startswith(PREFIX):
            self._send_file(find(browser, url.path.removeprefix(PREFIX)))
        else:
            path = find(self.served.folder, url.path)
            self._send_picture(path) if url.query == PICTURE else self._send_path(path, url.path)

    def _catalogue_page(self) -> str:
        host = self.headers.get("Host", "")
        catalogue = read_catalogue(self.served.folder, self.served.catalogue)
        return catalogue_page(catalogue, host, browser=PREFIX if self.served.browser else "")

    def _send_path(self, path: Path | None, url_path: str) -> None:
        if path is not None and path.is_dir():
            if not url_path.endswith("/"):
                self._send(HTTPStatus.MOVED_PERMANENTLY, {"Location": address(path, self.served.folder)})
                return
            if not (path / "index.html").is_file():
                self._send_page(folder_page(path, self.served.folder))
                return
            path = find(self.served.folder, f"{url_path}index.html")
        elif url_path.endswith("/"):
            path = None
        self._send_file(path)

    def _send_file(self, path: Path | None) -> None:
        try:
            file = path.open("rb") if path is not None and path.is_file() else None
        except OSError:
            file = None
        if path is None or file is None:
            self._send_missing()
            return
        with file:
            headers, size = _describe(path, os.fstat(file.fileno()))
            if self.headers.get("If-None-Match") == headers["ETag"]:
                self._send(HTTPStatus.NOT_MODIFIED, headers)
                return
            try:
                part = self._part(headers, size)
            except UnsatisfiableError:
                more = {"Content-Range": f"bytes */{size}"}
                self._send_text(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, f"it has {size} bytes", more)
                return
            self._send_part(file, headers, size, part)

    def _part(self, headers: dict[str, str], size: int) -> range | None:
        is_same = self.headers.get("If-Range") in {None, headers["ETag"], headers["Last-Modified"]}
        return byte_range(self.headers.get("Range"), size) if is_same else None

    def _send_part(self, file: BinaryIO, headers: dict[str, str], size: int, part: range | None) -> None:
        status = HTTPStatus.OK
        if part is not None:
            status = HTTPStatus.PARTIAL_CONTENT
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
        part = range(size) if part is None else part
        self._send(status, headers, len(part))
        if self.command == "GET" and part:
            sent = self.connection.sendfile(file, part.start, len(part))
            self.close_connection = self.close_connection or sent < len(part)  # it was cut short meanwhile

    def _send_picture(self, path: Path | None) -> None:
        from rasterio.errors import RasterioError  # noqa: PLC0415  (a geospatial library)

        try:
            image = picture(path) if path is not None and path.is_file() else None
        except (AlignsarError, RasterioError, OSError):
            image = None
        if image is None:
            self._send_missing()
        else:
            self._send_body(image, {"Content-Type": "image/png"})

    def _send_page(self, page: str) -> None:
        self._send_body(page.encode(), {"Content-Type": HTML, **OWN_PAGE})

    def _send_missing(self) -> None:
        self._send_text(HTTPStatus.NOT_FOUND, "not here, hidden, or a link that leads out of the folder")

    def _send_text(self, status: HTTPStatus, text: str, headers: dict[str, str] | None = None) -> None:
        self._send_body(f"{status.value} {status.phrase}: {text}\n".encode(), headers or {}, status)

    def _send_body(self, body: bytes, headers: dict[str, str], status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(status, {"Content-Type": "text/plain; charset=utf-8", **headers}, len(body))
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send(self, status: HTTPStatus, headers: dict[str, str], length: int = 0) -> None:
        self.send_response(status)
        more = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", **CORS, **headers}
        if status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            more["Content-Length"] = str(length)
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing of requests."""


class Server(ThreadingHTTPServer):
    """A server of a folder, a thread a connection; ``port`` 0 takes a free one. Raises AlignsarError if none is."""

    request_queue_size = 128

    def __init__(self, served: Served, host: str, port: int) -> None:
        self.served = served
        try:
            self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            super().__init__((host, port), partial(Handler, served=served))
        except OSError as error:
            raise AlignsarError(_why_not(host, port, error)) from None

    @property
    def url(self) -> str:
        """Address of the server's page."""
        host, port = self.server_address[:2]
        host = str(host)
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong, but for connections that broke."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _describe(path: Path, about: os.stat_result) -> tuple[dict[str, str], int]:
    """Return the headers of a file, and its size."""
    headers = {
        "Content-Type": media_type(path),
        "Accept-Ranges": "bytes",
        "Last-Modified": formatdate(about.st_mtime, usegmt=True),
        "ETag": f'"{about.st_mtime_ns:x}-{about.st_size:x}"',
    }
    return headers, about.st_size


def _why_not(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"--host {host}: there is no such address on this machine; leave it out for 127.0.0.1"
    if error.errno == errno.EADDRINUSE:
        return f"--port {port}: is taken by another program; choose another one, or --port 0 for any that is free"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"--port {port}: needs more rights than yours; choose one above 1023"
    return f"--host {host} --port {port}: cannot be served at ({error}); choose others"
