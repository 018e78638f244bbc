import { mkdir } from "node:fs/promises";

import { type Browser, expect, type Page, test } from "@playwright/test";

import { Api } from "../harness/api.ts";
import { present } from "../harness/present.ts";
import { Restartable } from "../harness/product.ts";
import { FOLDER, type Language, newPage } from "./camera.ts";
import { SITTERS } from "./portrait.ts";
import { enter, Shooting } from "./shooting.ts";

/** The states of a call: what opens in it, and what may happen to it. All are real but the one that says so. */

async function gather(browser: Browser, product: Restartable, language: Language): Promise<Shooting> {
  const api = new Api(product);
  const name = language === "de" ? "Planungsrunde" : "Planning round";
  const meeting = await api.create({ name });
  const pages: Page[] = [];
  for (const [index, sitter] of SITTERS.entries()) {
    const page = await newPage(browser, sitter, language);
    const host = index === 0 ? `#host=${meeting.host_key}` : "";
    await enter(page, product.home, meeting.meeting_id, sitter.name, language, host);
    pages.push(page);
  }
  const [page, ...others] = pages;
  const list = present(page, "Anna's page").getByRole("list").first().getByRole("listitem");
  await expect(list).toHaveCount(SITTERS.length);
  return new Shooting(present(page, "Anna's page"), others, language);
}

async function openings(shooting: Shooting): Promise<void> {
  const { page, words } = shooting;
  await shooting.shootOpened("call-more", () => shooting.button(words.more).click());
  await shooting.shootOpened("call-settings-devices", () => shooting.openSettings());
  await shooting.shootOpened("call-settings-sounds", () => shooting.openSettings(words.sounds));
  await shooting.shootOpened("call-settings-connection", () => shooting.openSettings(words.connection));
  await shooting.openSettings(words.connection);
  await page.getByRole("switch", { name: words.audioOnly }).click();
  await page.keyboard.press("Escape");
  await shooting.shoot("call-audio-only");
  await shooting.button(words.pictures).click();
  // One's own camera never comes on by itself.
  await shooting.button(words.cameraOn).click();
  await expect(shooting.button(words.cameraOff)).toBeVisible();
  await page.keyboard.press("?");
  await shooting.shoot("call-shortcuts");
  await page.keyboard.press("Escape");
  await page.keyboard.press("p");
  await shooting.shoot("call-people");
  await page.keyboard.press("Escape");
  await shooting.button(words.microphoneDevices).click();
  await page.screenshot({ path: `${FOLDER}/call-microphone-menu.${shooting.language}.dark.1280.png` });
  await page.keyboard.press("Escape");
  await shooting.shootOpened("call-leave-menu", () => shooting.button(words.leave).click());
  await shooting.button(words.leave).click();
  await page.getByRole("menuitem", { name: words.endForAll }).click();
  await shooting.shoot("call-end-question");
  await page.keyboard.press("Escape");
  const tile = page.getByRole("listitem").nth(1);
  await tile.hover();
  await tile.locator("[data-tile-menu]").click();
  await page.screenshot({ path: `${FOLDER}/call-tile-menu.${shooting.language}.dark.1280.png` });
  await page.keyboard.press("Escape");
}

async function talking(shooting: Shooting): Promise<void> {
  const { page, others, words } = shooting;
  const [ben, chiara] = [present(others[0], "Ben's page"), present(others[1], "Chiara's page")];
  await shooting.button(words.chat).click();
  for (const [index, writer] of [page, ben, chiara].entries()) {
    if (writer !== page) await writer.getByRole("button", { name: words.chat }).first().click();
    const field = writer.getByRole("textbox", { name: words.message });
    await field.fill(words.lines[index] ?? "");
    await field.press("Enter");
    await expect(page.getByRole("log")).toContainText(words.lines[index]?.slice(0, 12) ?? "");
  }
  await shooting.shoot("call-chat");
  await page.keyboard.press("Escape");
  await ben.getByRole("button", { name: words.mute }).click();
  await chiara.getByRole("button", { name: words.cameraOff }).click();
  await shooting.shoot("call-muted-and-dark");
  for (const layout of ["grid", "speaker", "sidebar"]) {
    await page.keyboard.press("l");
    await shooting.shoot(`call-layout-${layout}`);
  }
  await page.keyboard.press("l");
  await shooting.button(words.share).click();
  await shooting.shoot("call-own-share");
  await ben.getByRole("button", { name: words.share }).click();
  await expect(page.getByRole("figure")).toBeVisible();
  await shooting.shoot("call-two-shares");
  await page.keyboard.press("s");
  await ben.keyboard.press("Escape");
  await ben.keyboard.press("s");
  await expect(page.getByRole("figure")).toHaveCount(0);
}

/** What the server's or the browser's fault looks like. */
async function faults(shooting: Shooting, product: Restartable): Promise<void> {
  const { page, words } = shooting;
  await page.route(`${product.home}/`, async (route) => {
    const answer = await route.fetch();
    const body = (await answer.text()).replace(/src="(\/assets\/index)-[^"]+"/, 'src="$1-newer.js"');
    await route.fulfill({ response: answer, body });
  });
  // The page asks once a minute at most, and may just have asked.
  await expect(async () => {
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await expect(page.locator("[data-tone=info]")).toBeVisible({ timeout: 5_000 });
  }).toPass();
  await shooting.shoot("call-update");
  await page.locator("[data-tone=info] button").click();
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () =>
      Promise.reject(new DOMException("in use", "NotReadableError"));
  });
  await shooting.button(words.cameraOff).click();
  await shooting.button(words.cameraOn).click();
  await expect(page.locator("[data-tone=warn]")).toBeVisible();
  await shooting.shoot("call-camera-fault");
  await page.locator("[data-tone=warn] button").click();
  product.freeze();
  await expect(page.locator("[data-tone=warn]")).toBeVisible();
  await shooting.shoot("call-cut");
  await expect(page.locator("[data-tone=warn] p")).toHaveCount(2, { timeout: 30_000 });
  await shooting.shoot("call-cut-long");
  await shooting.button(words.chat).click();
  const message = page.getByRole("textbox", { name: words.message });
  await message.fill(words.lines[2] ?? "");
  await message.press("Enter");
  await shooting.shoot("call-cut-chat");
  await message.press("Escape");
  await expect(page.getByRole("heading", { level: 2 })).toBeVisible({ timeout: 90_000 });
  await shooting.shoot("call-lost");
  product.thaw();
  await expect(page.locator("[data-tone=ok]")).toBeVisible();
  await shooting.shoot("call-back");
  const gone = product.shutDown();
  await expect(page.locator("[data-tone=info]")).toBeVisible();
  await shooting.shoot("call-restart");
  await gone;
  await product.regainPower();
  await expect(page.locator("[data-tone=ok]")).toBeVisible();
  await shooting.button(words.leave).click();
  await page.getByRole("menuitem", { name: words.endForAll }).click();
  await shooting.button(words.endForPeople).click();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await shooting.shoot("left-ended");
}

for (const language of ["en", "de"] as const) {
  test(`every state of the call in ${language}`, async ({ browser }) => {
    await mkdir(FOLDER, { recursive: true });
    const product = await Restartable.start();
    const shooting = await gather(browser, product, language);
    await test.step("what opens", () => openings(shooting));
    await test.step("what people do", () => talking(shooting));
    await test.step("what may happen", () => faults(shooting, product));
    for (const page of [shooting.page, ...shooting.others]) await page.context().close();
    await product.stop();
  });
}
