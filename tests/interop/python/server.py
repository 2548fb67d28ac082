"""python-socketio's server for the client of `sio`; `python_server.rs` drives it.

Prints its port, alone on a line, once it listens on 127.0.0.1 (on the port that is its argument, if there is one). Ends with its
standard input, at once. The events are those of `../client_server.js`: add, give back, echo, n, all, ask, leave me.
"""

import asyncio
import os
import sys

import socketio
from aiohttp import web

sio = socketio.AsyncServer(async_mode="aiohttp", ping_interval=1, ping_timeout=2, max_http_buffer_size=1_000_000)
app = web.Application()
sio.attach(app)
remembered = []


@sio.event
async def connect(sid, environ, auth):
    if auth and auth.get("token") == "wrong":
        raise socketio.exceptions.ConnectionRefusedError("not you", {"code": 7})


@sio.on("add")
async def add(sid, a, b):
    return a + b


@sio.on("give back")
async def give_back(sid, *args):
    return args


@sio.on("echo")
async def echo(sid, *args):
    await sio.emit("echo", args, to=sid)


@sio.on("n")
async def n(sid, number):
    remembered.append(number)
    return True


@sio.on("all")
async def all_numbers(sid):
    return (remembered,)


@sio.on("ask")
async def ask(sid):
    return await sio.call("question", "?", to=sid)


@sio.on("leave me")
async def leave_me(sid):
    await sio.disconnect(sid)


async def main():
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
