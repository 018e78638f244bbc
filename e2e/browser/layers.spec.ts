import { expect, test } from "@playwright/test";

import { eventually } from "../harness/eventually.ts";
import { askFor } from "./layers.ts";
import { between, reception } from "./reception.ts";
import { expectAllWell, meetAtReference, meetRelayed, type Three } from "./relayed-rooms.ts";
import { publish } from "./rooms-in-page.ts";

const SWITCHES = 30;
/** Freezes of one watcher that come from a busy machine alone; a switch that freezes does so each time: 15 times or 30. */
const BY_CHANCE = 6;

/** How often Anna's picture froze for Ben, who asks for another size all the time, and for Cara, who does not. */
async function freezes(three: Three): Promise<{ ben: number; cara: number; frames: number }> {
  const [anna, ben, cara] = three;
  await publish(anna.page, anna.person, 480, 600_000);
  await publish(ben.page, ben.person);
  await publish(cara.page, cara.person);
  await expectAllWell(three);
  const looks = {
    ben: () => reception(ben.page, "Ben", "Anna"),
    cara: () => reception(cara.page, "Cara", "Anna"),
  };
  for (const look of Object.values(looks))
    await eventually("the full picture", async () => (await look()).width, 480);
  const before = { ben: await looks.ben(), cara: await looks.cara() };
  for (let round = 0; round < SWITCHES; round += 1) {
    const small = round % 2 === 0;
    await askFor(ben.page, "Ben", "Anna", small ? "LOW" : "HIGH");
    await eventually(`switch ${round}`, async () => (await looks.ben()).width < 480, small);
  }
  const seen = {
    ben: between(before.ben, await looks.ben()),
    cara: between(before.cara, await looks.cara()),
  };
  return { ben: seen.ben.freezes, cara: seen.cara.freezes, frames: seen.ben.frames };
}

test("a picture that changes its size again and again never freezes for it", async ({ browser }) => {
  const ours = await meetRelayed(browser, freezes);
  console.log(
    `${SWITCHES} switches, ${ours.frames} frames: frozen ${ours.ben} times, without switches ${ours.cara} times`,
  );
  const reference = await meetAtReference(browser, freezes);
  if (reference) console.log(`reference: ${reference.ben} times, without switches ${reference.cara} times`);
  expect(ours.ben).toBeLessThanOrEqual(Math.max(ours.cara, reference?.ben ?? 0) + BY_CHANCE);
});
