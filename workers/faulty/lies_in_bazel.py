#!/usr/bin/env python3
"""A multiplex worker of Bazel's protocol, in JSON or, with `proto`, in Protocol Buffers. Each request runs on a thread
of its own and does what its first argument says: sleep, fail, cancel, lie."""
import json
import os
import sys
import threading
import time

lock = threading.Lock()
is_proto = "proto" in sys.argv
given_up = set()


def varint(value):
    out = b""
    value &= (1 << 64) - 1
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def read_varint(stream):
    value = shift = 0
    while True:
        byte = stream.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            return value


def fields(data):
    import io
    stream = io.BytesIO(data)
    while (tag := read_varint(stream)) is not None:
        value = read_varint(stream)
        yield tag >> 3, stream.read(value) if tag & 7 == 2 else value


def requests():
    if not is_proto:
        for line in sys.stdin:
            yield json.loads(line)
        return
    while (length := read_varint(sys.stdin.buffer)) is not None:
        request = {"arguments": []}
        for number, value in fields(sys.stdin.buffer.read(length)):
            if number == 1:
                request["arguments"].append(value.decode())
            elif number == 3:
                request["requestId"] = value
            elif number == 4:
                request["cancel"] = bool(value)
        yield request


def respond(number, output="", code=0, cancelled=False):
    if is_proto:
        data = (varint(1 << 3) + varint(code)) if code else b""
        data += varint(2 << 3 | 2) + varint(len(output.encode())) + output.encode() if output else b""
        data += varint(3 << 3) + varint(number) if number else b""
        data += varint(4 << 3) + varint(1) if cancelled else b""
        # A field that no one knows, of a fixed size.
        data += varint(99 << 3 | 5) + b"abcd"
        data = varint(len(data)) + data
    else:
        message = {"exitCode": code, "output": output, "requestId": number, "unknown": [{"}": "]"}]}
        if cancelled:
            message["wasCancelled"] = True
        data = json.dumps(message, indent=2).encode()
    with lock:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def run(number, arguments):
    word = arguments[0] if arguments else ""
    if word.startswith("sleep "):
        for _ in range(int(float(word.split()[1]) * 100)):
            if number in given_up:
                return respond(number, cancelled=True)
            time.sleep(0.01)
    if word == "fail":
        return respond(number, "cannot " + " ".join(arguments), code=-3)
    if word == "wrong-id":
        return respond(number + 1000, word)
    if word == "no-id":
        return respond(0, word)
    if word == "die":
        os._exit(3)
    if word == "stray":
        with lock:
            sys.stdout.write("debug\n")
            sys.stdout.flush()
    respond(number, "+".join(arguments))


for request in requests():
    number = request.get("requestId", 0)
    if request.get("cancel"):
        given_up.add(number)
    else:
        threading.Thread(target=run, args=(number, request["arguments"]), daemon=True).start()
