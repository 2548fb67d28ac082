"""A small echo peer that can break one rule of RFC 6455 at a time, to see that the suite and our comparison find it.

    bad_peer.py server BUG                 prints its URL
    bad_peer.py client BUG URL AGENT

BUG is one of `selftest.BUGS`, or `none` for a peer that does everything right. Slow and simple; standard library only.
"""
import asyncio
import base64
import codecs
import hashlib
import os
import struct
import sys

GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'  # RFC 6455 section 1.3
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
#: With the bug `stop-early`, where the peer stops: a server after so many connections, a client so many cases before the end.
STOP_AFTER, STOP_BEFORE = 3, 1


class Violation(Exception):
    def __init__(self, code):
        super().__init__()
        self.code = code


class Peer:
    def __init__(self, reader, writer, is_client, bug):
        self.reader, self.writer, self.is_client, self.bug = reader, writer, is_client, bug
        self.opcode = None  # of the message that is being received
        self.message = b''

    async def run(self):
        """Echoes until the connection is closed; leaves the TCP connection to the server to end."""
        try:
            while await self.frame():
                pass
        except Violation as violation:
            code = {'wrong-code': 1011, 'no-code': None}.get(self.bug, violation.code)
            self.send(CLOSE, b'' if code is None else struct.pack('!H', code))
        except (OSError, asyncio.IncompleteReadError):
            pass
        try:
            await self.writer.drain()
            if self.is_client:
                await asyncio.wait_for(self.reader.read(), 5)
        except (OSError, asyncio.TimeoutError):
            pass
        self.writer.close()

    async def frame(self):
        first, second = await self.reader.readexactly(2)
        fin, reserved, opcode, length = first & 0x80, first & 0x70, first & 0x0F, second & 0x7F
        self.check(fin, reserved, opcode, length)
        if length > 125:
            length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8), 'big')
        key = await self.reader.readexactly(4) if second & 0x80 else bytes(4)
        if opcode >= CLOSE:
            return self.control(opcode, mask(await self.reader.readexactly(length), key))
        if opcode:
            self.opcode, self.message, self.decoder = opcode, b'', codecs.getincrementaldecoder('utf-8')()
        await self.payload(length, key, bool(fin))
        if fin:
            opcode, self.opcode = self.opcode, None
            self.echo(opcode or TEXT, self.message)
            await self.writer.drain()
        return True

    def check(self, fin, reserved, opcode, length):
        """What a header may not be, section 5.2, 5.4 and 5.5; each rule may be forgotten."""
        rules = {
            'reserved-bits': reserved,
            'reserved-opcode': opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG),
            'fragmented-control': opcode >= CLOSE and not fin,
            'long-control': opcode >= CLOSE and length > 125,
            'stray-continuation': opcode == CONTINUATION and self.opcode is None,
            'interrupted-message': opcode in (TEXT, BINARY) and self.opcode is not None,
        }
        if any(broken for rule, broken in rules.items() if rule != self.bug):
            raise Violation(1002)

    async def payload(self, length, key, is_last):
        """Text is decoded as it comes, so that what can't become UTF-8 is seen in the middle of a frame (section 8.1)."""
        received = 0
        while received < length or not length:
            piece = await self.reader.read(length - received) if length else b''
            if length and not piece:
                raise asyncio.IncompleteReadError(b'', None)
            shift = received % 4
            received += len(piece)
            self.message += mask(piece, key[shift:] + key[:shift])
            if self.opcode == TEXT and self.bug != 'late-utf8':
                self.decode(mask(piece, key[shift:] + key[:shift]), False)
            if not length:
                break
        if self.opcode == TEXT and is_last:
            self.decode(self.message if self.bug == 'late-utf8' else b'', True)

    def decode(self, data, is_last):
        try:
            self.decoder.decode(data, is_last)
        except UnicodeDecodeError:
            if self.bug != 'no-utf8':
                raise Violation(1007) from None

    def control(self, opcode, payload):
        """Whether the connection goes on."""
        if opcode == PING and self.bug != 'no-pong':
            self.send(PONG, payload)
        if opcode != CLOSE:
            return True
        if len(payload) == 1 and self.bug != 'short-close':
            raise Violation(1002)
        if len(payload) > 1 and self.bug != 'any-close-code':
            code = int.from_bytes(payload[:2], 'big')
            if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
                raise Violation(1002)
        try:
            payload[2:].decode()
        except UnicodeDecodeError:
            raise Violation(1007) from None
        if self.bug != 'no-close':
            self.send(CLOSE, payload[:2])
        return False

    def echo(self, opcode, payload):
        if self.bug == 'corrupt' and payload:
            payload = bytes([payload[0] ^ 1]) + payload[1:]
        if self.bug == 'other-type':
            opcode = TEXT + BINARY - opcode
        self.send(opcode, payload)

    def send(self, opcode, payload):
        is_masked = self.is_client != (self.bug == 'wrong-mask')
        length = len(payload)
        short = length if length < 126 else 126 if length < 65536 else 127
        head = bytes([0x80 | opcode, is_masked << 7 | short])
        head += length.to_bytes({126: 2, 127: 8}[short], 'big') if short > 125 else b''
        key = os.urandom(4) if is_masked else b''
        self.writer.write(head + key + (mask(payload, key) if is_masked else payload))


def mask(data, key):
    stream = key * (len(data) // 4 + 1)
    return (int.from_bytes(data, 'big') ^ int.from_bytes(stream[:len(data)], 'big')).to_bytes(len(data), 'big')


async def server(bug):
    stopped, count = asyncio.Event(), 0

    async def serve(reader, writer):
        nonlocal count
        count += 1
        if bug == 'stop-early' and count > STOP_AFTER:
            return stopped.set()
        if bug == 'hang':
            return await asyncio.sleep(3600)
        head = await reader.readuntil(b'\r\n\r\n')
        key = next(line.split(b':')[1].strip() for line in head.split(b'\r\n')
                   if line.lower().startswith(b'sec-websocket-key:'))
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        writer.write(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                     b'Sec-WebSocket-Accept: ' + accept + b'\r\n\r\n')
        await Peer(reader, writer, False, bug).run()

    listener = await asyncio.start_server(serve, '127.0.0.1', 0)
    print('ws://127.0.0.1:%d' % listener.sockets[0].getsockname()[1], flush=True)
    await stopped.wait()


async def client(bug, url, agent):
    async def connect(path):
        host = url.removeprefix('ws://')
        reader, writer = await asyncio.open_connection(*host.split(':'))
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write((f'GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                      f'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n').encode())
        await reader.readuntil(b'\r\n\r\n')
        return reader, writer

    async def ask(path):
        """The one short message that comes before the close, if there is one."""
        reader, writer = await connect(path)
        first, length = await reader.readexactly(2)
        answer = await reader.readexactly(length)
        peer = Peer(reader, writer, True, 'none')
        if first & 0x0F == CLOSE:
            peer.control(CLOSE, answer)
        await peer.run()
        return answer

    if bug == 'hang':
        await asyncio.sleep(3600)
    count = int(await ask('/getCaseCount'))
    for case in range(1, count + 1 - STOP_BEFORE * (bug == 'stop-early')):
        await Peer(*await connect(f'/runCase?case={case}&agent={agent}'), True, bug).run()
    await ask(f'/updateReports?agent={agent}')


if __name__ == '__main__':
    asyncio.run({'server': server, 'client': client}[sys.argv[1]](*sys.argv[2:]))
