import { expect, test } from "@playwright/test";

import { eventually } from "../harness/eventually.ts";
import { between, reception } from "./reception.ts";
import { expectAllWell, meetAtReference, meetRelayed, type Seated, type Three } from "./relayed-rooms.ts";
import { publish } from "./rooms-in-page.ts";

/** Of sound, while the line is narrow and all has settled. */
const SECONDS = 10;
/** Of sound, in which what the line still held comes through. */
const SETTLING = 1;
/** Of Anna's picture; a smaller layer fits into half a megabit. */
const FULL = { width: 480, bitsPerSecond: 1_000_000 };

interface Figures {
  /** Seconds until the picture was smaller, and until it was whole again. */
  readonly down: number;
  readonly up: number;
  /** Seconds of sound missing until the picture was smaller and what still waited on the line had come through. */
  readonly falling: number;
  /** Percent of the sound made up: afterwards, and for the one whose line is good. */
  readonly settled: number;
  readonly neighbour: number;
  /** Share of the frames, in percent, that the one with the narrow line saw of those the other one saw. */
  readonly seen: number;
}

/** Cuts Ben's line to half a megabit while he and Cara watch Anna, and mends it again. */
async function cut(three: Three): Promise<Figures> {
  const [anna, ben, cara] = three;
  await publish(anna.page, anna.person, FULL.width, FULL.bitsPerSecond);
  for (const { page, person } of [ben, cara]) await publish(page, person);
  await expectAllWell(three);
  const ofAnna = ({ page, person }: Seated) => reception(page, person.name, "Anna");
  const full = (watcher: Seated) => async () => (await ofAnna(watcher)).width === FULL.width;
  for (const watcher of [ben, cara])
    await eventually(`${watcher.person.name}'s full picture`, full(watcher), true);

  const before = { ben: await ofAnna(ben), cara: await ofAnna(cara) };
  const began = performance.now();
  ben.line.become({ rate: { bitsPerSecond: 500_000, queueMs: 300 } });
  await eventually("a smaller picture", full(ben), false, 20_000);
  const down = (performance.now() - began) / 1000;
  const heard = async (seconds: number) => {
    const since = await ofAnna(ben);
    const enough = async () => between(since, await ofAnna(ben)).seconds > seconds;
    await eventually(`${seconds} s of sound`, enough, true);
  };
  await heard(SETTLING);
  const small = { ben: await ofAnna(ben), cara: await ofAnna(cara) };
  await heard(SECONDS);
  expect(await full(ben)(), "the picture stays small").toBe(false);
  expect(await full(cara)(), "Cara's picture stays whole").toBe(true);
  const later = { ben: between(small.ben, await ofAnna(ben)), cara: between(small.cara, await ofAnna(cara)) };
  const neighbour = between(before.cara, await ofAnna(cara)).concealed;

  const mended = performance.now();
  ben.line.become({});
  await eventually("the full picture again", full(ben), true, 45_000);
  const up = (performance.now() - mended) / 1000;
  await expectAllWell(three);
  return {
    down,
    up,
    falling: between(before.ben, small.ben).missingSeconds,
    settled: later.ben.concealed,
    neighbour,
    seen: (100 * later.ben.frames) / later.cara.frames,
  };
}

const say = (who: string, { down, up, falling, settled, neighbour, seen }: Figures) =>
  console.log(
    `${who}: smaller after ${down.toFixed(1)} s, whole again after ${up.toFixed(1)} s; ${falling.toFixed(2)} s of sound missing, ` +
      `then ${settled.toFixed(1)} % made up, for the neighbour ${neighbour.toFixed(1)} %; ${seen.toFixed(0)} % of the frames seen`,
  );

test("a narrow line makes one person's picture smaller, and touches neither sound nor other people", async ({
  browser,
}) => {
  const ours = await meetRelayed(browser, cut);
  say("500 kbit/s", ours);
  const reference = await meetAtReference(browser, cut);
  if (reference) say("reference", reference);
  expect(ours.falling).toBeLessThan(2);
  expect(ours.settled).toBeLessThanOrEqual(2);
  expect(ours.neighbour).toBeLessThanOrEqual(2);
  expect(ours.seen).toBeGreaterThan(60);
});
