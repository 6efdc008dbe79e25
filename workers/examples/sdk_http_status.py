#!/usr/bin/env python3
"""Fetches a URL (http only) and answers with its status, size and time: many at once in each worker.

    pip install ./workers/sdk/python       # or: export PYTHONPATH=workers/sdk/python
    prefork run --protocol jsonrpc --concurrency 50 -- workers/examples/sdk_http_status.py <urls.txt

What to copy: `async def` jobs wait for the network at the same time, on one event loop. A job that runs out of time
(`--timeout 5s --cancel-grace 1s`) gets CancelledError at its `await`, so that `finally` closes its connection, and the
others go on.
"""
import asyncio
import time
from urllib.parse import urlsplit

from prefork_worker import Failure, job, progress, run


@job
async def fetch(text):
    url = urlsplit(text)
    if url.scheme != "http" or not url.hostname:
        raise Failure(f"not a URL that begins with http://: {text!r}", code=400)
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(url.hostname, url.port or 80)
    try:
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {url.netloc}\r\n\r\n".encode())
        status = (await reader.readline()).split()[1]
        await reader.readuntil(b"\r\n\r\n")
        size = 0
        while block := await reader.read(65536):
            size += len(block)
            progress(size, message="bytes")
    finally:
        writer.close()
    return {"url": text, "status": int(status), "bytes": size, "seconds": round(time.monotonic() - began, 3)}


run()
