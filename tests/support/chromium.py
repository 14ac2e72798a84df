"""A headless Chromium that tests drive, by its DevTools protocol over a pipe: nothing to install beside it."""

import base64
import json
import os
import shutil
import subprocess
import time

FLAGS = (
    *(
        "--headless",
        "--no-first-run",
        "--hide-scrollbars",
        "--remote-debugging-pipe",
        "--window-size=1300,1000",
    ),
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),  # WebGL without a GPU
    *("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-background-networking"),
)
# WebGL keeps no pixels to read unless it is told to, before the page asks for a canvas.
KEEP_PIXELS = """
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, options) {
  return getContext.call(this, kind, {...options, preserveDrawingBuffer: true});
};
"""
PIXELS = """(() => [...document.querySelectorAll("canvas.ol-layer")].reduce((colours, canvas) => {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, copy.width, copy.height).data.buffer);
  pixels.forEach(pixel => pixel >>> 24 && colours.push(pixel & 0xffffff));
  return colours;
}, []))()"""
NAMES = ("chromium", "chromium-browser", "google-chrome")


def found():
    """Path of Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """One page of a browser of its own, with no network but this machine."""

    def __init__(self, profile):
        # Chromium reads commands from file descriptor 3 and writes answers to 4.
        reads, self._to = os.pipe()
        self._from, writes = os.pipe()
        flags = [*FLAGS, f"--user-data-dir={profile}", *(["--no-sandbox"] if os.getuid() == 0 else [])]
        script = f'exec "$0" "$@" 3<&{reads} 4>&{writes}'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", script, found(), *flags, "about:blank"],
            pass_fds=(reads, writes), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(reads)
        os.close(writes)
        self._number, self._rest, self.requested, self._session = 0, b"", [], None
        (target,) = (t for t in self._ask("Target.getTargets")["targetInfos"] if t["type"] == "page")
        attached = self._ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self._ask(f"{domain}.enable")
        self._ask("Page.addScriptToEvaluateOnNewDocument", source=KEEP_PIXELS)

    def open(self, url):
        """Open a page."""
        self._ask("Page.navigate", url=url)

    def evaluate(self, expression):
        """Return the value of an expression of JavaScript, a promise's when it is there."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression, seconds=30):
        """Return the value of an expression as soon as it counts as true; errors do not."""
        end, value = time.monotonic() + seconds, None
        while not value:
            assert time.monotonic() < end, f"{expression}\n{self.evaluate('document.body?.innerText')}"
            value = self.evaluate(f"(() => {{ try {{ return {expression} }} catch {{ return null }} }})()")
            time.sleep(0.1)
        return value

    def map_pixels(self, least=1):
        """Return the colours of the pixels that raster layers of a map of OpenLayers show, once there are so many."""
        self.wait_for(f"{PIXELS}.length >= {least}")
        return self.evaluate(PIXELS)

    def click(self, selector, text):
        """Click the first element that is seen with a text, as soon as there is one."""
        elements = f"[...document.querySelectorAll({json.dumps(selector)})]"
        visible = f"e.innerText.includes({json.dumps(text)}) && e.offsetParent"
        self.wait_for(f"(e => e && (e.click(), true))({elements}.find(e => {visible}))")

    def screenshot(self, path, **clip):
        """Write what is seen as a PNG file."""
        options = {"clip": {**clip, "scale": 1}, "captureBeyondViewport": True} if clip else {}
        path.write_bytes(
            base64.b64decode(self._ask("Page.captureScreenshot", format="png", **options)["data"])
        )

    def close(self):
        """End the browser."""
        self._process.terminate()
        self._process.wait(timeout=20)
        os.close(self._to)
        os.close(self._from)

    def _ask(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("method") == "Network.requestWillBeSent":
                self.requested.append(answer["params"]["request"]["url"])
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _read(self):
        while b"\0" not in self._rest:
            part = os.read(self._from, 1 << 20)
            assert part, "Chromium has ended"
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)
