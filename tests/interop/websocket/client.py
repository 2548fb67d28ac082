#!/usr/bin/env python3
"""The cases of Python's websockets as client of our server; prints what testee/main.rs says about its client."""
import argparse
import asyncio
import json
import sys
import traceback

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

import content

REASON = 'enough – 今日は'
LIMIT = 65536


class Peer:
    def __init__(self, args):
        self.url = args.url
        self.limited = args.limited
        self.deflate = args.deflate

    def open(self, path, connection_id, url=None, max_size=64 << 20, **options):
        return Opened(self, connect(
            f'{url or self.url}{path}?id=python-{connection_id}', compression='deflate' if self.deflate else None,
            max_size=max_size, ping_interval=None, proxy=None, **options))

    async def report(self, connection_id):
        async with self.open('/report', connection_id) as socket:
            return json.loads(await socket.recv())

    async def echo(self, message):
        async with self.open('/echo', 'echo') as socket:
            await socket.send(message)
            same(await socket.recv(), message)
        is_clean(socket)

    async def fragmented(self, message):
        is_text = isinstance(message, str)
        async with self.open('/echo', 'fragmented') as socket:
            pongs = []

            async def parts():
                for part in content.fragments(message.encode() if is_text else message):
                    yield part
                    pongs.append(await socket.ping())

            await socket.send(parts(), text=is_text)
            same(await socket.recv(), message)
            check(all(latency > 0 for latency in await asyncio.gather(*pongs)), pongs)
        is_clean(socket)

    async def ping(self):
        async with self.open('/echo', 'ping') as socket:
            latency = await (await socket.ping(bytes(range(125))))
            check(0 < latency < 10, latency)

    async def pinged(self):
        async with self.open('/ping', 'pinged') as socket:
            told = await socket.recv()
            check(told.startswith('latency ') and int(told[8:]) >= 0, told)

    async def close(self):
        async with self.open('/echo', 'close') as socket:
            await socket.close(4321, REASON)
        # RFC 6455 §5.5.1: who answers a close "typically echos the status code", and ours only that.
        check((socket.close_code, socket.close_reason) == (4321, ''), (socket.close_code, socket.close_reason))
        is_clean(socket)
        report = await self.report('close')
        expected = {'code': 4321, 'reason': REASON, 'sent': 4321, 'initiator': 'peer', 'failure': None}
        check(report == expected, report)

    async def closed(self):
        async with self.open('/close', 'closed') as socket:
            await socket.send('close')
            error = await end(socket)
        check((error.rcvd.code, error.rcvd.reason, error.rcvd_then_sent) == (4321, REASON, True), error)
        report = await self.report('closed')
        check(report['sent'] == report['code'] == 4321 and report['initiator'] == 'local', report)
        check(report['failure'] is None, report)

    async def subprotocol(self):
        async with self.open('/echo', 'subprotocol', subprotocols=['v9.chat', 'v1.chat']) as socket:
            check(socket.subprotocol == 'v1.chat', socket.subprotocol)

    async def no_subprotocol(self):
        async with self.open('/echo', 'none', subprotocols=['v9.chat']) as socket:
            check(socket.subprotocol is None, socket.subprotocol)

    async def refused(self):
        try:
            async with self.open('/refuse', 'refused'):
                pass
        except InvalidStatus as error:
            response = error.response
            check((response.status_code, response.body) == (401, b'who are you?'), response)
            check(response.headers['WWW-Authenticate'] == 'Basic', response.headers)
        else:
            raise AssertionError('not refused')

    async def too_big_for_server(self):
        async with self.open('/echo', 'too-big', self.limited) as socket:
            await socket.send(content.binary(LIMIT))
            same(await socket.recv(), content.binary(LIMIT))
            await socket.send(content.binary(LIMIT + 1))
            error = await end(socket)
        check(error.rcvd and error.rcvd.code == 1009, error)

    async def fragments_too_big_for_server(self):
        async with self.open('/echo', 'too-big', self.limited) as socket:
            try:
                await socket.send(content.fragments(content.text(LIMIT + 1).encode()), text=True)
            except ConnectionClosed:
                pass  # or later, when it is to be received
            error = await end(socket)
        check(error.rcvd and error.rcvd.code == 1009, error)

    async def too_big_for_client(self):
        async with self.open('/echo', 'too-big', max_size=LIMIT) as socket:
            await socket.send(content.text(LIMIT))
            same(await socket.recv(), content.text(LIMIT))
            await socket.send(content.text(LIMIT + 1))
            error = await end(socket)
        check(error.sent.code == 1009, error)
        report = await self.report('too-big')
        check(report['code'] == 1009 and report['initiator'] == 'peer', report)

    async def cut_by_server(self):
        async with self.open('/drop', 'cut-by-server') as socket:
            await socket.send('drop')
            error = await end(socket)
        check(error.rcvd is None and socket.close_code == 1006, error)

    async def cut_by_client(self):
        async with self.open('/echo', 'cut-by-client') as socket:
            await socket.send('hello')
            await socket.recv()
            socket.transport.abort()
        report = await self.report('cut-by-client')
        check(report['code'] == 1006 and report['failure'] and report['initiator'] == 'peer', report)

    async def hundred(self):
        """All of them are open before the first one sends."""
        sockets = await asyncio.gather(*(self.open('/echo', 'hundred').connection() for _ in range(100)))

        async def talk(number, socket):
            for turn in range(10):
                message = f'{number}, {turn} ' * (100 * turn)
                await socket.send(message)
                same(await socket.recv(), message)
            await socket.close()
            is_clean(socket)

        await asyncio.gather(*(talk(number, socket) for number, socket in enumerate(sockets)))

    def cases(self):
        for size in content.SIZES:
            for kind in [content.text, content.binary]:
                if self.deflate and size == 64 << 20 and kind is content.binary:
                    continue  # noise through four codecs takes ten seconds
                name = f'{kind.__name__}, {size} bytes'
                yield name, lambda: self.echo(kind(size))
                yield f'{name}, in fragments', lambda: self.fragmented(kind(size))
        yield 'a pong brings back what was in the ping, and the latency is known', self.ping
        yield 'pings of the server are answered, and it knows the latency', self.pinged
        yield 'closed by the client', self.close
        yield 'closed by the server', self.closed
        yield 'subprotocol', self.subprotocol
        yield 'no subprotocol in common', self.no_subprotocol
        yield 'refused with 401', self.refused
        yield 'too big for the server', self.too_big_for_server
        yield 'too big for the server, in fragments', self.fragments_too_big_for_server
        yield 'too big for the client', self.too_big_for_client
        yield 'cut by the server', self.cut_by_server
        yield 'cut by the client', self.cut_by_client
        yield '100 connections at a time', self.hundred


class Opened:
    """A connection that is with or without permessage-deflate as it was asked for."""

    def __init__(self, peer, connecting):
        self.peer = peer
        self.connecting = connecting

    async def connection(self):
        socket = await self.connecting
        extensions = [extension.name for extension in socket.protocol.extensions]
        check(extensions == ['permessage-deflate'] * self.peer.deflate, extensions)
        return socket

    async def __aenter__(self):
        self.socket = await self.connection()
        return self.socket

    async def __aexit__(self, *_):
        await self.socket.close()


async def end(socket):
    try:
        message = await socket.recv()
    except ConnectionClosed as error:
        return error
    raise AssertionError(f'a message of {len(message)}')


def same(echo, message):
    """Without both messages in the error: they are long."""
    check(echo == message, f'{type(echo)} of {len(echo)}')


def is_clean(socket):
    protocol = socket.protocol
    check(protocol.close_rcvd and protocol.close_sent, protocol.close_exc)


def check(holds, instead):
    if not holds:
        raise AssertionError(f'instead: {instead!r}')


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--deflate', action='store_true')
    parser.add_argument('url')
    parser.add_argument('limited')
    count = failed = 0
    for name, case in Peer(parser.parse_args()).cases():
        count += 1
        try:
            await asyncio.wait_for(case(), 30)
            print(f'ok\t{name}\t', flush=True)
        except Exception as error:
            failed += 1
            traceback.print_exc()
            print(f'FAILED\t{name}\t{error!r}', flush=True)
    print(f'end\t{count}\t')
    return failed > 0


sys.exit(asyncio.run(main()))
