"""Renders the page that each job names, a file or a URL. Answers: its title, height, and a checksum of its picture.

    make gallery ONE=chromium
    echo page.html | PYTHONPATH=workers/sdk/python python3 workers/gallery/render_page.py

What to copy: one browser per worker, spoken to by the DevTools protocol over two pipes (--remote-debugging-pipe), so
that there is neither a port nor a package; and a context of its own for each page, so that no cookie stays behind. If
the browser dies, so does the worker, and prefork starts another.
"""
import base64
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import zlib

from prefork_worker import Failure, job, run

MEASURES = "({title: document.title, height: document.documentElement.scrollHeight})"
PROGRAMS = ("chromium-headless-shell", "chromium", "google-chrome")


class Browser:
    def __init__(self):
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        if program is None:
            raise FileNotFoundError(f"none of {', '.join(PROGRAMS)} is installed")
        options = ["--headless", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        if os.geteuid() == 0:
            options.append("--no-sandbox")  # it does not run as root otherwise
        commands, self.commands = os.pipe()
        self.messages, messages = os.pipe()
        # It reads on 3 and writes on 4, so that ours must be neither.
        pipes = [fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, 10) for pipe in (commands, messages)]
        shell = 'exec 3<&%d 4>&%d %d<&- %d>&-; exec "$@"' % (*pipes, *pipes)
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "bash", program, *options, "about:blank"], pass_fds=pipes,
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for pipe in (commands, messages, *pipes):
            os.close(pipe)
        self.numbers = itertools.count(1)
        self.unread = b""
        self.kept = []  # events that nothing has waited for yet
        self.ask("Browser.getVersion")

    def ask(self, method, session=None, **parameters):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.commands, data):]
        answer = self.wait_for(lambda message: message.get("id") == number)
        if "error" in answer:
            raise Failure(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def wait_for(self, is_wanted):
        for index, message in enumerate(self.kept):
            if is_wanted(message):
                return self.kept.pop(index)
        while not is_wanted(message := self.receive()):
            self.kept.append(message)
        return message

    def receive(self):
        while b"\0" not in self.unread:
            block = os.read(self.messages, 1 << 20)
            if not block:
                os._exit(1)  # the browser has gone
            self.unread += block
        text, _, self.unread = self.unread.partition(b"\0")
        return json.loads(text)

    def render(self, address):
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        try:
            target = self.ask("Target.createTarget", url="about:blank", browserContextId=context, width=800, height=600)
            session = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
            self.ask("Page.enable", session)
            blank = self.ask("Page.getFrameTree", session)["frameTree"]["frame"]["loaderId"]
            self.ask("Page.setLifecycleEventsEnabled", session, enabled=True)
            result = self.ask("Page.navigate", session, url=address)
            if "errorText" in result:
                raise Failure(f"{address}: {result['errorText']}")
            if "loaderId" in result:  # without one, only the #fragment has changed, and nothing is loaded
                self.wait_for(lambda message: is_load(message, session, result["frameId"], blank))
            page = self.ask("Runtime.evaluate", session, returnByValue=True, expression=MEASURES)["result"]["value"]
            picture = base64.b64decode(self.ask("Page.captureScreenshot", session)["data"])
            return {**page, "picture": f"{zlib.crc32(picture):08x}"}
        finally:
            self.ask("Target.disposeBrowserContext", browserContextId=context)
            self.kept.clear()


def is_load(message, session, frame, blank):
    """Whether a document has been loaded into the page, be it the one that was asked for or the one it redirects to."""
    if message.get("method") != "Page.lifecycleEvent" or message.get("sessionId") != session:
        return False
    event = message["params"]
    return event["name"] == "load" and event["frameId"] == frame and event["loaderId"] != blank


browser = Browser()


@job
def answer(address):
    return browser.render(address if "://" in address else "file://" + os.path.abspath(address))


run()
