#!/usr/bin/env python3
"""An MCP server without dependencies, whose only tool `echo` does what its argument `text` says: lies, fails, sleeps.

Its own arguments say how it begins: `session` (initialize, and nothing before it), `silent` (the same, but what it does
not know it never answers), `fragile` (what it does not know ends it), `late` (answers server/discover after initialize),
`refuses`, `pages` (three pages of tools), `endless` (a list of tools without end), `bare` (no tools), `twice` (answers
server/discover twice). Without any it is one of 2026-07-28."""
import json
import os
import sys
import threading
import time

META = "io.modelcontextprotocol/"
how = sys.argv[1] if len(sys.argv) > 1 else ""
lock = threading.Lock()
given_up = set()
begun = False
pending_discover = None


def write(text):
    with lock:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def send(**message):
    write(json.dumps({"jsonrpc": "2.0", **message}))


def answer(number, *texts, **more):
    send(id=number, result={"resultType": "complete", "content": [{"type": "text", "text": t} for t in texts], **more})


def error(number, message, code=-32601, **more):
    send(id=number, error={"code": code, "message": message, **more})


def call(number, params):
    job = params["arguments"].get("text", "")
    word, _, rest = job.partition(" ")
    if word == "sleep":
        for _ in range(int(float(rest) * 100)):
            if number in given_up:
                return
            time.sleep(0.01)
    elif word == "stubborn":  # answers although it was asked to give up
        while number not in given_up:
            time.sleep(0.01)
        time.sleep(0.05)
    elif word == "fail":
        return answer(number, "cannot " + rest, isError=True, structuredContent={"why": [1, 2]})
    elif word == "error":
        return error(number, "no " + rest, code=-5, data=[1])
    elif word == "die":
        os._exit(3)
    elif word == "wrong-id":
        return answer(number + 1000, job)
    elif word == "old-id":
        return answer(number - 1, job)
    elif word == "no-id":
        return send(result={"content": []})
    elif word == "twice":
        answer(number, job)
    elif word == "half":
        return write('{"jsonrpc": "2.0", "id": ')
    elif word == "stray":
        write("debug: about to answer")
    elif word == "no-content":
        return send(id=number, result={"resultType": "complete"})
    elif word == "null":
        return send(id=number, result=None)
    elif word == "odd-error":
        return answer(number, "x", isError="yes")
    elif word == "odd-content":
        return send(id=number, result={"content": "text"})
    elif word == "wants-more":
        return send(id=number, result={"resultType": "input_required", "inputRequests": {}})
    elif word == "lines":
        return answer(number, "a", "b")
    elif word == "image":
        content = [{"type": "text", "text": "a"}, {"type": "image", "data": "AAAA", "mimeType": "image/png"}]
        return send(id=number, result={"content": content})
    elif word == "structured":
        return answer(number, structuredContent={"n": 1})
    elif word == "pid":
        return answer(number, str(os.getpid()))
    elif word == "meta":
        return answer(number, json.dumps(params.get("_meta"), sort_keys=True))
    elif word == "arguments":
        return answer(number, json.dumps(params["arguments"], sort_keys=True))
    elif word == "progress":
        token = params["_meta"]["progressToken"]
        send(method="notifications/progress",
             params={"progressToken": token, "progress": 1, "total": 4, "message": "loading"})
        send(method="notifications/progress", params={"progressToken": "odd", "progress": "much"})
        send(method="notifications/message", params={"level": "warning", "logger": "me", "data": "it is warm"})
        send(method="notifications/message", params={"level": "info", "data": {"n": 1}})
        send(method="notifications/tools/list_changed")
    elif word == "ask":
        send(id="p", method="ping")
        send(id=7, method="sampling/createMessage", params={})
    answer(number, job)


def tools(number, cursor):
    page = int(cursor or 0)
    echo = {"name": "echo", "description": "Answers with its text.\nAnd more.", "inputSchema": {"type": "object"}}
    other = {"name": "other%d" % page, "inputSchema": {"type": "object"}}
    if how == "bare":
        return error(number, "no such method")
    if how == "pages":
        last = page == 2
        return send(id=number, result={"tools": [echo if last else other],
                                       **({} if last else {"nextCursor": str(page + 1)})})
    if how == "endless":
        return send(id=number, result={"tools": [other], "nextCursor": str(page + 1)})
    send(id=number, result={"tools": [other, echo]})


def begin(number, method, params):
    """True if that was a request to begin."""
    global begun, pending_discover
    is_stateless = how in ("", "pages", "endless", "bare", "twice", "late")
    capabilities = {} if how == "bare" else {"tools": {}}
    if method == "server/discover" and is_stateless:
        if how == "late" and not begun:
            pending_discover = number
            return True
        result = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities}
        send(id=number, result=result)
        if how == "twice":
            send(id=number, result=result)
        return True
    if method == "initialize" and how in ("session", "silent", "fragile"):
        begun = True
        send(id=number, result={"protocolVersion": "2025-06-18", "capabilities": capabilities,
                                "serverInfo": {"name": "liar", "version": "1"}})
        return True
    if method == "initialize" and how == "late":
        error(number, "unsupported version", code=-32022)
        begun = True
        begin(pending_discover, "server/discover", params)
        return True
    if method == "tools/list" and is_stateless and META + "protocolVersion" not in params.get("_meta", {}):
        error(number, "no version in _meta", code=-32602)
        return True
    return False


for text in sys.stdin:
    message = json.loads(text)
    method, number, params = message.get("method"), message.get("id"), message.get("params", {})
    if how == "refuses":
        if number is not None:
            error(number, "not today")
    elif method is None:
        print("answered:", json.dumps(message.get("result", message.get("error"))), file=sys.stderr, flush=True)
    elif method == "notifications/cancelled":
        print("asked to give up", params["requestId"], file=sys.stderr, flush=True)
        given_up.add(params["requestId"])
    elif begin(number, method, params):
        pass
    elif method == "tools/list":
        tools(number, params.get("cursor"))
    elif method == "tools/call":
        threading.Thread(target=call, args=(number, params), daemon=True).start()
    elif method == "ping" and how in ("session", "silent", "fragile"):
        send(id=number, result={})
    elif number is not None and how == "fragile":
        sys.exit(1)
    elif number is not None and how != "silent":
        error(number, "no such method: " + method)
