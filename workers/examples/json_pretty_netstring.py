#!/usr/bin/env python3
"""Prints JSON for people: sorted keys, two spaces. Speaks `netstring`, since a reply has many lines.

    printf '%s\\n' '{"b":[1,2],"a":null}' '{"broken":' |
      prefork run --protocol netstring --output nul -- workers/examples/json_pretty_netstring.py | tr '\\0' '\\n'

A netstring is the length in decimal digits, a colon, the bytes, and a comma: `5:hello,`. Like `length4` it
carries any byte, but one can read it in a log and type it by hand:

    printf '9:{"b": 1 },' | workers/examples/json_pretty_netstring.py

A reply about a bad job is a reply: it names the error and where it is, and the worker lives on.
Source of the format: D. J. Bernstein, "Netstrings", 1997 (a length has no leading zeros).
"""
import json
import signal
import sys

signal.signal(signal.SIGPIPE, signal.SIG_DFL)
jobs, replies = sys.stdin.buffer, sys.stdout.buffer
LONGEST_LENGTH = 10  # digits: 10 GB is not a job, it is a lost frame


def read_job():
    """The next job, or None at the end of stdin. Bytes that are no netstring end the worker: after them
    nobody can say where the next job begins."""
    digits = b""
    while (byte := jobs.read(1)).isdigit() and len(digits) < LONGEST_LENGTH:
        digits += byte
    if not digits and not byte:
        return None
    if byte != b":" or not digits or (digits[:1] == b"0" and digits != b"0"):
        sys.exit(f"not a netstring: a length and a colon were expected, found {digits + byte!r}")
    size = int(digits)
    frame = jobs.read(size + 1)
    if len(frame) <= size:
        sys.exit(f"stdin ended {len(frame)} bytes into a netstring of {size}")
    if frame[size:] != b",":
        sys.exit(f"not a netstring: a comma was expected after {size} bytes, found {frame[size:]!r}")
    return frame[:size]


def answer(job):
    try:
        return json.dumps(json.loads(job), indent=2, sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or nested a thousand levels deep
        return f"error: {error}"


while (job := read_job()) is not None:
    # surrogatepass: "\ud800" is legal JSON, yet no UTF-8 text; it must not end the worker.
    reply = answer(job).encode("utf-8", "surrogatepass")
    replies.write(b"%d:%b," % (len(reply), reply))
    replies.flush()  # the pool waits for it
