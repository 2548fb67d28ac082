"""python-socketio's client against a server that speaks the contract of `reference_server.js`.

Usage: client.py URL TRANSPORTS SERIALIZER, with transports separated by a comma. Prints a line per case and exits with 1 if one fails.
"""

import asyncio
import sys
import traceback

import socketio

url, transports, serializer = sys.argv[1], sys.argv[2].split(","), sys.argv[3]
cases = []


def case(function):
    cases.append(function)
    return function


class Peer:
    """One client, connected for the time of a `with`. Collects what it receives of each event."""

    def __init__(self, *namespaces, auth=None):
        self.namespaces, self.auth = list(namespaces or ["/"]), auth
        self.client = socketio.AsyncClient(serializer=serializer, reconnection=False)
        self.queues = {}

    async def __aenter__(self):
        await self.client.connect(url, transports=transports, namespaces=self.namespaces, auth=self.auth, wait_timeout=10)
        return self

    async def __aexit__(self, *_):
        await self.client.disconnect()

    def listen(self, event, namespace="/"):
        queue = self.queues[event] = asyncio.Queue()
        self.client.on(event, lambda *args: queue.put_nowait(args), namespace=namespace)

    async def next(self, event):
        return await asyncio.wait_for(self.queues[event].get(), 10)

    async def call(self, event, data=None, namespace="/"):
        return await self.client.call(event, data, namespace=namespace, timeout=10)


@case
async def values_and_binary_come_back_as_they_went():
    async with Peer() as peer:
        assert await peer.call("add", (1, 2)) == 3
        for value in [None, True, -1, 1.5, "é", [], {}, {"a": [1, {"b": None}]}, b"\x00\xff", {"files": [b"", b"x" * 70000], "n": 1}]:
            # One argument, whatever it is.
            assert await peer.call("give back", (value,)) == value, value
        assert list(await peer.call("give back", (1, "two", b"3"))) == [1, "two", b"3"]
        assert await peer.call("describe", ({"x": b"\x01\xff"},)) == {"x": {"bytes": "01ff"}}


@case
async def the_server_sends_binary_and_asks():
    async with Peer() as peer:
        peer.listen("binary")
        peer.client.on("question", lambda *args: args[0])
        await peer.call("send binary")
        value, last = await peer.next("binary")
        assert (value["first"], value["list"], last) == (b"\x01\x02\x03", [b"", {"deep": b"\xff\x00"}], b"\x7f"), value
        assert await peer.call("ask me", "me?") == "me?"


@case
async def a_thousand_events_keep_their_order():
    async with Peer() as peer:
        peer.listen("item")
        for i in range(1000):
            await peer.client.emit("item", i)
        assert await peer.call("items") == list(range(1000))
        # This client takes no more than 16 packets in one answer to a poll.
        await peer.call("send items", 10)
        assert [(await peer.next("item"))[0] for _ in range(10)] == list(range(10))


@case
async def namespaces_share_a_connection():
    async with Peer("/", "/other", "/tenant-python") as peer:
        assert await peer.call("where", namespace="/other") == "/other"
        assert await peer.call("where", namespace="/tenant-python") == "/tenant-python"
        assert len({peer.client.get_sid(name) for name in peer.namespaces} | {peer.client.eio.sid}) == 4


@case
async def a_refusal_says_why():
    for namespace, auth in [("/admin", {"token": "wrong"}), ("/unknown", None)]:
        peer, told = Peer(namespace, auth=auth), asyncio.Queue()
        peer.client.on("connect_error", lambda data=None: told.put_nowait(data), namespace=namespace)
        try:
            await peer.__aenter__()
        except socketio.exceptions.ConnectionError:
            pass
        else:
            raise AssertionError("it was let in")
        data = await asyncio.wait_for(told.get(), 10)
        expected = {"/admin": {"message": "not authorized", "data": {"code": 401, "hint": "wrong token"}},
                    "/unknown": {"message": "Invalid namespace"}}[namespace]
        assert data == expected, data
    async with Peer("/admin", auth={"token": "open sesame"}) as peer:
        assert await peer.call("where", namespace="/admin") == "/admin"


@case
async def rooms_and_operators():
    room = f"python {transports} {serializer}"
    async with Peer() as one, Peer() as two:
        for peer in (one, two):
            peer.listen("relayed")
            await peer.call("join", room)
        await one.call("relay", ({"via": "socket", "to": [room, room], "except": []}, {"file": b"1"}))
        await one.call("relay", ({"via": "io", "to": [room], "except": [], "operators": True}, "all"))
        assert [await two.next("relayed"), await two.next("relayed")] == [({"file": b"1"},), ("all",)]
        assert await one.next("relayed") == ("all",)
        two.client.on("question", lambda *_: 2)
        # This client also answers what it has no handler for.
        one.client.on("question", lambda *_: 1)
        assert await one.call("ask room", (room, 500)) == {"answers": [1, 2], "missing": 0}


@case
async def the_server_disconnects():
    async with Peer("/", "/other") as peer:
        gone = asyncio.Queue()
        peer.client.on("disconnect", lambda *_: gone.put_nowait("other"), namespace="/other")
        await peer.client.emit("leave me", namespace="/other")
        assert await asyncio.wait_for(gone.get(), 10) == "other"
        assert await peer.call("add", (2, 3)) == 5
        peer.client.on("disconnect", lambda *_: gone.put_nowait("all"))
        await peer.client.emit("close me")
        assert await asyncio.wait_for(gone.get(), 10) == "all"


async def main():
    failed = 0
    for function in cases:
        try:
            await asyncio.wait_for(function(), 60)
            print(f"ok {function.__name__}", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED {function.__name__}\n{traceback.format_exc()}", flush=True)
    sys.exit(1 if failed else 0)


asyncio.run(main())
