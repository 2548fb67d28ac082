// ws (npm), with bufferutil, as its documentation recommends. Arguments as of the other servers: --addr, --work, --deflate.
'use strict';

const { parseArgs } = require('node:util');
const { WebSocketServer } = require('ws');

const { values } = parseArgs({
    options: {
        addr: { type: 'string', default: '127.0.0.1:9000' },
        work: { type: 'string', default: 'echo' },
        batch: { type: 'string' },
        deflate: { type: 'boolean', default: false },
    },
});
const [host, port] = values.addr.split(':');
const server = new WebSocketServer({
    host,
    port: Number(port),
    backlog: 1024,
    perMessageDeflate: values.deflate && { threshold: 0, clientNoContextTakeover: true, zlibDeflateOptions: { level: 3 } },
});

server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => {
        if (values.work === 'echo') {
            socket.send(data, { binary: isBinary });
        } else {
            for (const client of server.clients) client.send(data, { binary: isBinary });
        }
    });
});
