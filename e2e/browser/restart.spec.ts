import { eventually } from "../harness/eventually.ts";
import { ANNA } from "../harness/people.ts";
import { Restartable } from "../harness/product.ts";
import { judgeDuration } from "./duration.ts";
import { testWith } from "./fixtures.ts";
import { expectAllWell } from "./visitor.ts";

const test = testWith(Restartable.start);

test("a meeting outlives kill -9 of the server: same pages, no reload", async ({ product, three: group }) => {
  const [, ben] = group;
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
  judgeDuration("all see and hear each other again, counted from listening,", listening, {
    budget: 15,
    most: 30,
  });

  for (const { page } of group) await page.waitForFunction(() => "neverReloaded" in window);
});
