"""Keep GDAL off the network unless the configuration itself names a URL."""

from __future__ import annotations

import re
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

REMOTE = re.compile(
    r"(?:/vsi(?:curl|s3|gs|az|adls|oss|swift|hdfs|webhdfs)|\b(?:https?|ftp|s3|gs|gcs|az|oss)://)",
    re.IGNORECASE,
)
# No name ends like this, and nothing listens there: /vsicurl/ and its kin, and drivers of web services, find nothing.
OFFLINE = {
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".nothing-is-fetched",
    "GDAL_HTTP_PROXY": "http://127.0.0.1:9",
    "GDAL_HTTPS_PROXY": "http://127.0.0.1:9",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_HTTP_TIMEOUT": "0.001",
}
_lock, _before = Lock(), list[dict[str, str | None]]()


def is_remote(name: str) -> bool:
    """Return whether a name is a URL, or a path of GDAL for one."""
    return REMOTE.search(name) is not None


@contextmanager
def vectors_offline(name: str) -> Iterator[None]:
    """Take the network from pyogrio's GDAL, which has options of the whole process; not if ``name`` is a URL."""
    if is_remote(name):
        yield
        return
    from pyogrio import get_gdal_config_option, set_gdal_config_options  # noqa: PLC0415  (heavy)

    with _lock:
        _before.append({key: get_gdal_config_option(key) for key in OFFLINE})
        set_gdal_config_options(OFFLINE)
    try:
        yield
    finally:
        with _lock:
            if len(_before) == 1:  # the last that is inside puts back what the first has found
                set_gdal_config_options(_before[0])
                _before.clear()
            else:
                _before.pop()
