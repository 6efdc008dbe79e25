"""A worker on an SDK with a pipe to each of its standard streams, as prefork starts it."""
import json
import os
import queue
import socket
import subprocess
import tempfile
import threading
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEADLINE = 60


def environment(protocol, **more):
    kept = {k: v for k, v in os.environ.items() if k not in ("PREFORK_PROTOCOL", "NOTIFY_SOCKET", "PYTHONUNBUFFERED")}
    kept["PYTHONPATH"] = os.path.join(ROOT, "workers/sdk/python")
    if protocol:
        kept["PREFORK_PROTOCOL"] = protocol
    return {**kept, **more}


def answers(command, text, protocol=None, **more):
    """What a worker wrote when it was given a text as its stdin, and its status."""
    data = text.encode("utf-8", "surrogateescape")
    result = subprocess.run(
        command, input=data, capture_output=True, env=environment(protocol, **more), timeout=DEADLINE)
    decode = lambda data: data.decode("utf-8", "surrogateescape")
    return decode(result.stdout), decode(result.stderr), result.returncode


class WorkerProcess:
    """Speaks JSON-RPC with a worker. Nothing waits for longer than DEADLINE."""

    def __init__(self, command, **more):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment("jsonrpc", **more))
        self.messages = queue.Queue()
        self.errors = []
        self.threads = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        for thread in self.threads:
            thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.messages.put(line)
        self.messages.put(None)

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line.decode("utf-8", "replace"))

    def write(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def send(self, **message):
        self.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")

    def send_job(self, id, text):
        self.send(id=id, method="job", params={"job": text})

    def receive(self):
        """The next message; None at the end."""
        line = self.messages.get(timeout=DEADLINE)
        if line is None:
            self.messages.put(None)  # the end stays the end
            return None
        return json.loads(line)

    def ask(self, text, id=1):
        """The response to a job."""
        self.send_job(id, text)
        return self.receive()

    def finish(self):
        """Closes its stdin. All messages that are left, its status, and what it wrote to stderr."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        status = self.process.wait(timeout=DEADLINE)
        for thread in self.threads:
            thread.join(DEADLINE)
        self.process.stdout.close()
        self.process.stderr.close()
        messages = []
        while (message := self.receive()) is not None:
            messages.append(message)
        return messages, status, "".join(self.errors)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.finish()


class WorkerCase(unittest.TestCase):
    def start(self, command, **more):
        """A worker that has reported that it is ready."""
        worker = WorkerProcess(command, **more)
        self.addCleanup(worker.kill)
        self.assertEqual(worker.receive(), {"jsonrpc": "2.0", "method": "ready"})
        return worker

    def notification_socket(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(notifications.close)
        notifications.settimeout(DEADLINE)
        notifications.bind(os.path.join(folder.name, "notify"))
        return notifications
