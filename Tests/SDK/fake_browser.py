"""A browser that speaks the DevTools protocol on descriptors 3 and 4, NUL after each message, and has no pages.

What it does when it is sent to a URL: `early`: the load event comes before the answer. `late`: it comes a while after
those of other pages and frames, unless a command comes first. `fragment`: nothing is loaded. The title of a page is
`loaded`, or `not loaded` if a command has come too early.
"""
import json
import os
import select

SESSION, FRAME, BLANK, DOCUMENT = "session", "frame", "blank", "document"
title = "not loaded"


def send(**message):
    os.write(4, json.dumps(message).encode() + b"\0")


def send_load(session=SESSION, frame=FRAME, document=DOCUMENT):
    event = {"name": "load", "frameId": frame, "loaderId": document}
    send(method="Page.lifecycleEvent", sessionId=session, params=event)
    send(method="Page.loadEventFired", sessionId=session, params={})


def navigate(url):
    """Its result."""
    global title
    title = "loaded"
    if "early" in url:
        send_load()
    if "fragment" in url:
        return {"frameId": FRAME}
    return {"frameId": FRAME, "loaderId": DOCUMENT}


def load_late():
    global title
    send_load(session="another")
    send_load(frame="inner")
    send_load(document=BLANK)
    if select.select([3], [], [], 0.2)[0]:
        title = "not loaded"
    send_load()


def result(method, parameters):
    if method == "Page.navigate":
        return navigate(parameters["url"])
    if method == "Page.setLifecycleEventsEnabled":
        send_load(document=BLANK)
    return {
        "Target.createBrowserContext": {"browserContextId": "context"}, "Target.createTarget": {"targetId": "target"},
        "Target.attachToTarget": {"sessionId": SESSION},
        "Page.getFrameTree": {"frameTree": {"frame": {"id": FRAME, "loaderId": BLANK}}},
        "Runtime.evaluate": {"result": {"value": {"title": title, "height": 1}}},
        "Page.captureScreenshot": {"data": ""},
    }.get(method, {})


unread = b""
while block := os.read(3, 65536):
    *messages, unread = (unread + block).split(b"\0")
    for message in map(json.loads, messages):
        send(id=message["id"], result=result(message["method"], message["params"]))
        if "late" in message["params"].get("url", ""):
            load_late()
