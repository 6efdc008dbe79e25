#!/usr/bin/env python3
"""Answers every job in upper case: the smallest worker that is written with the SDK.

    pip install ./workers/sdk/python       # or: export PYTHONPATH=workers/sdk/python
    seq -f 'line %g' 5 | prefork run --protocol jsonrpc -- workers/examples/sdk_upper.py
    echo 'by hand' | workers/examples/sdk_upper.py

What to copy: whatever is expensive stands at the top, and is paid once per worker. `print` goes to the log. An
exception fails its job, with the traceback, and the worker lives on.
"""
from prefork_worker import job, run


@job
def answer(text):
    if not text:
        raise ValueError("there is nothing in this job")
    return text.upper()


run()
