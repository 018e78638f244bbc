import { expect, test } from "@playwright/test";

import { eventually } from "../harness/eventually.ts";
import { between, reception } from "./reception.ts";
import { expectAllWell, meetRelayed } from "./relayed-rooms.ts";
import { publish } from "./rooms-in-page.ts";

test("a router that forgets a client's address in mid-call costs no reconnection", async ({ browser }) => {
  await meetRelayed(browser, async (three) => {
    const [anna, ben] = three;
    for (const { page, person } of three) await publish(page, person);
    await expectAllWell(three);

    const looks = {
      "Ben of Anna": () => reception(ben.page, "Ben", "Anna"),
      "Anna of Ben": () => reception(anna.page, "Anna", "Ben"),
    };
    const before = {
      "Ben of Anna": await looks["Ben of Anna"](),
      "Anna of Ben": await looks["Anna of Ben"](),
    };
    await ben.line.rebind();
    for (const way of ["Ben of Anna", "Anna of Ben"] as const) {
      const since = async () => between(before[way], await looks[way]());
      const goesOn = async () => {
        const { seconds, missingSeconds, frames } = await since();
        return seconds - missingSeconds > 5 && frames > 30;
      };
      await eventually(`${way} after the new address`, goesOn, true);
      console.log(
        `${way}: ${(await since()).missingSeconds.toFixed(2)} s of sound missing after a new address`,
      );
    }
    await expectAllWell(three);
    for (const { page } of three) expect(await page.evaluate(() => window.troubles)).toEqual([]);
  });
});
