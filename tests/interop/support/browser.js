// Headless Chromium, and what the tests do in the chat page.

import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const screenshots = fileURLToPath(new URL("../screenshots/", import.meta.url));
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export async function openBrowser() {
  if (!executablePath) throw new Error("no Chromium here: on Debian, `apt-get install chromium`");
  mkdirSync(screenshots, { recursive: true });
  return chromium.launch({
    executablePath,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}

/** A person with a browser of their own: a page that nobody else shares cookies or storage with. */
export class Person {
  /** `options` are those of a browser context, like its viewport and colour scheme. */
  static async open(t, browser, url, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options });
    t.after(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const person = new Person(page);
    page.on("pageerror", (error) => person.errors.push(String(error)));
    page.on("dialog", (dialog) => { person.errors.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    await page.goto(url);
    return person;
  }

  constructor(page) {
    this.page = page;
    /** What went wrong inside the page. */
    this.errors = [];
  }

  async enterAs(name) {
    await this.page.getByRole("textbox", { name: "What should people call you?" }).fill(name);
    await this.page.getByRole("button", { name: "Enter the chat" }).click();
    await this.page.getByText("connected by websocket").waitFor({ state: "attached" });
    return this;
  }

  get box() { return this.page.getByRole("textbox", { name: "Message" }); }
  get log() { return this.page.getByRole("log", { name: "Messages" }); }
  get people() { return this.page.getByRole("complementary", { name: "Here now" }); }
  get rooms() { return this.page.getByRole("navigation", { name: "Rooms" }); }
  get trouble() { return this.page.locator("#trouble"); }

  async say(text) {
    await this.box.fill(text);
    await this.box.press("Enter");
    await this.ownSettled(text);
  }

  /** The server has taken our message. */
  ownSettled(text) {
    return this.log.locator(".mine:not(.pending):not(.failed)", { hasText: text }).first().waitFor();
  }

  /** Waits until the log shows this text. */
  reads(text) {
    return this.log.getByText(text).first().waitFor();
  }

  async enterRoom(name) {
    await this.rooms.getByRole("button", { name, exact: false }).click();
    await this.page.getByRole("heading", { level: 1, name }).waitFor();
  }

  async openRoom(name) {
    await this.rooms.getByRole("textbox", { name: "Name of the new room" }).fill(name);
    await this.rooms.getByRole("button", { name: "Open the room" }).click();
    await this.page.getByRole("heading", { level: 1, name }).waitFor();
  }

  /** The texts of the messages in the log, in their order. */
  messages() {
    return this.log.locator(".message .text").allTextContents();
  }

  names() {
    return this.people.locator(".name").allTextContents();
  }

  screenshot(name) {
    return this.page.screenshot({ path: `${screenshots}${name}.png` });
  }
}
