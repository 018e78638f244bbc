import { expect, test } from "@playwright/test";

import { eventually } from "../harness/eventually.ts";
import { median } from "../harness/median.ts";
import { forget, offsets, publishFlashes, senseFlashes } from "./flash-and-beep.ts";
import { askFor } from "./layers.ts";
import { reception } from "./reception.ts";
import { meetAtReference, meetRelayed, type Three } from "./relayed-rooms.ts";

/** Flashes in each of three situations. */
const FLASHES = 15;

/** Milliseconds that separate sound and picture before people notice. */
const MOST_MS = 45;
/** What a situation by itself may measure where browsers get too little of the processor. */
const MOST_MS_ONCE = 150;

/** Milliseconds by which each beep came after its flash. */
interface Lags {
  /** Over a connection without any server: what Chromium and the instruments make of it by themselves. */
  readonly direct: number[];
  readonly ben: number[];
  readonly cara: number[];
}

/** Lets Ben and Cara watch Anna flash and beep, in each of the situations. */
async function lags(three: Three): Promise<Record<string, Lags>> {
  const [anna, ben, cara] = three;
  await publishFlashes(anna.page, "Anna");
  for (const { page, person } of [ben, cara]) {
    const moves = async () => (await reception(page, person.name, "Anna")).frames > 10;
    await eventually("a moving picture", moves, true);
  }
  for (const { page, person } of three) await senseFlashes(page, person.name, "Anna");

  const measure = async (): Promise<Lags> => {
    for (const { page } of three) await forget(page);
    for (const { page, person } of three) {
      const enough = async () => (await offsets(page)).length >= FLASHES;
      await eventually(`${FLASHES} flashes and beeps at ${person.name}'s`, enough, true, 60_000);
    }
    return {
      direct: await offsets(anna.page),
      ben: await offsets(ben.page),
      cara: await offsets(cara.page),
    };
  };
  // The buffers of all browsers find their size, and sound and picture each other.
  await measure();
  const good = await measure();
  ben.line.become({ delayMs: 40, jitterMs: 30, loss: 0.02 });
  const bad = await measure();
  await askFor(ben.page, "Ben", "Anna", "LOW");
  const small = async () => (await reception(ben.page, "Ben", "Anna")).width < 480;
  await eventually("a smaller picture", small, true);
  return { "good line": good, "2 % loss and jitter": bad, "another layer": await measure() };
}

/** By how much the middle of what a watcher measured is off the middle of what comes without a server. */
const added = (watched: number[], direct: number[]) => Math.abs(median(watched) - median(direct));

function say(who: string, figures: Record<string, Lags>): void {
  for (const [what, { direct, ben, cara }] of Object.entries(figures)) {
    const [none, bens, caras] = [direct, ben, cara].map((values) => median(values).toFixed(0));
    console.log(
      `${who}, ${what}: beep after flash by ${bens} ms; good line ${caras} ms; without a server ${none} ms`,
    );
  }
}

test("voice and lips stay together over good and bad lines and when the picture changes its size", {
  tag: "@soak",
}, async ({ browser }) => {
  const ours = await meetRelayed(browser, lags);
  say("heydok", ours);
  const reference = await meetAtReference(browser, lags);
  if (reference) say("reference", reference);
  const situations = Object.values(ours);
  for (const watcher of ["ben", "cara"] as const) {
    const all = situations.flatMap((lag) => lag[watcher]);
    const direct = situations.flatMap((lag) => lag.direct);
    expect(added(all, direct), `${watcher}, milliseconds`).toBeLessThanOrEqual(MOST_MS);
    for (const [what, lag] of Object.entries(ours))
      expect(added(lag[watcher], lag.direct), `${watcher}, ${what}`).toBeLessThanOrEqual(MOST_MS_ONCE);
  }
});
