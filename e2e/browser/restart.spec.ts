import { test } from "@playwright/test";

import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { Restartable } from "../harness/product.ts";
import { expectAllWell, Visitor } from "./visitor.ts";

test("a meeting outlives kill -9 of the server: same pages, no reload", async ({ browser }, testInfo) => {
  const product = await Restartable.start();
  const anna = await Visitor.arrive(browser, product, ANNA);
  const ben = await Visitor.arrive(browser, product, BEN);
  const cara = await Visitor.arrive(browser, product, CARA);
  const group = [anna, ben, cara];

  const code = await anna.create();
  await anna.join();
  await ben.enter(code);
  await cara.enter(code);
  await expectAllWell(group);
  // A value in each page's memory that a reload would lose.
  for (const { page } of group) await page.evaluate(() => Object.assign(window, { neverReloaded: true }));

  await product.losePower();
  await eventually(
    "the sound of the meeting",
    async () => (await ben.perceives(ANNA)).tones.includes("Anna"),
    false,
  );
  await eventually(
    "the picture of the meeting",
    async () => (await ben.perceives(ANNA)).colours.includes("Anna"),
    false,
  );
  await product.regainPower();
  const listening = performance.now();
  await expectAllWell(group);
  // Told, not judged: the budget of 15 seconds is for a machine without three browsers on it.
  const seconds = ((performance.now() - listening) / 1000).toFixed(1);
  console.log(`all see and hear each other again ${seconds} s after "listening"`);
  testInfo.annotations.push({ type: "recovered after", description: `${seconds} s` });

  for (const { page } of group) await page.waitForFunction(() => "neverReloaded" in window);
  for (const { context } of group) await context.close();
  await product.stop();
});
