import { chromium, type Page } from "@playwright/test";

import { Api } from "../harness/api.ts";
import { ANNA, BEN } from "../harness/people.ts";
import type { Product } from "../harness/product.ts";
import { expect, test } from "./fixtures.ts";

/** A browser that has a camera and a microphone, but asks before it gives them; nobody is there to answer. */
async function withoutPermission(product: Product, use: (page: Page) => Promise<void>): Promise<void> {
  const { executablePath, args } = test.info().project.use.launchOptions ?? {};
  const browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: (args ?? []).filter((argument) => argument !== "--use-fake-ui-for-media-stream"),
  });
  const { meeting_id } = await new Api(product).create();
  const page = await browser.newPage();
  await page.goto(`${product.home}/meeting/${meeting_id}`);
  await use(page);
  await browser.close();
}

test("a new meeting's link is copied, shown as code, and opens the meeting", async ({ arrive, product }) => {
  const anna = await arrive(ANNA);
  await anna.page.goto(product.home);
  await anna.button("Create meeting").click();
  const link = anna.page.getByRole("status").filter({ hasText: /[a-z]{3}-[a-z]{4}-[a-z]{3}/ });
  const code = /[a-z]{3}-[a-z]{4}-[a-z]{3}$/.exec((await link.first().textContent()) ?? "")?.[0] ?? "none";
  await expect(anna.page.getByRole("img", { name: "QR code of the link" })).toBeVisible();
  await anna.button("Copy link").click();
  const copied = await anna.page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe(`${product.home}/meeting/${code}`);
  const ben = await arrive(BEN);
  await ben.page.goto(copied);
  await expect(ben.page.getByRole("textbox", { name: "Your name" })).toBeVisible();
});

test("the host link makes its holder host, and leaves no key in the address", async ({ arrive, product }) => {
  const anna = await arrive(ANNA);
  await anna.page.goto(product.home);
  await anna.button("Create meeting").click();
  await anna.button("Copy host link").click();
  const link = await anna.page.evaluate(() => navigator.clipboard.readText());
  expect(link).toContain("#host=");
  const ben = await arrive(BEN);
  await ben.page.goto(link);
  await expect(ben.page.getByText("You are the host")).toBeVisible();
  expect(ben.page.url()).not.toContain("host=");
  await ben.page.reload();
  await expect(ben.page.getByText("You are the host")).toBeVisible();
});

test("an old link with a language leads to the same page in that language", async ({ arrive, product }) => {
  const { meeting_id } = await new Api(product).create();
  const anna = await arrive(ANNA);
  await anna.page.goto(`${product.home}/meeting.html?id=${meeting_id}&lang=de`);
  await expect(anna.page.getByRole("textbox", { name: "Ihr Name" })).toBeVisible();
  expect(anna.page.url()).toBe(`${product.home}/meeting/${meeting_id}?lang=de`);
});

test("without a name the field is marked, explained and focused", async ({ arrive, product }) => {
  const { meeting_id } = await new Api(product).create();
  const anna = await arrive(ANNA);
  await anna.open(meeting_id);
  await anna.button("Join meeting").click();
  const name = anna.page.getByRole("textbox", { name: "Your name" });
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await expect(name).toBeFocused();
  await expect(name).toHaveAccessibleDescription("Enter your name so others know who you are.");
});

test("on a slow machine the name can be typed at once, and no letter waits or is lost", async ({
  arrive,
  product,
}) => {
  const { meeting_id } = await new Api(product).create();
  const anna = await arrive(ANNA);
  const processor = await anna.context.newCDPSession(anna.page);
  await processor.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await anna.context.addInitScript(() => {
    const waits: number[] = [];
    Object.assign(window, { waits });
    const options = { type: "event", durationThreshold: 16, buffered: true };
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === "keydown") waits.push(entry.duration);
    }).observe(options);
  });
  await anna.open(meeting_id);
  const name = anna.page.getByRole("textbox", { name: "Your name" });
  await name.click();
  await anna.page.keyboard.type("Anna Lindqvist-Sørensen");
  await expect(name).toHaveValue("Anna Lindqvist-Sørensen");
  // Camera, meter and preview run meanwhile. 200 ms is what the Web Vitals call good, at the full speed.
  const waits = await anna.page.evaluate(() => (window as unknown as { waits: number[] }).waits);
  const typical = waits.sort((one, other) => one - other)[Math.floor(waits.length / 2)] ?? 0;
  expect(typical).toBeLessThanOrEqual(200);
  await processor.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  await expect
    .poll(() => anna.page.evaluate(() => document.querySelector("video")?.currentTime ?? 0))
    .toBeGreaterThan(0);
});

test("name and switched-off devices are remembered", async ({ arrive, product }) => {
  const { meeting_id } = await new Api(product).create();
  const anna = await arrive(ANNA);
  await anna.open(meeting_id);
  await anna.page.getByRole("textbox", { name: "Your name" }).fill("Anna Berg");
  await anna.button("Turn camera off").click();
  await anna.page.reload();
  await expect(anna.page.getByRole("textbox", { name: "Your name" })).toHaveValue("Anna Berg");
  await expect(anna.button("Turn camera on")).toBeVisible();
  await expect(anna.button("Mute microphone")).toBeVisible();
});

test("the meter moves with the microphone and says how loud it is", async ({ arrive, product }) => {
  const { meeting_id } = await new Api(product).create();
  const anna = await arrive(ANNA);
  await anna.open(meeting_id);
  const meter = anna.page.getByRole("meter", { name: "Microphone level" });
  await expect(meter).toHaveAttribute("aria-valuetext", /quiet|good|too loud/);
  expect(Number(await meter.getAttribute("aria-valuenow"))).toBeGreaterThan(0);
  await anna.button("Mute microphone").click();
  await expect(meter).toHaveAttribute("aria-valuetext", "off");
  await expect(meter).toHaveAttribute("aria-valuenow", "0");
});

test("the speaker test asks what only a person can know", async ({ arrive, product }) => {
  const { meeting_id } = await new Api(product).create();
  const anna = await arrive(ANNA);
  await anna.open(meeting_id);
  await anna.button("Test speakers").click();
  await anna.button("Yes").click();
  await expect(anna.page.getByRole("status").filter({ hasText: "Speakers work" })).toBeVisible();
});

test("a blocked camera is explained, stops nobody, and starts by itself once allowed", async ({
  product,
}) => {
  await withoutPermission(product, async (page) => {
    await expect(page.getByRole("alert").filter({ hasText: "Camera blocked" })).toBeAttached();
    await expect(page.getByRole("heading", { name: "Camera and microphone blocked" })).toBeVisible();
    await expect(page.getByText("Icon left of the address › Camera, Microphone › Allow")).toBeVisible();
    await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Join meeting" })).toBeEnabled();
    await page.context().grantPermissions(["camera", "microphone"]);
    await expect
      .poll(() => page.evaluate(() => document.querySelector("video")?.currentTime ?? 0))
      .toBeGreaterThan(0);
    await expect(page.getByRole("heading", { name: "Camera and microphone blocked" })).toHaveCount(0);
  });
});
