#!/usr/bin/env python3
"""A JSON-RPC worker that answers each job with itself, and does what the job says: lies, fails, dies, sleeps.

Jobs run on threads of their own, so that it answers in the order in which they end. `headers` as its argument: messages
are led by Content-Length. A request `begins` is answered together with the beginning of a notification, of which the rest
comes with the next message, or at the end of the input."""
import json
import os
import sys
import threading
import time

lock = threading.Lock()
with_headers = "headers" in sys.argv
given_up = set()
rest = b""


def write(text, begun=""):
    global rest
    data = text.encode()
    with lock:
        if with_headers:
            data = b"Content-Length: %d\r\n\r\n" % len(data) + data
        else:
            data += b"\n"
        written, rest = rest + data, begun[5:].encode() + b"\n" if begun else b""
        sys.stdout.buffer.write(written + begun[:5].encode())
        sys.stdout.buffer.flush()


def send(**message):
    write(json.dumps({"jsonrpc": "2.0", **message}))


def run(number, job):
    words = job.split() or [""]
    if words[0] == "sleep":
        for _ in range(int(float(words[1]) * 100)):
            if number in given_up:
                return send(id=number, error={"code": 1, "message": "given up"})
            time.sleep(0.01)
    elif words[0] == "deaf":
        time.sleep(float(words[1]))
    elif words[0] == "fail":
        return send(id=number, error={"code": 7, "message": "cannot " + job, "data": {"why": [1, 2]}})
    elif words[0] == "die":
        os._exit(3)
    elif words[0] == "wrong-id":
        return send(id=number + 1000, result=job)
    elif words[0] == "no-id":
        return send(result=job)
    elif words[0] == "twice":
        send(id=number, result=job)
    elif words[0] == "half":
        return write('{"jsonrpc": "2.0", "id": ')
    elif words[0] == "stray":
        write("debug: about to answer")
    elif words[0] == "json":
        return send(id=number, result={"job": job, "lines": "a\nb"})
    elif words[0] == "lines":
        return send(id=number, result="a\nb")
    elif words[0] == "progress":
        send(method="progress", params={"id": number, "done": 1, "total": 4, "message": "loading"})
        send(method="log", params={"level": "warning", "message": "it is warm"})
    elif words[0] == "retire":
        send(method="retire")
    elif words[0] == "pid":
        return send(id=number, result=str(os.getpid()))
    elif words[0] == "ask":
        send(id="mine", method="roots/list")
    send(id=number, result=job)


def messages():
    if not with_headers:
        yield from sys.stdin
        return
    while True:
        length = 0
        for line in iter(sys.stdin.buffer.readline, b"\r\n"):
            if not line:
                return
            name, value = line.split(b":")
            if name.lower() == b"content-length":
                length = int(value)
        yield sys.stdin.buffer.read(length)


send(method="ready")
for text in messages():
    message = json.loads(text)
    method, number = message.get("method"), message.get("id")
    if method == "job":
        threading.Thread(target=run, args=(number, message["params"]["job"]), daemon=True).start()
    elif method == "cancel":
        given_up.add(message["params"]["id"])
    elif method == "stop":
        print("asked to stop", file=sys.stderr, flush=True)
    elif method is None:
        print("answered:", message["error"]["message"], file=sys.stderr, flush=True)
    elif method == "begins":
        answer, notice = {"id": number, "result": method}, {"method": "log", "params": {"message": "it goes on"}}
        write(json.dumps({"jsonrpc": "2.0", **answer}), begun=json.dumps({"jsonrpc": "2.0", **notice}))
    else:
        send(id=number, result=method)
sys.stdout.buffer.write(rest)
sys.stdout.buffer.flush()
