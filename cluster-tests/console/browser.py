"""Chromium by its DevTools protocol, over a pair of pipes: no driver, no library, no port.

    with Browser() as browser:
        page = browser.page("http://…")
        page.wait("document.title")

Whatever a page prints as an error, throws, or tries against its policy is kept in `page.faults`.
"""

import json
import os
import select
import shutil
import subprocess
import tempfile
import time

# How long what must come may take, in seconds, and how often is looked.
PATIENCE = 30
LOOK_EVERY = 0.05
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio",
         "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync",
         "--force-color-profile=srgb", "--remote-debugging-pipe", "about:blank"]
KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, ""), " ": (32, " "), "ArrowDown": (40, "")}


class Browser:
    """A browser of its own, with a profile that goes with it."""

    def __init__(self, program=None):
        program = program or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        down, self.to = os.pipe()
        self.of, up = os.pipe()

        def place():
            # The browser reads from 3 and writes to 4; both ends may be where the other has to go.
            high_down, high_up = os.dup(down), os.dup(up)
            os.dup2(high_down, 3)
            os.dup2(high_up, 4)

        self.process = subprocess.Popen([program, *FLAGS[:-1], f"--user-data-dir={self.profile.name}", FLAGS[-1]],
                                        preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        os.close(down)
        os.close(up)
        self.last, self.buffer, self.answers, self.pages = 0, b"", {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.profile.cleanup()

    def ask(self, method, session=None, **params):
        """Calls a method of the protocol and waits for its answer."""
        self.last += 1
        mine = self.last
        message = {"id": mine, "method": method, "params": params, **({"sessionId": session} if session else {})}
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self.to, text):]
        deadline = time.monotonic() + PATIENCE
        while mine not in self.answers:
            self.read(deadline - time.monotonic())
        answer = self.answers.pop(mine)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def read(self, seconds):
        """Takes what comes within so many seconds."""
        if seconds <= 0:
            raise TimeoutError("the browser does not answer")
        if not select.select([self.of], [], [], seconds)[0]:
            return
        more = os.read(self.of, 1 << 16)
        if not more:
            raise RuntimeError("the browser has ended")
        *whole, self.buffer = (self.buffer + more).split(b"\0")
        for message in map(json.loads, whole):
            if "id" in message:
                self.answers[message["id"]] = message
            elif message.get("sessionId") in self.pages:
                self.pages[message["sessionId"]].event(message["method"], message["params"])

    def page(self, url):
        """Opens a page; returns when it has loaded."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Accessibility", "Audits"):
            page.ask(f"{domain}.enable")
        page.go(url)
        return page


class Page:
    def __init__(self, browser, session):
        self.browser, self.session, self.faults, self.loads = browser, session, [], 0

    def ask(self, method, **params):
        return self.browser.ask(method, self.session, **params)

    def event(self, method, params):
        if method == "Runtime.exceptionThrown":
            self.faults.append(params["exceptionDetails"].get("exception", {}).get("description", "exception"))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert", "warning"):
            self.faults.append(f"console: {[part.get('value') for part in params['args']]}")
        elif method == "Log.entryAdded" and params["entry"]["source"] != "network" and params["entry"]["level"] == "error":
            self.faults.append(f"{params['entry']['source']}: {params['entry']['text']}")
        elif method == "Audits.issueAdded" and params["issue"]["code"] == "ContentSecurityPolicyIssue":
            self.faults.append(f"policy: {params['issue']['details']}")
        elif method == "Page.loadEventFired":
            self.loads += 1

    def go(self, url):
        loads = self.loads
        self.ask("Page.navigate", url=url)
        deadline = time.monotonic() + PATIENCE
        while self.loads == loads:
            self.browser.read(deadline - time.monotonic())

    def run(self, expression, world=None):
        """The value of an expression; promises are awaited."""
        where = {"contextId": world} if world else {}
        answer = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True,
                          userGesture=True, **where)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def world(self):
        """A place for scripts that the page's own neither see nor bound by their policy."""
        frame = self.ask("Page.getFrameTree")["frameTree"]["frame"]["id"]
        return self.ask("Page.createIsolatedWorld", frameId=frame, worldName="test")["executionContextId"]

    def wait(self, expression, what="", seconds=PATIENCE):
        """Looks until the expression is true; its value."""
        deadline = time.monotonic() + seconds
        while True:
            if value := self.run(expression):
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s in vain: {what or expression}")
            time.sleep(LOOK_EVERY)

    def press(self, key, shift=False):
        """Presses and releases a key, as a person does."""
        code, text = KEYS[key]
        common = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code,
                  "modifiers": 8 if shift else 0}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.ask("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        """Types into what has the focus."""
        self.ask("Input.insertText", text=text)

    def media(self, **features):
        """Sets what a style sheet asks for, such as prefers_color_scheme="dark"."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.ask("Emulation.setEmulatedMedia", features=wanted)

    def size(self, width, height, scale=1):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)

    def screenshot(self, full=False):
        """The page as PNG, in base64."""
        return self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=full)["data"]
