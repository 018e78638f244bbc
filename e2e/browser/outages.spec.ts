import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN } from "../harness/people.ts";
import { Restartable } from "../harness/product.ts";
import { judgeDuration } from "./duration.ts";
import { expect, testWith } from "./fixtures.ts";
import { expectAllWell } from "./visitor.ts";

const test = testWith(Restartable.start);

const LOST = "Connection lost – reconnecting…";

test("a line that is cut without a word is noticed at once, keeps the controls, and loses no message", async ({
  product,
  three: group,
}) => {
  const [anna, ben] = group;
  await expectAllWell(group);
  await anna.button(/^Chat/).click();
  await ben.button(/^Chat/).click();

  product.freeze();
  // The websocket's own timeout would take a quarter of a minute, a reconnection after it more.
  await expect(anna.page.getByRole("alert").filter({ hasText: LOST })).toBeVisible({ timeout: 12_000 });
  await expect(anna.tile(BEN)).toContainText("Connection lost");
  await anna.page.getByRole("textbox", { name: "Message" }).fill("said into the silence");
  await anna.page.getByRole("textbox", { name: "Message" }).press("Enter");
  await anna.button("Mute microphone").click();
  await expect(anna.button("Unmute microphone")).toBeVisible();
  await expect(anna.button("Leave meeting")).toBeVisible();
  // People are not there to be reached: the keyboard goes past their tiles.
  await expect(anna.tiles.and(anna.page.locator('[tabindex="0"]'))).toHaveCount(0);
  await expect(anna.page.getByText("Check Wi-Fi or VPN")).toBeVisible();

  product.thaw();
  await expect(anna.page.getByText(/^Connected again\. You missed \d+\ss\.$/)).toBeVisible();
  await expect(ben.chat.getByText("said into the silence")).toHaveCount(1);
  await expect(anna.chat.getByText("said into the silence")).toHaveCount(1);
  await expect(ben.tile(ANNA)).toContainText("muted");
  await anna.button("Unmute microphone").click();
  await expectAllWell(group);
});

test("a server that restarts says so, and everybody comes back by themselves", async ({
  product,
  three: group,
}) => {
  await expectAllWell(group);
  for (const { page } of group) await page.evaluate(() => Object.assign(window, { neverReloaded: true }));

  const gone = product.shutDown();
  for (const { page } of group)
    await expect(
      page.getByRole("alert").filter({ hasText: "The server restarts. You come back by yourself." }),
    ).toBeVisible();
  await gone;
  await product.regainPower();
  const listening = performance.now();
  await expectAllWell(group);
  judgeDuration("all see and hear each other again, counted from listening,", listening, {
    budget: 5,
    most: 30,
  });
  for (const { page } of group) {
    await expect(page.getByText("The server restarts.")).toHaveCount(0);
    await page.waitForFunction(() => "neverReloaded" in window);
  }
});

test("a newer build on the server is told in the call, and loads after it", async ({ arrive, product }) => {
  const anna = await arrive(ANNA);
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
});
