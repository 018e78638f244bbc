import { type Browser, expect, test } from "@playwright/test";

import { eventually } from "../harness/eventually.ts";
import type { Conditions } from "../harness/link.ts";
import { between, reception, sending } from "./reception.ts";
import { expectAllWell, meetAtReference, meetRelayed, type Seated, type Three } from "./relayed-rooms.ts";
import { publish } from "./rooms-in-page.ts";

/** How long everybody talks over the bad lines before it is judged. */
const SECONDS = 20;

/** A bad line, and how much of what goes over it may be missing. */
interface Bad {
  readonly name: string;
  readonly line: Conditions;
  /** Percent of the sound that may be made up. */
  readonly concealedMost: number;
  /** Percent of the frames that must be seen. */
  readonly seenLeast: number;
}

/** 200 ms there and back, and all that is bad in each direction. */
const RANDOM: Bad = { name: "10 %", line: { delayMs: 100, loss: 0.1 }, concealedMost: 5, seenLeast: 60 };
const BURSTS: Bad = {
  name: "bursts",
  line: { delayMs: 100, burst: { loss: 0.05, length: 3 } },
  concealedMost: 5,
  seenLeast: 60,
};
/** Speech with a tenth made up is understood; pictures come as they can, and come. */
const HEAVY: Bad = { name: "20 %", line: { delayMs: 100, loss: 0.2 }, concealedMost: 10, seenLeast: 0 };
const MIXED_UP: Bad = {
  name: "mixed up",
  line: { delayMs: 100, jitterMs: 10, reorder: { share: 0.05, byMs: 30 }, duplicate: 0.05, loss: 0.01 },
  concealedMost: 5,
  seenLeast: 60,
};

/** What goes over one bad line only; between Ben and Cara there are two. */
const ways = ([anna, ben, cara]: Three, bens: Bad, caras: Bad) =>
  [
    { way: `${bens.name} down`, bad: bens, pair: [ben, anna] },
    { way: `${bens.name} up`, bad: bens, pair: [anna, ben] },
    { way: `${caras.name} down`, bad: caras, pair: [cara, anna] },
    { way: `${caras.name} up`, bad: caras, pair: [anna, cara] },
  ] as const;

interface Figures {
  readonly bad: Bad;
  /** Percent of the sound that was made up. */
  readonly concealed: number;
  /** Percent of the frames sent that were decoded. */
  readonly seen: number;
}

const look = ([watcher, other]: readonly [Seated, Seated]) =>
  reception(watcher.page, watcher.person.name, other.person.name);

/** Spoils Ben's and Cara's lines, and measures what everybody hears and sees over them. */
async function measure(three: Three, bens: Bad, caras: Bad): Promise<Record<string, Figures>> {
  for (const { page, person } of three) await publish(page, person);
  await expectAllWell(three);
  const [, ben, cara] = three;
  ben.line.become(bens.line);
  cara.line.become(caras.line);

  const figures: Record<string, Figures> = {};
  const measured = ways(three, bens, caras).map(async ({ way, bad, pair }) => {
    const [, { page, person }] = pair;
    const [before, sentBefore] = [await look(pair), (await sending(page, person.name)).frames];
    const enough = async () => between(before, await look(pair)).seconds >= SECONDS;
    await eventually(`${SECONDS} s of sound, ${way}`, enough, true, 90_000);
    const { concealed, frames } = between(before, await look(pair));
    const sent = (await sending(page, person.name)).frames - sentBefore;
    figures[way] = { bad, concealed, seen: (100 * frames) / sent };
  });
  await Promise.all(measured);
  await expectAllWell(three);
  return figures;
}

/** Measures at ours and, where one is set, at the reference; judges ours. */
async function judge(browser: Browser, bens: Bad, caras: Bad): Promise<void> {
  const ours = await meetRelayed(browser, (three) => measure(three, bens, caras));
  const reference = await meetAtReference(browser, (three) => measure(three, bens, caras));
  for (const [way, { concealed, seen }] of Object.entries(ours)) {
    const other = reference?.[way];
    const beside = other
      ? `; reference ${other.concealed.toFixed(1)} % and ${other.seen.toFixed(0)} %, ratio ${(concealed / other.concealed).toFixed(2)}`
      : "";
    console.log(
      `${way}: ${concealed.toFixed(1)} % of sound made up, ${seen.toFixed(0)} % of frames seen${beside}`,
    );
  }
  for (const [way, { bad, concealed, seen }] of Object.entries(ours)) {
    expect(concealed, `${way}: percent of the sound that was made up`).toBeLessThanOrEqual(bad.concealedMost);
    expect(seen, `${way}: percent of the frames that were seen`).toBeGreaterThan(bad.seenLeast);
  }
}

test("speech is whole and pictures go on at 10 % loss and at 5 % in bursts, 200 ms there and back", ({
  browser,
}) => judge(browser, RANDOM, BURSTS));

test("speech is understood at 20 % loss, and whole where packets come twice and in another order", ({
  browser,
}) => judge(browser, HEAVY, MIXED_UP));
