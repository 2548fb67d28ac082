// The cases of Chromium's own WebSocket as client of our server. They run inside a page, which has nothing but this file.

/** Defines `runCase` in the page. */
export function definePageCases() {
  const text = (size) => "😀€éx".repeat(size / 10) + "x".repeat(size % 10);
  const binary = (size) => {
    const bytes = new Uint8Array(size);
    let state = 1;
    for (let i = 0; i < Math.min(size, 65521); i += 1) {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      bytes[i] = state >> 16;
    }
    for (let i = 65521; i < size; i += 65521) bytes.copyWithin(i, 0, Math.min(65521, size - i));
    return bytes;
  };
  const check = (holds, instead) => { if (!holds) throw new Error(`instead: ${JSON.stringify(instead)}`); };
  const same = (bytes, others) => {
    if (bytes.length !== others.length) return false;
    for (let i = 0; i < bytes.length; i += 1) if (bytes[i] !== others[i]) return false;
    return true;
  };

  function open(base, path, id, protocols) {
    const socket = new WebSocket(`${base}${path}?id=${id}`, protocols);
    socket.binaryType = "arraybuffer";
    const messages = [];
    let arrived = () => {};
    socket.onmessage = ({ data }) => { messages.push(data); arrived(); };
    socket.closed = new Promise((resolve) => {
      socket.onclose = ({ code, reason, wasClean }) => { resolve({ code, reason, wasClean }); arrived(); };
    });
    socket.message = async () => {
      while (messages.length === 0) {
        if (socket.readyState === WebSocket.CLOSED) throw new Error(`it has ended: ${JSON.stringify(await socket.closed)}`);
        await new Promise((resolve) => { arrived = resolve; });
      }
      return messages.shift();
    };
    socket.opened = Promise.race([
      new Promise((resolve) => { socket.onopen = resolve; }),
      socket.closed.then((end) => { throw new Error(`never open: ${JSON.stringify(end)}`); }),
    ]);
    return socket;
  }

  window.runCase = async ({ url, limited, deflate, name, args }) => {
    const { reason, limit } = args;
    const connected = async (path, id, { base = url, protocols = [] } = {}) => {
      const socket = open(base, path, id, protocols);
      await socket.opened;
      check(socket.extensions.startsWith("permessage-deflate") === deflate, socket.extensions);
      return socket;
    };
    const clean = async (socket) => {
      socket.close(1000);
      const end = await socket.closed;
      check(end.code === 1000 && end.wasClean, end);
    };
    const report = async (id) => {
      const socket = await connected("/report", id);
      const told = JSON.parse(await socket.message());
      await clean(socket);
      return told;
    };

    const cases = {
      async text() {
        const socket = await connected("/echo", "echo");
        const message = text(args.size);
        socket.send(message);
        const echo = await socket.message();
        check(echo === message, [typeof echo, echo.length]);
        await clean(socket);
      },
      async binary() {
        const socket = await connected("/echo", "echo");
        const message = binary(args.size);
        socket.send(message);
        const echo = await socket.message();
        check(echo instanceof ArrayBuffer && same(new Uint8Array(echo), message), [typeof echo, echo.byteLength]);
        await clean(socket);
      },
      async pinged() {
        const socket = await connected("/ping", "pinged");
        const told = await socket.message();
        check(/^latency \d+$/.test(told), told);
        await clean(socket);
      },
      async close() {
        const socket = await connected("/echo", "close");
        socket.close(4321, reason);
        const end = await socket.closed;
        // RFC 6455 §5.5.1: who answers a close "typically echos the status code", and ours only that.
        check(end.code === 4321 && end.reason === "" && end.wasClean, end);
        const told = await report("close");
        check(told.code === 4321 && told.reason === reason && told.initiator === "peer" && told.failure === null, told);
      },
      async closeWithoutCode() {
        const socket = await connected("/echo", "close-without-code");
        socket.close();
        const end = await socket.closed;
        check(end.code === 1005 && end.wasClean, end);
        const told = await report("close-without-code");
        check(told.code === 1005 && told.failure === null, told);
      },
      async closed() {
        const socket = await connected("/close", "closed");
        socket.send("close");
        const end = await socket.closed;
        check(end.code === 4321 && end.reason === reason && end.wasClean, end);
        const told = await report("closed");
        check(told.code === 4321 && told.sent === 4321 && told.initiator === "local" && told.failure === null, told);
      },
      async subprotocol() {
        const socket = await connected("/echo", "subprotocol", { protocols: ["v9.chat", "v1.chat"] });
        check(socket.protocol === "v1.chat", socket.protocol);
        await clean(socket);
      },
      // A page learns nothing but that it failed.
      async refused() {
        const end = await open(url, "/refuse", "refused", []).closed;
        check(end.code === 1006 && !end.wasClean, end);
      },
      // Chromium, too, wants one of those it has offered.
      async noSubprotocol() {
        const end = await open(url, "/echo", "none", ["v9.chat"]).closed;
        check(end.code === 1006 && !end.wasClean, end);
      },
      async tooBig() {
        const socket = await connected("/echo", "too-big", { base: limited });
        socket.send(binary(limit));
        check(same(new Uint8Array(await socket.message()), binary(limit)), "another message");
        socket.send(binary(limit + 1));
        const end = await socket.closed;
        check(end.code === 1009, end);
      },
      async cut() {
        const socket = await connected("/drop", "cut");
        socket.send("drop");
        const end = await socket.closed;
        check(end.code === 1006 && !end.wasClean, end);
      },
      async left() {
        window.left = await connected("/echo", "left"); // held, so that not the collector of garbage closes it
      },
      async leftReport() {
        const told = await report("left");
        check(told.code === 1001 && told.initiator === "peer", told);
      },
      async hundred() {
        const sockets = await Promise.all(Array.from({ length: 100 }, () => connected("/echo", "hundred")));
        await Promise.all(sockets.map(async (socket, number) => {
          for (let turn = 0; turn < 10; turn += 1) {
            const said = `${number}, ${turn} `.repeat(100 * turn);
            socket.send(said);
            const echo = await socket.message();
            check(echo === said, echo);
          }
          await clean(socket);
        }));
      },
    };
    await cases[name]();
  };
}
