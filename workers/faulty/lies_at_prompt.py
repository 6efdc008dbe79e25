#!/usr/bin/env python3
"""A program at a prompt that is ended by `end NONCE`, and whose jobs make it lie about the ends of its replies."""
import os
import sys
import time

# With an argument that is its prompt, which it shows before it reads a line.
prompt = sys.argv[1] if len(sys.argv) > 1 else ""
print("Welcome to the prompt that lies.\nend 0", flush=True)
seen = []
after = None


def write(text, stream=sys.stdout):
    stream.write(text)
    stream.flush()


write(prompt)
for line in sys.stdin:
    word, _, rest = line.rstrip("\n").partition(" ")
    if word == "end":
        write(f"done {rest}\n")
        seen.append(rest)
        if after:
            after()
        after = None
    elif word == "echo":
        write(rest.replace("\\n", "\n"))
    elif word == "forge":  # the marks of all jobs before
        write("".join(f"done {nonce}\n" for nonce in seen))
    elif word == "half":  # the echo of its next command, which holds the mark
        line = sys.stdin.readline()
        write(f"echo: {line.rstrip()}, not yet: done {line.split()[1]}!\ndone {line.split()[1]}\n")
        seen.append(line.split()[1])
    elif word == "twice":
        after = lambda: write(f"done {seen[-1]}\n")
    elif word == "more":
        after = lambda: write("and another thing\n")
    elif word == "swallow":  # an open quote
        sys.stdin.readline()
    elif word == "error":
        write(f"Error: {rest}\n", sys.stderr)
    elif word == "warn":
        write(f"Warning: {rest}\n", sys.stderr)
    elif word == "late":
        after = lambda wait=float(rest): (time.sleep(wait), write("Error: afterwards\n", sys.stderr))
    elif word == "torn":  # a line of stderr without an end
        write("Error: torn", sys.stderr)
    elif word == "large":
        write("x" * int(rest))
    elif word == "pid":
        write(str(os.getpid()))
    elif word == "die":
        os._exit(3)
    write(prompt)
