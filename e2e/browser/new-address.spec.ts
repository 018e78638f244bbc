import { expect, test } from "@playwright/test";

import { eventually } from "../harness/eventually.ts";
import { between, reception } from "./reception.ts";
import { expectAllWell, meetRelayed, type Seated } from "./relayed-rooms.ts";
import { publish } from "./rooms-in-page.ts";

/**
 * Chromium asks after its way every 2.5 seconds, which is when a server learns of a new one. Less than the 15 seconds
 * after which a server gives an old one up. Twice the budget, for a machine with three browsers on it.
 */
const MOST_SECONDS_MISSING = 6;

test("a router that forgets a client's address in mid-call costs no reconnection", async ({ browser }) => {
  await meetRelayed(browser, async (three) => {
    const [anna, ben] = three;
    for (const { page, person } of three) await publish(page, person);
    await expectAllWell(three);

    const begin = async (watcher: Seated, other: Seated) => {
      const look = () => reception(watcher.page, watcher.person.name, other.person.name);
      const before = await look();
      const way = `${watcher.person.name} of ${other.person.name}`;
      return { way, since: async () => between(before, await look()) };
    };
    const ways = [await begin(ben, anna), await begin(anna, ben)];
    await ben.line.rebind();
    for (const { way, since } of ways) {
      const goesOn = async () => {
        const { seconds, missingSeconds, frames } = await since();
        return seconds - missingSeconds > 5 && frames > 30;
      };
      await eventually(`${way} after the new address`, goesOn, true);
      const { missingSeconds } = await since();
      console.log(`${way}: ${missingSeconds.toFixed(2)} s of sound missing after a new address (budget 3 s)`);
      expect(missingSeconds, `${way}: seconds of sound missing`).toBeLessThan(MOST_SECONDS_MISSING);
    }
    await expectAllWell(three);
    for (const { page } of three) expect(await page.evaluate(() => window.troubles)).toEqual([]);
  });
});
