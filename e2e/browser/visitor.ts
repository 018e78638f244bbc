import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  expect,
  type Locator,
  type Page,
} from "@playwright/test";

import { eventually } from "../harness/eventually.ts";
import { servePage } from "../harness/page.ts";
import { type Person, SCREEN } from "../harness/people.ts";
import { present } from "../harness/present.ts";
import { replaceDevices } from "./devices.ts";
import { playing } from "./probes.ts";

/** A person with a browser of their own, who does what a person does: reads names and presses buttons. */
export class Visitor {
  /** Addresses on other hosts than the product's own that the pages asked for. */
  readonly foreignRequests: string[] = [];

  private constructor(
    readonly person: Person,
    readonly page: Page,
    readonly context: BrowserContext,
    private readonly home: string,
    ownHosts: readonly string[],
  ) {
    const judge = (address: string) => {
      const { protocol, host } = new URL(address);
      if (/^(https?|wss?):$/.test(protocol) && !ownHosts.includes(host)) this.foreignRequests.push(address);
    };
    context.on("request", (request) => judge(request.url()));
    page.on("websocket", (socket) => judge(socket.url()));
  }

  static async arrive(
    browser: Browser,
    product: { home: string; livekitUrl: string },
    person: Person,
    options: BrowserContextOptions = {},
  ): Promise<Visitor> {
    const context = await browser.newContext({
      permissions: ["camera", "microphone", "clipboard-read", "clipboard-write"],
      ...options,
    });
    await servePage(context);
    await context.addInitScript(replaceDevices, { self: person, screen: SCREEN });
    const page = await context.newPage();
    const hosts = [product.home, product.livekitUrl].map((address) => new URL(address).host);
    // The same port by its other name: what a page may be told as LiveKit's address.
    return new Visitor(person, page, context, product.home, [
      ...hosts,
      new URL(product.home).host.replace("localhost", "127.0.0.1"),
    ]);
  }

  /** Creates a meeting on the landing page and goes on to its pre-join page; returns its code. */
  async create(): Promise<string> {
    await this.page.goto(this.home);
    await this.button("Create meeting").click();
    await this.page.getByRole("link", { name: "Join now" }).or(this.button("Join now")).click();
    await this.page.waitForURL(/\/meeting\/[a-z]{3}-[a-z]{4}-[a-z]{3}/);
    return new URL(this.page.url()).pathname.replace("/meeting/", "");
  }

  async open(code: string): Promise<void> {
    await this.page.goto(`${this.home}/meeting/${code}`);
  }

  /** Types the name and joins; done when the own tile is there. */
  async join(): Promise<void> {
    await this.page.getByRole("textbox", { name: "Your name" }).fill(this.person.name);
    await this.button("Join meeting").click();
    await expect(this.tile(this.person)).toBeVisible();
  }

  async enter(code: string): Promise<void> {
    await this.open(code);
    await this.join();
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name });
  }

  /** The tiles of all participants, oneself included. */
  get tiles(): Locator {
    return this.page.getByRole("list", { name: "Participants" }).getByRole("listitem");
  }

  tile(person: Person): Locator {
    return this.tiles.filter({ hasText: person.name });
  }

  /** The messages of the open chat panel. */
  get chat(): Locator {
    return this.page.getByRole("log", { name: "Chat" });
  }

  /** Sends a message in the open chat panel. */
  async write(text: string): Promise<void> {
    await this.page.getByRole("textbox", { name: "Message" }).fill(text);
    await this.page.getByRole("textbox", { name: "Message" }).press("Enter");
    await expect(this.chat).toContainText(text);
  }

  /** Whose colours and tones the page plays of that person; exactly one of each when all is well. */
  async perceives(person: Person): Promise<{ colours: string[]; tones: string[] }> {
    if ((await this.tile(person).count()) === 0) return { colours: ["no tile"], tones: ["no tile"] };
    return await playing(this.page, await this.identityOf(person));
  }

  /** The LiveKit identity of that person, as the tile names it. */
  async identityOf(person: Person): Promise<string> {
    return present(
      await this.tile(person).first().getAttribute("data-participant"),
      `the identity on ${person.name}'s tile`,
    );
  }

  /** Leaves alone: a host is asked whether the meeting shall end for all. */
  async leave(): Promise<void> {
    await this.button("Leave meeting").click();
    const alone = this.page.getByRole("menuitem", { name: "Leave", exact: true });
    const left = this.page.getByRole("heading", { name: "You left." });
    await expect(alone.or(left)).toBeVisible();
    if (await alone.isVisible()) await alone.click();
    await expect(left).toBeVisible();
  }
}

/** Waits until everyone sees and hears everyone else, and nobody sees or hears someone in another's place. */
export async function expectAllWell(group: readonly Visitor[]): Promise<void> {
  for (const watcher of group) {
    for (const { person } of group.filter((other) => other !== watcher)) {
      const wanted = { colours: [person.name], tones: [person.name] };
      await eventually(
        `${person.name} at ${watcher.person.name}'s`,
        () => watcher.perceives(person),
        wanted,
        60_000,
      );
    }
  }
}
