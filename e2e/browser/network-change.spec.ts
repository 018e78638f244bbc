import { ANNA, BEN, CARA } from "../harness/people.ts";
import { testByLine } from "./by-line.ts";
import { judgeDuration } from "./duration.ts";
import { expect } from "./fixtures.ts";
import { expectAllWell } from "./visitor.ts";

const test = testByLine({ RTC_TCP_PORT: "off" });

test("who changes the network in mid-call is back as the same person on the same page", async ({
  threeByLine,
}) => {
  const guests = await threeByLine();
  const group = guests.map(({ visitor }) => visitor);
  await expectAllWell(group);
  const [{ visitor: anna }, { visitor: ben, line }] = guests;
  const identities = () => Promise.all([ANNA, BEN, CARA].map((person) => anna.identityOf(person)));
  const before = await identities();
  await ben.page.evaluate(() => Object.assign(window, { neverReloaded: true }));

  line.unplug();
  await expect(ben.page.getByRole("alert").filter({ hasText: "Connection lost" })).toBeVisible();
  await line.rebind();
  line.plugIn();
  const plugged = performance.now();
  await expect(ben.page.getByText(/^Connected again\. You missed \d+\ss\.$/)).toBeVisible();
  judgeDuration("Ben is back over the other network", plugged, { budget: 3, most: 8 });
  await expectAllWell(group);
  judgeDuration("all see and hear each other over the other network", plugged, { budget: 3, most: 15 });
  expect(await identities()).toEqual(before);
  await expect(anna.tiles).toHaveCount(3);
  await ben.page.waitForFunction(() => "neverReloaded" in window);
});
