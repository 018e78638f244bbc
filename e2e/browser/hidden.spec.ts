import { expect, test } from "@playwright/test";

import { eventually } from "../harness/eventually.ts";
import { median } from "../harness/median.ts";
import { reception, sending } from "./reception.ts";
import { expectAllWell, meetRelayed, type Seated, type Three } from "./relayed-rooms.ts";
import { publish } from "./rooms-in-page.ts";

const ROUNDS = 20;
/** Every so many rounds everybody looks away for so long that Anna's browser stops sending. */
const LONG_EVERY = 7;

/** Hides or shows Anna's picture; what is shown is done with its next new frame. Returns the milliseconds it took. */
async function look({ page, person }: Seated, away: boolean): Promise<number> {
  return await page.evaluate(
    async ({ path, away }) => {
      const video = document.querySelector<HTMLVideoElement>(`video[data-participant="${path}"]`);
      if (video === null) throw new Error(`${path} is not there`);
      const began = performance.now();
      video.style.display = away ? "none" : "";
      if (!away)
        await new Promise<void>((resolve, reject) => {
          video.requestVideoFrameCallback(() => resolve());
          setTimeout(() => reject(new Error("no new frame")), 30_000);
        });
      return performance.now() - began;
    },
    { path: `${person.name}/Anna`, away },
  );
}

/** Waits until no new frame of Anna's has come in several looks. */
async function stands({ page, person }: Seated): Promise<void> {
  let frames = -1;
  let equal = 0;
  const still = async () => {
    const now = (await reception(page, person.name, "Anna")).frames;
    equal = now === frames ? equal + 1 : 0;
    frames = now;
    return equal >= 8;
  };
  await eventually(`${person.name} is sent no picture`, still, true);
}

async function hideAndSeek(three: Three): Promise<number[]> {
  const [anna, ben, cara] = three;
  for (const { page, person } of three) await publish(page, person, 480);
  await expectAllWell(three);
  const took: number[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const long = round % LONG_EVERY === 0;
    await look(ben, true);
    if (long) {
      await look(cara, true);
      const layers = async () => (await sending(anna.page, "Anna")).layers;
      await eventually("Anna sends no picture to nobody", layers, 0);
    } else await stands(ben);
    took.push(await look(ben, false));
    if (long) took.push(await look(cara, false));
  }
  await expectAllWell(three);
  return took;
}

test("a picture that was out of sight is there again with a new frame, twenty times", async ({ browser }) => {
  const took = await meetRelayed(browser, hideAndSeek, { adaptive: true });
  const [middle, most] = [median(took), Math.max(...took)];
  console.log(`a new frame after ${middle.toFixed(0)} ms, at most ${most.toFixed(0)} ms`);
  expect(took.length).toBeGreaterThanOrEqual(ROUNDS);
});
