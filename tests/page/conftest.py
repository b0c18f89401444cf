"""A page in a real browser, driven through pipes by the DevTools protocol, with the network off.

Source: Chromium's ``--remote-debugging-pipe``: it reads JSON messages that end with a zero byte from file descriptor 3,
and writes its own to 4.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
_PATIENCE = 60


def _moved(number: int) -> int:
    """The same file under another number, from 20 on."""
    moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 20)
    os.close(number)
    return moved


class Browser:
    """One page of a browser without a window."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp()
        (read, self._write), (self._read, write) = os.pipe(), os.pipe()
        # Numbers beyond 3 and 4, which the shell below gives them.
        read, write = (_moved(number) for number in (read, write))
        assert PROGRAM is not None
        flags = "--headless=new --remote-debugging-pipe --no-sandbox --disable-gpu --hide-scrollbars --no-first-run"
        browser = [PROGRAM, *flags.split(), "--disable-dev-shm-usage", f"--user-data-dir={self._folder}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{read} 4>&{write}', "bash", *browser],
            pass_fds=(read, write),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read), os.close(write)
        self._number, self._waiting, self._events = 0, b"", []
        self._session: str | None = None
        target = self._page()
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)

    def _page(self) -> str:
        """The id of the empty page that the browser opens."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            for target in self.send("Target.getTargets")["targetInfos"]:
                if target["type"] == "page":
                    return str(target["targetId"])
            time.sleep(0.05)
        raise TimeoutError("The browser opens no page.")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and wait for its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._events.append(answer)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while b"\0" not in self._waiting:
            if not select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError("The browser does not answer.")
            self._waiting += os.read(self._read, 1 << 20)
        message, _, self._waiting = self._waiting.partition(b"\0")
        return json.loads(message)

    def open(
        self, page: Path, *, width: int = 1280, height: int = 800, phone: bool = False, dark: bool = False
    ) -> None:
        """Load a file and wait until it has run."""
        self._events.clear()
        scale = 2 if phone else 1
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone
        )
        self.send("Emulation.setTouchEmulationEnabled", enabled=phone)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=scheme)
        self.send("Page.navigate", url=page.resolve().as_uri())
        deadline = time.monotonic() + _PATIENCE
        while not self.run("document.readyState === 'complete' && Boolean(window.world)"):
            assert time.monotonic() < deadline, f"{page} has not loaded: {self.problems()}"
            time.sleep(0.02)

    def leave(self) -> None:
        """Leave the page that was opened last."""
        self.send("Page.navigate", url="about:blank")

    def run(self, code: str) -> Any:
        """Evaluate an expression in the page; promises are awaited."""
        answer = self.send("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", answer["exceptionDetails"]))
        return answer["result"].get("value")

    def problems(self) -> list[str]:
        """Errors and warnings of the console, exceptions, and requests to anything but the page itself."""
        self.run("0")
        found = []
        for event in self._events:
            kind, about = event.get("method"), event.get("params", {})
            if kind == "Runtime.exceptionThrown":
                found.append(str(about["exceptionDetails"].get("exception", about)))
            elif kind == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
                found.append(str(about["args"]))
            elif kind == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
                found.append(about["entry"]["text"])
            elif kind == "Network.requestWillBeSent":
                url = about["request"]["url"]
                if not url.startswith(("file:", "data:")):
                    found.append(f"a request to {url}")
        return found

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, release: bool = True) -> None:
        """Press the mouse at one place of the page, move it to another, and release it there."""
        for kind, (x, y) in (("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)):
            if kind != "mouseReleased" or release:
                self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """Touch the page: "touchStart", "touchMove" or "touchEnd"."""
        self.send("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y} for x, y in points])

    def screenshot(self, path: Path) -> None:
        """Save a picture of the whole page."""
        answer = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def close(self) -> None:
        """End the browser with all its processes, which are a group of their own, and remove its folder."""
        try:
            self.send("Browser.close")
            self._process.wait(5)
        except (OSError, RuntimeError, TimeoutError, subprocess.TimeoutExpired):
            pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_PATIENCE)
        os.close(self._write), os.close(self._read)
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture(scope="session")
def running_browser() -> Iterator[Browser]:
    """A browser for all tests that need one."""
    if PROGRAM is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    opened = Browser()
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def browser(running_browser: Browser) -> Iterator[Browser]:
    """The browser; after the test its page is left, which would go on moving and take a core from the other tests."""
    yield running_browser
    running_browser.leave()
