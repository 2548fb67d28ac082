// The chat in the browser: what goes over the wire. `view.js` puts it on the page.
//
// THE EVENTS. The server is `main.rs`; `../chat_client` speaks the same.
//
// A person enters by connecting, with the auth payload {name, room, key}. `key` is a secret of this tab: whoever comes back with it,
// after a lost network, replaces the former self instead of meeting it. The name that a person gets may have a number behind it.
// Whose connection is back in time is the same, and gets what was missed before `connect`, without another `welcome`.
// In these shapes, `Room` is {name, members: [name], history: [Message]}, oldest first, and `Message` is
// {id, from, text, at}, `at` in milliseconds since 1970.
//
// to the server
//   enter(room)        ack -> {room: Room} or {error}: leaves the present room; one that does not exist is opened
//   say(text)          ack -> {message: Message} or {error}
//   whisper({to, text}) ack -> {message: Message} or {error}: to one person only, wherever they are; no history
//   typing(yes)            -> to the others in the room
// from the server
//   welcome({name, rooms, room: Room})        first thing after the connection
//   message(Message)                          from someone else in this room
//   joined({name, members}) left({...})       someone else came to this room, or went
//   lost({name, members}) back({...})         someone's connection in this room was lost, or is there again; who stays away has `left`
//   whisper(Message)                          from someone to us alone
//   typing({name, yes})                       someone else in this room
//   rooms([{name, members: count}])           to everyone, when the list changes
//   activity(room)                            to everyone outside of it: something was said there

import { View } from "./view.js";

/** The official client: from this server, if it has one installed, else from its public address. */
async function loadClient() {
  const load = (attributes) => new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), attributes, { onload: resolve, onerror: reject });
    document.head.append(script);
  });
  await load({ src: "/socket.io/socket.io.js" }).catch(() => load({
    src: "https://cdn.socket.io/4.8.1/socket.io.min.js",
    integrity: "sha384-mkQ3/7FUtcGyoppY6bz/PORYoGqOl7/aSUMn2ymDOJcapfS6PHqxhRTMh1RR0Q6+",
    crossOrigin: "anonymous",
  }));
  return window.io;
}

/** A secret that lasts as long as this tab. (`crypto.randomUUID` would ask for https, which a phone in the same network hasn't got.) */
function tabKey() {
  const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  sessionStorage.secret ??= fresh();
  return sessionStorage.secret;
}

const roomInAddress = () => {
  try { return decodeURIComponent(location.hash.slice(1)) || "lobby"; } catch { return "lobby"; }
};

const me = { name: "", room: roomInAddress(), key: tabKey() };
const view = new View({ enter, leave, start, say, type, sayAgain: send });
let socket;
let typingUntil = 0;

try {
  const io = await loadClient();
  socket = io({ autoConnect: false, auth: (give) => give({ ...me, name: wishedName() }) });
  listen();
  if (sessionStorage.name) start(sessionStorage.name);
  else view.askName(localStorage.name ?? "");
} catch {
  view.askName("", "The Socket.IO client could not be loaded. Is the network there?");
}

function wishedName() {
  return sessionStorage.name ?? "";
}

/** Comes in under a name. */
function start(name) {
  sessionStorage.name = localStorage.name = name;
  if (!socket) return location.reload(); // perhaps the client can be loaded this time
  view.trouble("Connecting …");
  socket.connect();
}

/** Goes, and asks for another name. */
function leave() {
  delete sessionStorage.name;
  socket.disconnect();
  view.askName(localStorage.name ?? "");
}

function listen() {
  socket.on("welcome", ({ name, rooms, room }) => {
    me.name = name;
    view.trouble("");
    view.welcome(name);
    view.showRooms(rooms);
    show(room);
  });
  socket.on("message", (message) => view.addMessage(message));
  socket.on("joined", ({ name, members }) => {
    view.showPeople(members);
    view.addNotice(`${name} joined`);
  });
  socket.on("left", ({ name, members }) => {
    view.showPeople(members);
    view.showTyping(name, false);
    view.addNotice(`${name} left`);
  });
  socket.on("lost", ({ name, members }) => {
    view.showPeople(members);
    view.showTyping(name, false);
    view.addNotice(`${name} has lost the connection`);
  });
  socket.on("back", ({ name, members }) => {
    view.showPeople(members);
    view.addNotice(`${name} is back`);
  });
  socket.on("whisper", (message) => view.addMessage({ ...message, to: me.name }));
  socket.on("typing", ({ name, yes }) => view.showTyping(name, yes));
  socket.on("rooms", (rooms) => view.showRooms(rooms));
  socket.on("activity", (room) => view.showActivity(room));

  socket.on("connect", () => {
    const transport = () => view.showLink(socket.io.engine.transport.name);
    transport();
    socket.io.engine.on("upgrade", transport);
    if (!socket.recovered) return; // a welcome follows
    view.trouble("");
    view.addNotice("You are back, and have missed nothing");
  });
  socket.on("disconnect", (reason) => {
    view.showLink("");
    if (reason === "io client disconnect") return;
    if (socket.active) return view.trouble("The connection is lost. Trying to get it back …");
    view.trouble("The server has closed this conversation. Perhaps you are here in another tab?", { "Come back": () => start(wishedName()) });
  });
  socket.on("connect_error", (error) => {
    if (socket.active) view.trouble("The server can't be reached. Trying again …");
    else view.askName(wishedName(), error.message);
  });
  window.addEventListener("hashchange", () => enter(roomInAddress()));
}

function show(room) {
  me.room = room.name;
  typingUntil = 0;
  history.replaceState(null, "", `#${encodeURIComponent(room.name)}`);
  view.showRoom(room);
}

function enter(room) {
  if (room === me.room) return;
  if (!socket.connected) {
    me.room = room; // the auth payload of the next connection takes us there
    return;
  }
  socket.emit("enter", room, ({ room: entered, error }) => (error ? view.addNotice(error) : show(entered)));
}

function say(text, to) {
  typingUntil = 0;
  send(view.addPending({ from: me.name, to, text, at: Date.now() }));
}

/** Sends a message that the page already shows as pending. What is sent while offline waits for the connection. */
function send(pending) {
  const event = pending.to ? ["whisper", { to: pending.to, text: pending.text }] : ["say", pending.text];
  socket.timeout(15_000).emit(...event, (failure, { message, error } = {}) => {
    if (message) view.settle(pending, message);
    else view.fail(pending, error ?? "Not sent.");
  });
}

/** Tells the others that we type, at most every two seconds, or that we stopped. */
function type(yes) {
  const now = Date.now();
  if (!socket.connected || (yes ? now < typingUntil : typingUntil === 0)) return;
  typingUntil = yes ? now + 2000 : 0;
  socket.emit("typing", yes);
}
