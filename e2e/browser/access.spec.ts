import { Api } from "../harness/api.ts";
import { ANNA, BEN } from "../harness/people.ts";
import { present } from "../harness/present.ts";
import { expectAccessible } from "./accessible.ts";
import { expect, test } from "./fixtures.ts";
import type { Visitor } from "./visitor.ts";

test("every screen is accessible in both themes, fits a small phone and keeps still when asked", async ({
  arrive,
  product,
}) => {
  const api = new Api(product);
  const anna = await arrive(ANNA);
  const { page } = anna;
  await page.goto(product.home);
  await expect(anna.button("Create meeting")).toBeVisible();
  await expect(anna.page.getByText("The link is valid for 24 hours.")).toBeVisible();
  await expectAccessible(page, "landing");
  await anna.button("Create meeting").click();
  await expect(anna.button("Copy link")).toBeVisible();
  await expectAccessible(page, "landing with a created meeting");
  await anna.open("zzz-zzzz-zzz");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expectAccessible(page, "unknown meeting");

  const { meeting_id } = await api.create();
  await anna.open(meeting_id);
  await expect(page.getByRole("textbox", { name: "Your name" })).toBeVisible();
  await expectAccessible(page, "pre-join");
  await anna.join();
  await expectAccessible(page, "call, alone");
  const ben = await arrive(BEN);
  await ben.enter(meeting_id);
  await expect(anna.tiles).toHaveCount(2);
  await anna.button(/^Chat/).click();
  await anna.write("hello");
  await expectAccessible(page, "call with chat");
  await anna.leave();
  await expectAccessible(page, "left");
});

test("everything that opens in a call is accessible in every look", async ({ arrive, product }) => {
  const api = new Api(product);
  const meeting = await api.create();
  const anna = await arrive(ANNA);
  const { page } = anna;
  await page.goto(`${product.home}/meeting/${meeting.meeting_id}#host=${meeting.host_key}`);
  await anna.join();
  const ben = await arrive(BEN);
  await ben.enter(meeting.meeting_id);
  await expect(anna.tiles).toHaveCount(2);

  await anna.button("More options").click();
  await expectAccessible(page, "more options");
  await anna.button("Settings").click();
  for (const tab of ["Devices", "Sounds and notices", "Connection"]) {
    await page.getByRole("tab", { name: tab }).click();
    await expectAccessible(page, `settings, ${tab}`);
  }
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await expectAccessible(page, "shortcuts");
  await page.keyboard.press("Escape");
  await anna.button("People").click();
  await expectAccessible(page, "people");
  await page.keyboard.press("Escape");
  await anna.button("Microphone and speaker").click();
  await expectAccessible(page, "microphone and speaker");
  await page.keyboard.press("Escape");
  await ben.button("Share screen").click();
  await expect(page.getByRole("figure", { name: "Ben's screen" })).toBeVisible();
  await anna.button("Share screen").click();
  await expectAccessible(page, "two shared screens");
  await anna.button("Leave meeting").click();
  await expectAccessible(page, "leave menu");
  await page.getByRole("menuitem", { name: "End for everyone" }).click();
  await expectAccessible(page, "question before the end");
});

/** Text as wide apart as WCAG 1.4.12 asks every page to bear. */
const SPACING =
  "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-block-end: 2em !important }";

test("at four times the size every control is in reach, and wide text is not cut", async ({
  arrive,
  product,
}) => {
  for (const size of [
    { width: 640, height: 360 },
    { width: 320, height: 256 },
  ]) {
    const { meeting_id } = await new Api(product).create();
    const anna = await arrive(ANNA, { viewport: size });
    const { page } = anna;
    const overflow = () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await anna.open(meeting_id);
    await page.addStyleTag({ content: SPACING });
    await expect(page.getByRole("textbox", { name: "Your name" })).toBeVisible();
    expect(await overflow(), "pre-join").toBeLessThanOrEqual(0);
    await anna.join();
    expect(await overflow(), "call").toBeLessThanOrEqual(0);
    const controls = page.getByRole("toolbar", { name: "Controls" }).getByRole("button");
    for (const control of await controls.all()) {
      const name = await control.getAttribute("aria-label");
      const box = present(await control.boundingBox(), `a place for "${name}"`);
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(size.width);
      expect(box.y + box.height).toBeLessThanOrEqual(size.height);
    }
    await anna.button("More options").click();
    await anna.button("Settings").click();
    await page.getByRole("tab", { name: "Connection" }).click();
    await page.getByRole("button", { name: "Copy report" }).click();
    expect(await overflow(), "settings").toBeLessThanOrEqual(0);
    await page.keyboard.press("Escape");
    await anna.leave();
  }
});

test("German from the first word", async ({ arrive, product }) => {
  const { meeting_id } = await new Api(product).create();
  const anna = await arrive(ANNA, { locale: "de-DE" });
  await anna.page.goto(product.home);
  await expect(anna.page.locator("html")).toHaveAttribute("lang", "de");
  await expect(anna.button("Meeting erstellen")).toBeVisible();
  await anna.open(meeting_id);
  await anna.page.getByRole("textbox", { name: "Ihr Name" }).fill("Anna");
  await anna.button("Meeting beitreten").click();
  await expect(anna.button("Mikrofon stummschalten")).toBeVisible();
  await anna.button("Meeting verlassen").click();
  await expect(anna.page.getByRole("heading", { name: "Sie haben das Meeting verlassen." })).toBeVisible();
});

/** Presses Tab until the wanted element has focus; each stop on the way must be visible. */
async function tabTo(
  visitor: Visitor,
  name: string | RegExp,
  role: "button" | "link" | "textbox" | "switch" = "button",
): Promise<void> {
  const wanted = visitor.page.getByRole(role, { name }).first();
  await expect(wanted).toBeVisible();
  for (let stops = 0; stops < 60; stops += 1) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await visitor.page.keyboard.press("Tab");
    const focused = visitor.page.locator(":focus");
    // After the last stop of a page comes the browser's own frame, and then the first stop again.
    if ((await focused.count()) > 0) await expect(focused).toBeInViewport();
  }
  throw new Error(`Tab never reached ${name}`);
}

/** What has the focus shows it by a ring of two pixels at least. */
async function expectRing(visitor: Visitor): Promise<void> {
  const width = await visitor.page
    .locator(":focus")
    .evaluate((element) => Number.parseFloat(getComputedStyle(element).outlineWidth));
  expect(width).toBeGreaterThanOrEqual(2);
}

test("a meeting with the keyboard alone", async ({ arrive, product }) => {
  const anna = await arrive(ANNA);
  const { keyboard } = anna.page;
  await anna.page.goto(product.home);
  await tabTo(anna, "Create meeting");
  await keyboard.press("Enter");
  await expect(anna.button("Copy link")).toBeVisible();
  const joinNow = (await anna.page.getByRole("link", { name: "Join now" }).count()) > 0 ? "link" : "button";
  await tabTo(anna, "Join now", joinNow);
  await keyboard.press("Enter");
  await tabTo(anna, "Your name", "textbox");
  await keyboard.type("Anna");
  await keyboard.press("Enter");
  await expect(anna.tiles).toHaveCount(1);

  await keyboard.press("m");
  await expect(anna.button("Unmute microphone")).toBeVisible();
  await keyboard.press("v");
  await expect(anna.button("Turn camera on")).toBeVisible();
  await keyboard.press("c");
  const message = anna.page.getByRole("textbox", { name: "Message" });
  await expect(message).toBeFocused();
  await keyboard.type("mvc are only letters here");
  await keyboard.press("Enter");
  await expect(anna.chat).toContainText("mvc are only letters here");
  await expect(anna.button("Unmute microphone")).toBeVisible();
  await keyboard.press("Escape");
  await keyboard.press("F2");
  await expect(anna.page.locator(":focus")).toBeVisible();
  await keyboard.press("Control+d");
  await expect(anna.button("Mute microphone")).toBeVisible();

  // Pinned with Enter, the tile says so; F6 leads from region to region.
  await anna.tiles.first().focus();
  await keyboard.press("Enter");
  await expect(anna.tiles.first()).toHaveAccessibleName(/pinned/);
  await expectRing(anna);
  await keyboard.press("Enter");
  await expect(anna.tiles.first()).not.toHaveAccessibleName(/pinned/);
  await keyboard.press("F6");
  await expectRing(anna);

  // The list of keys opens, traps nobody, and switches single keys off: then M is only a letter.
  await keyboard.press("?");
  const keys = anna.page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(keys).toBeVisible();
  await tabTo(anna, "Use single keys", "switch");
  await keyboard.press("Space");
  await keyboard.press("Escape");
  await expect(keys).toHaveCount(0);
  await keyboard.press("m");
  await expect(anna.button("Mute microphone")).toBeVisible();
  await keyboard.press("Control+/");
  await tabTo(anna, "Use single keys", "switch");
  await keyboard.press("Space");
  await keyboard.press("Escape");
  await keyboard.press("m");
  await expect(anna.button("Unmute microphone")).toBeVisible();

  await keyboard.press("F2");
  const leave = anna.button("Leave meeting");
  for (
    let stops = 0;
    stops < 20 && !(await leave.evaluate((element) => element === document.activeElement));
    stops += 1
  ) {
    await keyboard.press("ArrowRight");
  }
  // Anna made the meeting, so she is asked whether it shall end for all.
  await keyboard.press("Enter");
  await expect(anna.page.getByRole("menuitem", { name: "Leave", exact: true })).toBeFocused();
  await keyboard.press("Enter");
  await expect(anna.button("Rejoin")).toBeFocused();
  await keyboard.press("Enter");
  await expect(anna.tiles).toHaveCount(1);
});
