#!/usr/bin/env python3
"""A JSON-RPC worker for batches that answers each job with itself, in reverse, and does what a job says: leaves answers
out, repeats them, names requests of other batches, dies, hangs. `singly` as its argument: it answers a batch with single
responses; `headers`: messages are led by Content-Length."""
import json
import os
import sys
import time

singly = "singly" in sys.argv
with_headers = "headers" in sys.argv
last_id = None


def write(value):
    data = json.dumps(value).encode()
    data = b"Content-Length: %d\r\n\r\n%s" % (len(data), data) if with_headers else data + b"\n"
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def response(request, size):
    job = request["params"]["job"]
    if job == "fail":
        return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": 7, "message": "cannot " + job}}
    return {"jsonrpc": "2.0", "id": request["id"], "result": str(size) if job == "size" else job}


def messages():
    if not with_headers:
        yield from sys.stdin
        return
    while length := sys.stdin.buffer.readline():
        sys.stdin.buffer.readline()
        yield sys.stdin.buffer.read(int(length.split(b":")[1]))


for text in messages():
    message = json.loads(text)
    requests = message if isinstance(message, list) else [message]
    requests = [request for request in requests if request.get("method") == "job"]
    if not requests:
        continue
    jobs = [request["params"]["job"] for request in requests]
    answers = [response(request, len(requests)) for request in reversed(requests)]
    if "die" in jobs:
        os._exit(3)
    if "hang" in jobs:
        time.sleep(1000)
    if "short" in jobs:
        answers = [answer for answer in answers if answer.get("result") != "short"]
    if "twice" in jobs:
        answers = [answer for answer in answers for _ in range(1 + (answer.get("result") == "twice"))]
    if "other" in jobs:
        answers = [dict(answer, id=last_id) if answer.get("result") == "other" else answer for answer in answers]
    if "empty" in jobs:
        answers = []
    if "half" in jobs:
        sys.stdout.write("[" + json.dumps(answers[0]) + ",\n")
        sys.stdout.flush()
        continue
    last_id = requests[0]["id"]
    if isinstance(message, list) and not singly:
        write(answers)
    else:
        for answer in answers:
            write(answer)
