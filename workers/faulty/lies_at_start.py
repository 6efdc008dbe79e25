#!/usr/bin/env python3
"""Answers each line with itself. A line that begins with "!" tells it what else to do, once and for all its life:

!fail TEXT      answers "ERROR TEXT"
!silent         does not answer
!twice          answers twice at once
!warn TEXT      writes TEXT to stderr, and answers
!exit N         exits with status N, without an answer
!state TEXT     answers, and puts TEXT before each answer from then on
!raw TEXT       answers TEXT, in which \\n, \\0 and so on are escapes, without a newline of its own

Its arguments: "banner" prints a line before it reads; "ready" prints READY then."""
import sys

state = ""


def answer(text):
    sys.stdout.write(state + text + "\n")
    sys.stdout.flush()


for word in sys.argv[1:]:
    print({"banner": "welcome", "ready": "READY"}[word], flush=True)

for line in sys.stdin:
    line = line.rstrip("\n")
    order, _, text = line.partition(" ")
    if order == "!fail":
        answer("ERROR " + text)
    elif order == "!silent":
        pass
    elif order == "!twice":
        sys.stdout.write("one\ntwo\n")
        sys.stdout.flush()
    elif order == "!warn":
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
        answer(line)
    elif order == "!exit":
        sys.exit(int(text))
    elif order == "!state":
        answer(line)
        state = text
    elif order == "!raw":
        sys.stdout.buffer.write(text.encode().decode("unicode_escape").encode("latin-1"))
        sys.stdout.flush()
    else:
        answer(line)
