#!/usr/bin/env python3
"""The server of Python's websockets; the contract of its paths is in testee/main.rs."""
import argparse
import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

import content

REASON = 'enough – 今日は'
ended = {}


def ending(connection_id):
    return ended.setdefault(connection_id, asyncio.get_running_loop().create_future())


async def answer(socket):
    url = urlsplit(socket.request.path)
    connection_id = parse_qs(url.query)['id'][0]
    if url.path == '/report':
        await socket.send(json.dumps(await ending(connection_id)))
        await socket.wait_closed()
        return
    try:
        await PATHS[url.path](socket)
    except ConnectionClosed:
        pass
    await socket.wait_closed()
    received = socket.protocol.close_rcvd
    report = {'code': received.code, 'reason': received.reason} if received else {'code': 1006, 'reason': ''}
    if not ending(connection_id).done():
        ending(connection_id).set_result(report)


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def fragments(socket):
    async for message in socket:
        is_text = isinstance(message, str)
        pongs = []

        async def parts():
            for part in content.fragments(message.encode() if is_text else message):
                yield part
                pongs.append(await socket.ping())

        await socket.send(parts(), text=is_text)


async def ping(socket):
    latency = await (await socket.ping())
    await socket.send(f'latency {latency * 1e6:.0f}')
    await socket.wait_closed()


async def close(socket):
    await socket.recv()
    await socket.close(4321, REASON)


async def drop(socket):
    await socket.recv()
    socket.transport.abort()


PATHS = {'/echo': echo, '/fragments': fragments, '/ping': ping, '/close': close, '/drop': drop}


def refuse(socket, request):
    if request.path.startswith('/refuse?'):
        response = socket.respond(401, 'who are you?')
        response.headers['WWW-Authenticate'] = 'Basic'
        return response


def choose(_, offered):
    return next((name for name in ['v2.chat', 'v1.chat'] if name in offered), None)


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--deflate', action='store_true')
    parser.add_argument('--limit', type=int, default=64 << 20)
    args = parser.parse_args()
    server = await serve(answer, '127.0.0.1', 0, process_request=refuse, select_subprotocol=choose, max_size=args.limit,
                         compression='deflate' if args.deflate else None, ping_interval=None)
    print(f'ws://127.0.0.1:{server.sockets[0].getsockname()[1]}', flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close(close_connections=True)


asyncio.run(main())
