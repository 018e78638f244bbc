import { expect, test } from "@playwright/test";

import { eventually } from "../harness/eventually.ts";
import { between, reception, sending } from "./reception.ts";
import { expectAllWell, meetAtReference, meetRelayed, type Seated, type Three } from "./relayed-rooms.ts";
import { publish } from "./rooms-in-page.ts";

/** How long everybody talks over the bad lines before it is judged. */
const SECONDS = 20;

/** 200 ms there and back, and losses in each direction. */
const RANDOM = { delayMs: 100, loss: 0.1 };
const BURSTS = { delayMs: 100, burst: { loss: 0.05, length: 3 } };

/** What goes over one bad line only; between Ben and Cara there are two. */
const ways = ([anna, ben, cara]: Three): Record<string, [watcher: Seated, other: Seated]> => ({
  "10 % down": [ben, anna],
  "10 % up": [anna, ben],
  "bursts down": [cara, anna],
  "bursts up": [anna, cara],
});

interface Figures {
  /** Percent of the sound that was made up. */
  readonly concealed: number;
  /** Percent of the frames sent that were decoded. */
  readonly seen: number;
}

const look = ([watcher, other]: [Seated, Seated]) =>
  reception(watcher.page, watcher.person.name, other.person.name);

/** Spoils Ben's and Cara's lines, and measures what everybody hears and sees over them. */
async function measure(three: Three): Promise<Record<string, Figures>> {
  for (const { page, person } of three) await publish(page, person);
  await expectAllWell(three);
  const [, ben, cara] = three;
  ben.line.become(RANDOM);
  cara.line.become(BURSTS);

  const figures: Record<string, Figures> = {};
  const measured = Object.entries(ways(three)).map(async ([way, pair]) => {
    const [, { page, person }] = pair;
    const [before, sentBefore] = [await look(pair), (await sending(page, person.name)).frames];
    const enough = async () => between(before, await look(pair)).seconds >= SECONDS;
    await eventually(`${SECONDS} s of sound, ${way}`, enough, true, 90_000);
    const { concealed, frames } = between(before, await look(pair));
    const sent = (await sending(page, person.name)).frames - sentBefore;
    figures[way] = { concealed, seen: (100 * frames) / sent };
  });
  await Promise.all(measured);
  await expectAllWell(three);
  return figures;
}

test("speech is whole and pictures go on at 10 % loss and at 5 % in bursts, 200 ms there and back", async ({
  browser,
}) => {
  const ours = await meetRelayed(browser, measure);
  const reference = await meetAtReference(browser, measure);
  for (const [way, { concealed, seen }] of Object.entries(ours)) {
    const other = reference?.[way];
    const beside = other
      ? `; reference ${other.concealed.toFixed(1)} % and ${other.seen.toFixed(0)} %, ratio ${(concealed / other.concealed).toFixed(2)}`
      : "";
    console.log(
      `${way}: ${concealed.toFixed(1)} % of sound made up, ${seen.toFixed(0)} % of frames seen${beside}`,
    );
  }
  for (const [way, { concealed, seen }] of Object.entries(ours)) {
    expect(concealed, `${way}: percent of the sound that was made up`).toBeLessThanOrEqual(5);
    expect(seen, `${way}: percent of the frames that were seen`).toBeGreaterThan(60);
  }
});
