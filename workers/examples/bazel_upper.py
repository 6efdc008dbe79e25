#!/usr/bin/env python3
"""A persistent worker as Bazel starts it: work requests on stdin, work responses on stdout, in JSON.

Each request's arguments come back in upper case. See https://bazel.build/remote/creating."""
import json
import sys

if "--persistent_worker" not in sys.argv:
    sys.exit("this program is a persistent worker: start it with --persistent_worker")

for line in sys.stdin:
    request = json.loads(line)
    arguments = request.get("arguments", [])
    if arguments[:1] == ["fail"]:
        response = {"exitCode": 2, "output": "cannot compile " + " ".join(arguments[1:])}
    else:
        response = {"output": " ".join(arguments).upper()}
    response["requestId"] = request.get("requestId", 0)
    # No newline is needed: Bazel reads one JSON object after the other.
    sys.stdout.write(json.dumps(response))
    sys.stdout.flush()
