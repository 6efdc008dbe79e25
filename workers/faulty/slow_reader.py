#!/usr/bin/env python3
"""Faulty: reads 1 KiB per 10 ms (100 KB/s), and answers each job with its length and CRC-32.

prefork must: not wait in write() for it: a job larger than the pipe goes out in pieces, while all others are served.
The run clock starts at the first byte written, so --timeout fires even if the worker never reads the rest.
(Lessons 7, 9, 10.)
"""
import os
import time
import zlib

job = bytearray()
while block := os.read(0, 1024):
    *ends, rest = block.split(b"\n")
    for end in ends:
        job += end
        os.write(1, b"%d bytes, crc32 %08x\n" % (len(job), zlib.crc32(job)))
        job.clear()
    job += rest
    time.sleep(0.01)
