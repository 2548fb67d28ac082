// Two people chat with each other through the example, each in a page of headless Chromium.
// Every wait is for what a person would see; screenshots are left in the git-ignored `screenshots/`.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { openBrowser, Person } from "./support/browser.js";
import { buildExample, startChat, startProcess } from "./support/servers.js";
import { Terminal } from "./support/terminal.js";

describe("the chat in a browser", () => {
  let chat;
  let browser;
  before(async () => {
    chat = await startChat(0, ["--patience", "3"]);
    browser = await openBrowser();
  }, { timeout: 300_000 });
  after(async () => {
    await browser?.close();
    await chat?.stop();
  });

  // Each test talks in a room of its own.
  let count = 0;
  let people = [];
  async function arrive(t, name, options, room = `room${count}`) {
    const person = await Person.open(t, browser, `${chat.url}#${encodeURIComponent(room)}`, options);
    people.push(person);
    return person.enterAs(name);
  }
  async function two(t) {
    count += 1;
    const ana = await arrive(t, `Ana${count}`);
    const ben = await arrive(t, `Ben${count}`);
    return [ana, ben];
  }
  afterEach(() => {
    const errors = people.splice(0).flatMap((person) => person.errors);
    assert.deepEqual(errors, [], "nothing may go wrong inside the pages");
  });

  test("each reads what the other says, with the name of who said it", async (t) => {
    const [ana, ben] = await two(t);
    await ana.say("Hello Ben");
    await ben.reads("Hello Ben");
    await ben.say("Hello Ana, how are you?");
    await ana.reads("Hello Ana, how are you?");
    const texts = ["Hello Ben", "Hello Ana, how are you?"];
    assert.deepEqual(await ana.messages(), texts);
    assert.deepEqual(await ben.messages(), texts);
    assert.equal(await ben.log.locator(".message", { hasText: "Hello Ben" }).locator(".from").textContent(), `Ana${count}`);
    assert.match(await ben.log.locator(".message time").first().textContent(), /^\d\d:\d\d$/);
  });

  test("who types is shown to the other, until they send or stop", async (t) => {
    const [ana, ben] = await two(t);
    const typing = ben.page.getByText(`Ana${count} is typing`);
    await ana.box.pressSequentially("Hel");
    await typing.waitFor();
    await ana.say("Hello");
    await typing.waitFor({ state: "detached" });
    await ana.box.pressSequentially("x");
    await typing.waitFor();
    await ana.box.fill("");
    await typing.waitFor({ state: "detached" });
  });

  test("both see who is here, who comes and who goes", async (t) => {
    const [ana, ben] = await two(t);
    assert.deepEqual(await ana.names(), [`Ana${count}`, `Ben${count}`]);
    assert.deepEqual(await ben.names(), [`Ana${count}`, `Ben${count}`]);
    await ana.reads(`Ben${count} joined`);
    await ana.page.locator("header").getByText("2 people here").waitFor();
    await ben.page.close();
    await ana.reads(`Ben${count} has lost the connection`);
    await ana.reads(`Ben${count} left`);
    await ana.page.locator("header").getByText("Only you are here").waitFor();
    assert.deepEqual(await ana.names(), [`Ana${count}`]);
  });

  test("a name that is taken gets a number", async (t) => {
    const [ana] = await two(t);
    const other = await arrive(t, `Ana${count}`);
    await other.people.getByText(`Ana${count} 2`).waitFor();
    await ana.people.getByText(`Ana${count} 2`).waitFor();
  });

  test("rooms keep apart; new ones appear for everyone, with a sign when something is said there", async (t) => {
    const [ana, ben] = await two(t);
    const den = `den ${count}`;
    await ana.openRoom(den);
    await ben.reads(`Ana${count} left`);
    await ben.rooms.getByRole("button", { name: den }).waitFor();
    await ana.say("a secret");
    await ben.rooms.getByRole("button", { name: `${den} unread messages` }).waitFor();
    await ben.say("still in the old room");
    assert.deepEqual(await ben.messages(), ["still in the old room"]);
    await ben.enterRoom(den);
    await ana.reads(`Ben${count} joined`);
    assert.deepEqual(await ben.messages(), ["a secret"]);
    await ben.say("now we are both here");
    await ana.reads("now we are both here");
    assert.deepEqual(await ana.messages(), ["a secret", "now we are both here"]);
    assert.equal(await ben.page.evaluate(() => decodeURIComponent(location.hash)), `#${den}`);
  });

  test("after a reload one is the same person in the same room, and the history is there", async (t) => {
    const [ana, ben] = await two(t);
    const texts = Array.from({ length: 12 }, (_, i) => `line ${i}`);
    for (const text of texts) await ana.say(text);
    await ben.reads("line 11");
    await ben.page.reload();
    await ben.reads("line 11");
    assert.deepEqual(await ben.messages(), texts);
    await ben.say("back again");
    await ana.reads("back again");
    assert.deepEqual(await ana.names(), [`Ana${count}`, `Ben${count}`]);
  });

  test("who loses the connection for a while misses nothing, and both are told", async (t) => {
    const own = await startChat();
    t.after(() => own.stop());
    const open = async (name) => (await Person.open(t, browser, own.url)).enterAs(name);
    const [ana, ben] = [await open("Ana"), await open("Ben")];
    await ana.say("before");
    await ben.reads("before");
    await ben.page.context().setOffline(true);
    await ana.reads("Ben has lost the connection");
    await ana.say("meanwhile");
    await ben.page.context().setOffline(false);
    await ben.reads("You are back, and have missed nothing");
    await ana.reads("Ben is back");
    assert.deepEqual(await ben.messages(), ["before", "meanwhile"]);
    await ben.say("after");
    await ana.reads("after");
    assert.deepEqual(await ana.names(), ["Ana", "Ben"]);
  });

  test("what is for one person only nobody else reads, in whichever room", async (t) => {
    const [ana, ben] = await two(t);
    const eve = await arrive(t, `Eve${count}`);
    await ana.people.getByRole("button", { name: `Ben${count}` }).click();
    await ben.openRoom(`elsewhere ${count}`);
    await ana.say("for your eyes only");
    await ben.reads("for your eyes only");
    await ben.log.getByText("only to you").waitFor();
    await ana.log.getByText(`only to Ben${count}`).waitFor();
    await ana.screenshot("private");
    await ana.page.getByRole("button", { name: "To everyone" }).click();
    await ana.say("for all");
    await eve.reads("for all");
    assert.deepEqual(await eve.messages(), ["for all"]);
    assert.deepEqual(await ben.messages(), ["for your eyes only"]);
  });

  test("what people write is text, never markup", async (t) => {
    const [ana, ben] = await two(t);
    const texts = ["<img src=x onerror=\"alert(1)\">", "<script>alert(2)</script> &amp; <b>bold</b>", "two\nlines, 世界 👩‍👩‍👧 \u2028 end"];
    for (const text of texts) {
      await ana.box.fill(text);
      await ana.box.press("Enter");
    }
    await ben.reads("two");
    assert.deepEqual(await ben.messages(), texts);
    assert.equal(await ben.log.locator("img, script, b").count(), 0);
    await ana.say("see https://example.com/a?b=c&d. Really");
    const link = ben.log.getByRole("link");
    assert.equal(await link.getAttribute("href"), "https://example.com/a?b=c&d");
    const evil = await arrive(t, "<i>Eve</i>");
    await ben.people.getByText("<i>Eve</i>").waitFor();
    await evil.openRoom("<u>room</u>");
    await ben.rooms.getByRole("button", { name: "<u>room</u>" }).waitFor();
  });

  test("long words, long lines and long names break nothing", async (t) => {
    const [ana, ben] = await two(t);
    await ana.say("https://example.com/" + "verylong".repeat(40));
    await ben.say("w".repeat(1999));
    await ana.reads("www");
    for (const { page } of [ana, ben]) assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  });

  test("when the server goes and comes back the page says so, sends what waited, and is the same person", async (t) => {
    const own = await startChat();
    t.after(() => own.stop());
    const open = async (name) => {
      const person = await Person.open(t, browser, own.url);
      return person.enterAs(name);
    };
    const [ana, ben] = [await open("Ana"), await open("Ben")];
    await own.stop();
    await ana.trouble.getByText("Trying").waitFor();
    await ana.screenshot("lost");
    await ana.box.fill("written while the server was away");
    await ana.box.press("Enter");
    await ana.log.locator(".mine.pending").waitFor();
    const again = await startChat(own.port);
    t.after(() => again.stop());
    await ana.ownSettled("written while the server was away");
    await ana.trouble.waitFor({ state: "hidden" });
    await ben.trouble.waitFor({ state: "hidden" });
    await ben.reads("written while the server was away");
    await ben.people.getByText("Ana").waitFor();
    assert.deepEqual(await ben.messages(), ["written while the server was away"]);
    assert.deepEqual(await ana.messages(), ["written while the server was away"]);
    assert.deepEqual(await ana.names(), ["Ana", "Ben"]);
  });

  test("one comes in, writes and changes the room with the keyboard alone", async (t) => {
    count += 1;
    const person = await Person.open(t, browser, `${chat.url}#room${count}`);
    const { keyboard } = person.page;
    await person.page.getByRole("textbox", { name: "What should people call you?" }).waitFor();
    await keyboard.type("Kay");
    await keyboard.press("Enter");
    await person.page.getByText("connected by websocket").waitFor();
    await keyboard.type("typed without a mouse");
    await keyboard.press("Shift+Enter");
    await keyboard.type("in two lines");
    await keyboard.press("Enter");
    await person.ownSettled("in two lines");
    for (let i = 0; i < 40 && !(await person.rooms.getByRole("button", { name: "lobby" }).evaluate((it) => it === document.activeElement)); i += 1) {
      await keyboard.press("Tab");
    }
    await keyboard.press("Enter");
    await person.page.getByRole("heading", { level: 1, name: "lobby" }).waitFor();
  });

  test("without the client on this server the page asks its public address, and says so if that can't be reached", async (t) => {
    const context = await browser.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    const asked = [];
    await page.route(/socket\.io(\.min)?\.js$/, (route) => {
      asked.push(new URL(route.request().url()).host);
      return route.abort();
    });
    await page.goto(chat.url);
    await page.getByRole("alert").getByText("could not be loaded").waitFor();
    assert.deepEqual(asked, [new URL(chat.url).host, "cdn.socket.io"]);
  });

  test("someone in a terminal talks with someone in a browser", async (t) => {
    const own = await startChat();
    t.after(() => own.stop());
    const ana = await (await Person.open(t, browser, own.url)).enterAs("Ana");
    await ana.say("anybody here?");
    const tom = await Terminal.open(t, "--url", own.url, "--name", "Tom");
    await tom.reads("* you are Tom; /help tells the commands");
    await tom.reads("* this is lobby");
    await tom.reads("* here: Ana, Tom");
    await tom.reads("Ana: anybody here?");
    await ana.reads("Tom joined");
    tom.type("yes, 世界");
    await ana.reads("yes, 世界");
    await ana.say("from the browser");
    await tom.reads("Ana: from the browser");
    tom.type("/join den");
    await ana.reads("Tom left");
    await tom.reads("* this is den");
    tom.type("/join   ");
    await tom.reads("* A room needs a name.");
    await ana.enterRoom("den");
    await tom.reads("* Ana joined");
    tom.type("/who");
    await tom.reads("* here: Ana, Tom");
    tom.type("/quit");
    assert.equal(await tom.ended(), 0);
    await ana.reads("Tom left");
  });

  test("a terminal is told when the server goes", async (t) => {
    const own = await startChat();
    const tom = await Terminal.open(t, "--url", own.url, "--name", "Tom");
    await tom.reads("* this is lobby");
    await own.stop();
    await tom.reads("* the conversation is over: transport close");
    assert.equal(await tom.ended(), 1);
  });

  test("a file is uploaded piece by piece, and the bar shows what the server has", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "upload-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const upload = await startProcess([await buildExample("upload"), "--addr", "127.0.0.1:0", "--folder", folder]);
    t.after(() => upload.stop("SIGKILL"));
    const { page, errors } = await Person.open(t, browser, `http://127.0.0.1:${upload.port}/`);
    const bytes = Buffer.from(Array.from({ length: 1_300_000 }, (_, i) => (i * 7919) >> 3));
    const bar = page.getByRole("progressbar", { name: "Sent" });
    await page.evaluate(() => {
      const bar = document.getElementById("progress");
      window.seen = [];
      new MutationObserver(() => window.seen.push(bar.value)).observe(bar, { attributes: true });
    });
    await page.getByLabel("A file").setInputFiles({ name: "../evil.bin", mimeType: "application/octet-stream", buffer: bytes });
    const told = page.getByRole("status");
    await told.getByText("1300000 bytes are in").waitFor();
    await page.screenshot({ path: new URL("screenshots/upload.png", import.meta.url).pathname });
    assert.equal(await bar.evaluate((it) => it.value), bytes.length);
    const seen = await page.evaluate(() => window.seen);
    assert.ok(seen.length >= 5 && seen.includes(262_144), `the bar moved to ${seen}`);
    const files = readdirSync(folder);
    assert.equal(files.length, 1);
    assert.ok(readFileSync(join(folder, files[0])).equals(bytes));
    // What was begun and not ended goes with who began it.
    await page.evaluate(() => io({ forceNew: true }).emit("begin", { name: "half", size: 10 }));
    while (readdirSync(folder).length < 2) await new Promise((again) => setImmediate(again));
    await page.close();
    while (readdirSync(folder).length > 1) await new Promise((again) => setImmediate(again));
    assert.deepEqual(errors, []);
  });

  test("it looks good: wide, dark, and on a phone of 360 pixels", async (t) => {
    const own = await startChat();
    t.after(() => own.stop());
    const open = async (name, room, options) => (await Person.open(t, browser, `${own.url}#${room}`, options)).enterAs(name);
    const ana = await open("Ana", "kitchen");
    const ben = await open("Ben", "kitchen", { colorScheme: "dark" });
    const cleo = await open("Cléo", "kitchen", { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
    const dora = await open("Dora", "garden");
    await ana.say("Morning! Has anyone seen the big pot?");
    await ben.say("It's on the balcony, drying.");
    await ben.say("I made far too much soup yesterday: two onions, three leeks, and whatever the garden had to give. Come by at one?");
    await cleo.say("Yes please 🍲");
    await dora.say("The tomatoes are ripe");
    await ana.say("The recipe: https://example.com/soup");
    await cleo.box.pressSequentially("I bring bre");
    await ben.box.pressSequentially("Great");
    await ana.page.getByText("Ben and Cléo are typing").or(ana.page.getByText("Cléo and Ben are typing")).waitFor();
    await ana.rooms.getByRole("button", { name: "garden unread messages" }).waitFor();
    await ana.screenshot("wide");
    await ben.screenshot("dark");
    await cleo.screenshot("phone");
    await cleo.page.getByRole("button", { name: "Rooms and people" }).click();
    await cleo.page.getByRole("button", { name: "garden" }).waitFor();
    await cleo.page.waitForFunction(() => document.getElementById("drawer").getBoundingClientRect().left === 0);
    await cleo.screenshot("phone-drawer");
    await cleo.enterRoom("garden");
    await cleo.reads("The tomatoes are ripe");
    assert.equal(await cleo.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    await cleo.page.getByRole("button", { name: "Rooms and people" }).click();
    await cleo.page.getByRole("button", { name: "Leave" }).click();
    await cleo.page.getByRole("button", { name: "Enter the chat" }).waitFor();
    await cleo.screenshot("phone-welcome");
    await dora.page.setViewportSize({ width: 900, height: 650 });
    await dora.screenshot("tablet");
  });
});
