#!/usr/bin/env python3
"""A client of a job socket that never stops sending and reads slowly: slow_client.py ADDRESS

Sends the numbers from 0 on, one a line, until the server takes no more. Reads 64 KB, waits 5 ms, and so on, to the end. Prints
"reading" once answers come; at the end, how many whole answers came, whether each began with the number of its job, and how the
connection ended.
"""
import socket
import sys
import threading
import time

scheme, _, place = sys.argv[1].partition(":")
if scheme == "unix":
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(place)
else:
    host, _, port = place.rpartition(":")
    connection = socket.create_connection((host, int(port)))


def send():
    number = 0
    try:
        while True:
            connection.sendall(b"".join(b"%d\n" % job for job in range(number, number + 100)))
            number += 100
    except OSError:
        pass


threading.Thread(target=send, daemon=True).start()
received = bytearray()
end = "closed"
try:
    while block := connection.recv(65536):
        if not received:
            print("reading", flush=True)
        received += block
        time.sleep(0.005)
except OSError as error:
    end = type(error).__name__
lines = received.split(b"\n")[:-1]
in_order = all(line.split(b" ")[0] == b"%d" % job for job, line in enumerate(lines))
print(len(lines), "in order" if in_order else "out of order", end, flush=True)
