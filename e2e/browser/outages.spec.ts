import { type Browser, expect, test } from "@playwright/test";

import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { Restartable } from "../harness/product.ts";
import { expectAllWell, Visitor } from "./visitor.ts";

/** Three people in a meeting on a server that the test can stop. */
async function three(browser: Browser, product: Restartable): Promise<[Visitor, Visitor, Visitor]> {
  const anna = await Visitor.arrive(browser, product, ANNA);
  const ben = await Visitor.arrive(browser, product, BEN);
  const cara = await Visitor.arrive(browser, product, CARA);
  const code = await anna.create();
  await anna.join();
  await ben.enter(code);
  await cara.enter(code);
  await expectAllWell([anna, ben, cara]);
  return [anna, ben, cara];
}

const LOST = "Connection lost – reconnecting…";

test("a line that is cut without a word is noticed at once, keeps the controls, and loses no message", async ({
  browser,
}) => {
  const product = await Restartable.start();
  const group = await three(browser, product);
  const [anna, ben] = group;
  await anna.button(/^Chat/).click();
  await ben.button(/^Chat/).click();

  product.freeze();
  await expect(anna.page.getByRole("alert").filter({ hasText: LOST })).toBeVisible({ timeout: 6_000 });
  await expect(anna.tile(BEN)).toContainText("Connection lost");
  await anna.page.getByRole("textbox", { name: "Message" }).fill("said into the silence");
  await anna.page.getByRole("textbox", { name: "Message" }).press("Enter");
  await anna.button("Mute microphone").click();
  await expect(anna.button("Unmute microphone")).toBeVisible();
  await expect(anna.button("Leave meeting")).toBeVisible();
  // People are not there to be reached: the keyboard goes past their tiles.
  await expect(anna.tiles.and(anna.page.locator('[tabindex="0"]'))).toHaveCount(0);
  await expect(anna.page.getByText("Check Wi-Fi or VPN")).toBeVisible({ timeout: 15_000 });

  product.thaw();
  await expect(anna.page.getByText(/^Connected again\. You missed \d+ s\.$/)).toBeVisible();
  await expect(ben.chat.getByText("said into the silence")).toHaveCount(1);
  await expect(anna.chat.getByText("said into the silence")).toHaveCount(1);
  await expect(ben.tile(ANNA)).toContainText("muted");
  await anna.button("Unmute microphone").click();
  await expectAllWell(group);
  for (const { context } of group) await context.close();
  await product.stop();
});

test("a server that restarts says so, and everybody comes back by themselves", async ({ browser }) => {
  const product = await Restartable.start();
  const group = await three(browser, product);
  for (const { page } of group) await page.evaluate(() => Object.assign(window, { neverReloaded: true }));

  const gone = product.shutDown();
  for (const { page } of group)
    await expect(
      page.getByRole("alert").filter({ hasText: "The server restarts. You come back by yourself." }),
    ).toBeVisible();
  await gone;
  await product.regainPower();
  await expectAllWell(group);
  for (const { page } of group) {
    await expect(page.getByText("The server restarts.")).toHaveCount(0);
    await page.waitForFunction(() => "neverReloaded" in window);
  }
  for (const { context } of group) await context.close();
  await product.stop();
});

test("a newer build on the server is told in the call, and loads after it", async ({ browser }) => {
  const product = await Restartable.start();
  const anna = await Visitor.arrive(browser, product, ANNA);
  await anna.create();
  await anna.join();
  await anna.page.evaluate(() => Object.assign(window, { oldBuild: true }));
  // The server's page as it is, but for the name of the program: what a new build changes.
  await anna.page.route(`${product.home}/`, async (route) => {
    const answer = await route.fetch();
    const body = (await answer.text()).replace(/src="(\/assets\/index)-[^"]+"/, 'src="$1-newer.js"');
    await route.fulfill({ response: answer, body });
  });
  const told = anna.page.getByText("A new version is ready. It loads after the meeting.");
  // The page asks once a minute at most, and may just have asked.
  await expect(async () => {
    await anna.page.evaluate(() => window.dispatchEvent(new Event("online")));
    await expect(told).toBeVisible({ timeout: 5_000 });
  }).toPass({ timeout: 90_000 });
  await expect(anna.tiles).toHaveCount(1);
  await anna.page.unroute(`${product.home}/`);
  await anna.leave();
  await anna.page.getByRole("link", { name: "To the start page" }).click();
  await expect(anna.button("Create meeting")).toBeVisible();
  await eventually("the old build", () => anna.page.evaluate(() => "oldBuild" in window), false);
  await anna.context.close();
  await product.stop();
});
