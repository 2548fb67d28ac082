// The page: turns rooms, people and messages into elements. All text from outside goes through `textContent`, never through HTML.

const $ = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const listed = new Intl.ListFormat("en", { type: "conjunction" });

/** How long someone who said nothing more counts as typing, in milliseconds. */
const TYPING_LASTS = 4000;
/** Messages of one person within this time stand together, in milliseconds. */
const TOGETHER = 3 * 60_000;
/** How many lines the log keeps. */
const LOG_LINES = 500;

export class View {
  #do;
  #me = "";
  /** Whom alone the next messages are for; null is everyone in the room. */
  #only = null;
  #room = "";
  #rooms = [];
  #unread = new Set();
  #typing = new Map();
  #pending = new Set();
  #last = null;
  #missed = 0;

  /** `actions` are what a person can do: {start, enter, leave, say, sayAgain, type}. */
  constructor(actions) {
    this.#do = actions;
    this.#wireComposer();
    this.#wireDrawer();
    this.#wireTheme();
    $("name-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = $("name").value.trim();
      if (name) actions.start(name);
    });
    $("welcome").addEventListener("cancel", (event) => event.preventDefault());
    $("leave").addEventListener("click", actions.leave);
    $("new-room").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = $("new-room-name").value.trim();
      event.target.reset();
      if (name) this.#choose(name);
    });
    document.addEventListener("visibilitychange", () => this.#showTitle(document.hidden ? this.#missed : (this.#missed = 0)));
  }

  askName(name, trouble = "") {
    $("app").inert = true;
    $("name").value = name;
    $("welcome-trouble").textContent = trouble;
    if (!$("welcome").open) $("welcome").showModal();
    $("name").select();
  }

  welcome(name) {
    this.#me = name;
    $("welcome").close();
    $("app").inert = false;
    $("me").replaceChildren(avatar(name), element("span", { className: "name", textContent: name }));
    if (matchMedia("(hover: hover)").matches) $("text").focus();
  }

  /** A line above the messages, with buttons; no text takes it away. */
  trouble(text, buttons = {}) {
    const made = Object.entries(buttons).map(([textContent, onclick]) => element("button", { type: "button", textContent, onclick }));
    $("trouble").replaceChildren(text, ...made);
    $("trouble").hidden = !text;
  }

  /** On which transport we are connected; none is none. */
  showLink(transport) {
    $("link").textContent = transport ? `connected by ${transport}` : "not connected";
    $("link").classList.toggle("up", Boolean(transport));
  }

  showRooms(rooms) {
    this.#rooms = rooms;
    $("rooms").replaceChildren(...rooms.map(({ name, members }) => {
      const here = name === this.#room;
      const unread = this.#unread.has(name);
      const count = element("span", { className: "count" }, String(members), hidden(members === 1 ? " person" : " people"));
      const button = element("button", { type: "button", onclick: () => this.#choose(name) }, element("span", { className: "name", textContent: name }));
      if (unread) button.append(element("span", { className: "dot" }, hidden("unread messages")));
      if (members) button.append(count);
      if (here) button.setAttribute("aria-current", "true");
      return element("li", {}, button);
    }));
    $("menu-badge").hidden = this.#unread.size === 0;
  }

  showActivity(room) {
    this.#unread.add(room);
    this.showRooms(this.#rooms);
  }

  showRoom({ name, members, history }) {
    this.#room = name;
    this.#unread.delete(name);
    this.#typing.clear();
    this.#showTyping();
    $("room-name").textContent = name;
    $("text").placeholder = `Write to ${name}`;
    this.showRooms(this.#rooms);
    this.showPeople(members);
    $("log").replaceChildren();
    this.#last = null;
    for (const message of history) this.#append(message);
    if (history.length === 0) this.#append({ notice: `This is the beginning of ${name}. Say hello!` });
    for (const pending of this.#pending) if (pending.room === name) this.#appendPending(pending);
    this.#showTitle(0);
    this.#toEnd();
  }

  showPeople(members) {
    $("room-people").textContent = members.length === 1 ? "Only you are here" : `${members.length} people here`;
    $("people").replaceChildren(...members.map((name) => {
      const children = [avatar(name), element("span", { className: "name", textContent: name })];
      if (name !== this.#me) return element("li", {}, element("button", { type: "button", title: `Write to ${name} alone`, onclick: () => this.#writeTo(name) }, ...children));
      children.push(element("span", { className: "count", textContent: "you" }));
      return element("li", {}, ...children);
    }));
  }

  addMessage(message) {
    this.showTyping(message.from, false);
    this.#add(message);
    if (document.hidden) this.#showTitle((this.#missed += 1));
  }

  addNotice(notice) {
    this.#add({ notice });
  }

  /** Shows a message of ours before the server has it; returns what `settle` or `fail` want to hear of. */
  addPending({ from, to, text, at }) {
    const pending = { from, to, text, at, room: this.#room };
    this.#pending.add(pending);
    this.#appendPending(pending);
    this.#toEnd();
    return pending;
  }

  settle(pending, message) {
    this.#pending.delete(pending);
    pending.line.classList.remove("pending", "failed");
    pending.line.querySelector(".trouble")?.remove();
    pending.line.querySelector("time").replaceWith(time(message.at));
  }

  fail(pending, why) {
    const again = () => {
      trouble.remove();
      pending.line.classList.replace("failed", "pending");
      this.#do.sayAgain(pending);
    };
    const trouble = element("span", { className: "trouble" }, `${why} `, element("button", { type: "button", textContent: "Try again", onclick: again }));
    pending.line.classList.replace("pending", "failed");
    pending.line.append(trouble);
  }

  showTyping(name, yes) {
    clearTimeout(this.#typing.get(name));
    this.#typing.delete(name);
    if (yes) this.#typing.set(name, setTimeout(() => this.showTyping(name, false), TYPING_LASTS));
    this.#showTyping();
  }

  #showTyping() {
    const names = [...this.#typing.keys()];
    const text = names.length > 3 ? "Several people are typing" : names.length && `${listed.format(names)} ${names.length > 1 ? "are" : "is"} typing`;
    if (text) $("typing").replaceChildren(element("span", { className: "dots", ariaHidden: "true" }, ...[1, 2, 3].map(() => element("i"))), text);
    else $("typing").replaceChildren();
  }

  #showTitle(missed) {
    document.title = `${missed ? `(${missed}) ` : ""}${this.#room ? `${this.#room} · ` : ""}Chat`;
  }

  #appendPending(pending) {
    pending.line = this.#append(pending);
    pending.line.classList.add("pending");
  }

  #add(entry) {
    const atEnd = isAtEnd();
    this.#append(entry);
    if (atEnd) this.#toEnd();
    else $("newer").hidden = false;
  }

  /** Adds a line to the log: a message, or a notice; with a line for the day before it where a new one begins. */
  #append(entry) {
    const at = entry.at ?? Date.now();
    const log = $("log");
    const day = calendar.format(at);
    if (day !== this.#last?.day) log.append(element("li", { className: "day", textContent: day }));
    const line = entry.notice === undefined ? this.#messageLine(entry, at) : noticeLine(entry.notice, at);
    this.#last = { from: entry.to ? null : entry.from, at, day };
    log.append(line);
    while (log.childElementCount > LOG_LINES) log.firstElementChild.remove();
    return line;
  }

  #messageLine({ from, to, text }, at) {
    const mine = from === this.#me;
    const together = !to && this.#last?.from === from && at - this.#last.at < TOGETHER;
    const line = element("li", { className: ["message", mine && "mine", to && "private", together && "together"].filter(Boolean).join(" ") });
    const bubble = element("div", { className: "bubble" }, element("p", { className: "text" }, ...withLinks(text)), " ", time(at));
    if (!mine) line.append(avatar(from));
    line.append(element("span", { className: "from", textContent: from }), bubble);
    if (to) line.append(element("span", { className: "only", textContent: `only to ${mine ? to : "you"}` }));
    return line;
  }

  #toEnd() {
    $("log").scrollTop = $("log").scrollHeight;
    $("newer").hidden = true;
  }

  #choose(room) {
    this.#openDrawer(false);
    this.#do.enter(room);
  }

  #writeTo(name) {
    this.#only = name;
    $("only").hidden = name === null;
    $("only").firstElementChild.textContent = `Only ${name} will read this.`;
    this.#openDrawer(false);
    $("text").focus();
  }

  #wireComposer() {
    $("only").querySelector("button").addEventListener("click", () => this.#writeTo(null));
    const text = $("text");
    const fit = () => {
      text.style.height = "auto";
      text.style.height = `${text.scrollHeight}px`;
    };
    const submit = () => {
      const said = text.value.trim();
      if (!said) return;
      text.value = "";
      fit();
      this.#do.say(said, this.#only ?? undefined);
    };
    text.addEventListener("input", () => {
      fit();
      this.#do.type(text.value.trim() !== "");
    });
    text.addEventListener("keydown", (event) => {
      // While an input method composes a word, Enter belongs to it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      submit();
    });
    $("say").addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
      text.focus();
    });
    $("newer").addEventListener("click", () => this.#toEnd());
    $("log").addEventListener("scroll", () => { if (isAtEnd()) $("newer").hidden = true; });
    // A keyboard that slides in on a phone makes the log smaller; its end should stay in sight.
    let atEnd = true;
    $("log").addEventListener("scroll", () => { atEnd = isAtEnd(); });
    new ResizeObserver(() => { if (atEnd) this.#toEnd(); }).observe($("log"));
  }

  #wireDrawer() {
    $("menu").addEventListener("click", () => this.#openDrawer($("menu").ariaExpanded !== "true"));
    $("shade").addEventListener("click", () => this.#openDrawer(false));
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.#openDrawer(false); });
  }

  #openDrawer(open) {
    const was = $("menu").ariaExpanded === "true";
    if (open === was) return;
    $("menu").ariaExpanded = String(open);
    $("app").classList.toggle("drawer-open", open);
    if (open) $("rooms").querySelector("button")?.focus();
    else $("menu").focus();
  }

  #wireTheme() {
    const root = document.documentElement;
    root.style.colorScheme = localStorage.theme ?? "";
    $("theme").addEventListener("click", () => {
      const dark = root.style.colorScheme ? root.style.colorScheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.style.colorScheme = localStorage.theme = dark ? "light" : "dark";
    });
  }
}

function isAtEnd() {
  const log = $("log");
  return log.scrollHeight - log.scrollTop - log.clientHeight < 40;
}

/** A name's first letter on a colour that the name always gets. */
function avatar(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 100_003;
  const made = element("span", { className: "avatar", ariaHidden: "true", textContent: [...name][0]?.toUpperCase() ?? "?" });
  made.style.setProperty("--hue", (hash * 137.5) % 360); // the golden angle keeps similar names apart
  return made;
}

function noticeLine(text, at) {
  return element("li", { className: "notice" }, element("span", { textContent: text }), time(at));
}

function time(at) {
  return element("time", { dateTime: new Date(at).toISOString(), textContent: clock.format(at) });
}

function hidden(text) {
  return element("span", { className: "hidden", textContent: text });
}

/** The text as nodes; what looks like a web address becomes a link. */
function withLinks(text) {
  return text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]'])/).map((part, i) => (
    i % 2 ? element("a", { href: part, target: "_blank", rel: "noopener noreferrer nofollow", textContent: part }) : part
  ));
}
