import type { Page } from "@playwright/test";

import { Api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { expectAccessible } from "./accessible.ts";
import { expect, test } from "./fixtures.ts";

declare global {
  interface Window {
    /** Frequencies of all notes the page has played through the speakers. */
    played: number[];
    /** When the last of them began, in milliseconds of the page's life. */
    playedAt: number;
  }
}

/** Writes down each note that is played; the tones of replaced microphones never reach the speakers. */
function listen(): void {
  window.played = [];
  window.playedAt = 0;
  const connect = GainNode.prototype.connect as (...values: unknown[]) => unknown;
  const start = OscillatorNode.prototype.start;
  const toSpeakers = new WeakSet<AudioNode>();
  Object.assign(GainNode.prototype, {
    connect(this: GainNode, ...values: unknown[]) {
      if (values[0] instanceof AudioDestinationNode) toSpeakers.add(this);
      return connect.apply(this, values);
    },
  });
  const targets = new WeakMap<AudioNode, AudioNode>();
  const connectTone = OscillatorNode.prototype.connect as (...values: unknown[]) => unknown;
  Object.assign(OscillatorNode.prototype, {
    connect(this: OscillatorNode, ...values: unknown[]) {
      if (values[0] instanceof AudioNode) targets.set(this, values[0]);
      return connectTone.apply(this, values);
    },
    start(this: OscillatorNode, when?: number) {
      const target = targets.get(this);
      if (target !== undefined && toSpeakers.has(target)) {
        window.played.push(Math.round(this.frequency.value));
        window.playedAt = performance.now();
      }
      return start.call(this, when);
    },
  });
}

const played = (page: Page) => page.evaluate(() => window.played);
/** What happens within half a second of a sound has none of its own. */
const mayPlayAgain = (page: Page) => page.waitForFunction(() => performance.now() - window.playedAt > 500);

test("people and messages are heard, and each can be switched off", async ({ arrive, product }) => {
  const { meeting_id } = await new Api(product).create();
  const anna = await arrive(ANNA);
  await anna.context.addInitScript(listen);
  await anna.enter(meeting_id);
  const ben = await arrive(BEN);
  await ben.enter(meeting_id);
  await expect.poll(() => played(anna.page)).toEqual([523, 659]);
  await ben.button(/^Chat/).click();
  await mayPlayAgain(anna.page);
  await ben.write("ping");
  await expect.poll(() => played(anna.page)).toEqual([523, 659, 880]);

  await anna.button("More options").click();
  await anna.button("Settings").click();
  await anna.page.getByRole("tab", { name: "Sounds and notices" }).click();
  await anna.page.getByRole("switch", { name: "A message, while chat is closed" }).click();
  await anna.page.keyboard.press("Escape");
  await ben.write("pong");
  await expect(anna.button(/^Chat, 2 unread/)).toBeVisible();
  await ben.leave();
  await expect.poll(() => played(anna.page)).toEqual([523, 659, 880, 659, 523]);

  await anna.page.reload();
  await anna.join();
  await anna.button("More options").click();
  await anna.button("Settings").click();
  await anna.page.getByRole("tab", { name: "Sounds and notices" }).click();
  await expect(anna.page.getByRole("switch", { name: "A message, while chat is closed" })).not.toBeChecked();
  await expect(anna.page.getByRole("switch", { name: "Somebody joins or leaves" })).toBeChecked();
});

test("the connection's figures are shown and copied; audio only spares cameras and keeps voices", async ({
  three: [anna, ben],
}) => {
  await eventually("Ben at Anna's", () => anna.perceives(BEN), { colours: ["Ben"], tones: ["Ben"] });

  const openPanel = async () => {
    await anna.button("More options").click();
    await anna.button("Settings").click();
    await anna.page.getByRole("tab", { name: "Connection" }).click();
  };
  await openPanel();
  const panel = anna.page.getByRole("tabpanel", { name: "Connection" });
  await expect(panel).toContainText(/Sending\s*\d+ kbit\/s/);
  await expect(panel).toContainText(/Receiving\s*\d+ kbit\/s/);
  await expect(panel).toContainText("UDP, direct");
  await expect(panel).toContainText(/VP8, opus/i);
  await panel.getByRole("button", { name: "Copy report" }).click();
  const report = await anna.page.evaluate(() => navigator.clipboard.readText());
  expect(report).toContain("Route: UDP, direct");
  expect(report).not.toMatch(/Anna|Ben|\d+\.\d+\.\d+\.\d+:\d+/);

  await panel.getByRole("switch", { name: "Audio only" }).click();
  await anna.page.keyboard.press("Escape");
  const told = anna.page.getByText("Audio only: no cameras are sent or shown.");
  await expect(told).toBeVisible();
  for (const other of [BEN, CARA])
    await eventually(`${other.name} at Anna's`, async () => (await anna.perceives(other)).tones, [
      other.name,
    ]);
  await eventually(
    "cameras at Anna's",
    async () => (await anna.perceives(BEN)).colours.filter((seen) => seen === "Ben"),
    [],
  );
  await eventually("Anna at Ben's", async () => (await ben.perceives(ANNA)).tones, ["Anna"]);
  await eventually(
    "Anna's camera at Ben's",
    async () => (await ben.perceives(ANNA)).colours.filter((seen) => seen === "Anna"),
    [],
  );
  await anna.button("Show pictures again").click();
  await eventually("Ben at Anna's again", () => anna.perceives(BEN), { colours: ["Ben"], tones: ["Ben"] });

  // Who turns the own camera on wants pictures too.
  await openPanel();
  await panel.getByRole("switch", { name: "Audio only" }).click();
  await anna.page.keyboard.press("Escape");
  await expect(told).toBeVisible();
  await anna.button("Turn camera on").click();
  await expect(told).toHaveCount(0);
  await eventually("Anna at Ben's", () => ben.perceives(ANNA), { colours: ["Anna"], tones: ["Anna"] });
  await eventually("Ben at Anna's", () => anna.perceives(BEN), { colours: ["Ben"], tones: ["Ben"] });
});

test("somebody hidden leaves one's own stage only, and comes back from the list of people", async ({
  three: [anna, , cara],
}) => {
  await anna.tile(BEN).focus();
  await anna.page.keyboard.press("Shift+F10");
  await anna.button("Hide Ben for me").click();
  await expect(anna.tiles).toHaveCount(2);
  await expect(cara.tiles).toHaveCount(3);
  await anna.button("People").click();
  await anna.button("Show Ben again").click();
  await expect(anna.tiles).toHaveCount(3);
  await expect(anna.page.locator("#announce-polite")).toHaveText("Ben shown again");
});

test("a single key can be changed, which refuses what is taken, and be reset", async ({
  arrive,
  product,
}) => {
  const { meeting_id } = await new Api(product).create();
  const anna = await arrive(ANNA);
  await anna.enter(meeting_id);
  const { keyboard } = anna.page;
  await keyboard.press("?");
  const list = anna.page.getByRole("dialog", { name: "Keyboard shortcuts" });
  const change = list.getByRole("button", { name: "Change: Microphone on or off" });
  const field = list.getByRole("textbox", { name: "New key: Microphone on or off" });
  await change.press("Enter");
  await expect(field).toBeFocused();
  await keyboard.press("c");
  await expect(list.getByRole("alert")).toHaveText("C is taken: Open or close chat.");
  await keyboard.press("Space");
  await expect(list.getByRole("alert")).toContainText("cannot be a single key");
  await expectAccessible(anna.page, "a key that is refused");
  await keyboard.press("Escape");
  await expect(change).toBeFocused();
  await keyboard.press("Enter");
  await keyboard.press("x");
  await expect(change).toBeFocused();
  await expect(list.getByRole("row", { name: "Microphone on or off" }).nth(1)).toContainText("X");
  await keyboard.press("Escape");
  await expect(list).toHaveCount(0);
  await keyboard.press("m");
  await expect(anna.button("Mute microphone")).toHaveAttribute("aria-keyshortcuts", "X");
  await keyboard.press("x");
  await expect(anna.button("Unmute microphone")).toBeVisible();

  await keyboard.press("?");
  await list.getByRole("button", { name: "Reset all single keys" }).press("Enter");
  await keyboard.press("Escape");
  await keyboard.press("m");
  await expect(anna.button("Mute microphone")).toBeVisible();
});
