import { mkdir } from "node:fs/promises";

import { type Browser, expect, type Page, test } from "@playwright/test";

import { rerouteMedia } from "../browser/rerouted.ts";
import { Api } from "../harness/api.ts";
import { openFirewall } from "../harness/firewall.ts";
import { Line } from "../harness/line.ts";
import { freeUdpPort } from "../harness/ports.ts";
import { present } from "../harness/present.ts";
import { oneProcess } from "../harness/product.ts";
import { FOLDER, type Language, newPage, shoot } from "./camera.ts";
import { SITTERS, type Sitter } from "./portrait.ts";
import { enter, Shooting } from "./shooting.ts";

/** What somebody sees of the line, before a call and in it. The server and the lines are real; firewalls and loss spoil them. */

const MEETING = { en: "Planning round", de: "Planungsrunde" } as const;

/** What gets through a firewall, best first. */
const FIREWALLS = [
  { way: "udp", udp: true, noIceTcp: false },
  { way: "tcp", udp: false, noIceTcp: false },
  { way: "relay", udp: false, noIceTcp: true },
] as const;

async function behind(firewall: (typeof FIREWALLS)[number], browser: Browser, language: Language) {
  const { way, udp, noIceTcp } = firewall;
  const wall = await openFirewall();
  const settings: Record<string, string> = udp ? {} : { RTC_ADVERTISED_UDP_PORT: `${wall.udpPort}` };
  const product = await oneProcess({ settings });
  const page = await newPage(browser, present(SITTERS[0], "Anna"), language);
  await page.context().addInitScript(rerouteMedia, { noIceTcp });

  await page.goto(`${product.home}/test`);
  await expect(page.locator("main").getByRole("button").first()).toBeVisible({ timeout: 90_000 });
  await shoot(page, language, `test-line-${way}`, { fullPage: true });

  const { meeting_id: code } = await new Api(product).create({ name: MEETING[language] });
  await page.goto(`${product.home}/meeting/${code}`);
  await expect(page.locator('[role=status][data-kind]:not([data-kind="running"])')).toBeVisible();
  await shoot(page, language, `prejoin-line-${way}`, { fullPage: true });

  await enter(page, product.home, code, "Anna Lindqvist", language);
  const shooting = new Shooting(page, [], language);
  await shooting.shootOpened(`call-route-${way}`, async () => {
    await shooting.openSettings(shooting.words.connection);
    await expect(page.getByRole("tabpanel").locator("dd").nth(1)).not.toHaveText("–");
  });
  await page.context().close();
  await product.stop();
  wall.close();
}

/** Anna, Ben and Chiara in a meeting, Anna over a line that can be spoilt. */
async function gather(browser: Browser, language: Language) {
  const udpPort = await freeUdpPort();
  const product = await oneProcess({ settings: { RTC_UDP_PORT: `${udpPort}` } });
  const line = await Line.open({ http: Number(new URL(product.home).port), udp: udpPort }, 0);
  const { meeting_id: code } = await new Api(product).create({ name: MEETING[language] });
  const come = async (sitter: Sitter | undefined, home: string) => {
    const { name } = present(sitter, "a sitter");
    const page = await newPage(browser, present(sitter, name), language);
    if (home === line.url) await page.context().addInitScript(rerouteMedia, { udpPort: line.udpPort });
    await enter(page, home, code, name, language);
    return page;
  };
  const anna = await come(SITTERS[0], line.url);
  const others = [await come(SITTERS[1], product.home), await come(SITTERS[2], product.home)];
  await expect(anna.getByRole("list").first().getByRole("listitem")).toHaveCount(SITTERS.length);
  const stop = async () => {
    for (const page of [anna, ...others]) await page.context().close();
    line.close();
    await product.stop();
  };
  return { anna: new Shooting(anna, others, language), ben: present(others[0], "Ben's page"), line, stop };
}

const warning = (page: Page) => page.locator("[data-tone=warn]");

async function spoilt(browser: Browser, language: Language): Promise<void> {
  const { anna, ben, line, stop } = await gather(browser, language);
  const { page, words } = anna;
  await test.step("nobody hears Ben", async () => {
    await ben.evaluate(() => window.hush());
    await expect(warning(ben)).toBeVisible();
    await shoot(ben, language, "call-unheard");
    await expect(page.getByText(words.noSound)).toBeVisible();
    await anna.shoot("call-no-sound");
  });
  await test.step("a download that carries no picture", async () => {
    await anna.button(words.cameraOff).click();
    line.become({ rate: { bitsPerSecond: 120_000, queueMs: 300 } });
    await expect(warning(page)).toBeVisible({ timeout: 90_000 });
    await anna.shoot("call-download-slow");
    await anna.openSettings(words.connection);
    await anna.shoot("call-download-slow-details");
    await page.keyboard.press("Escape");
    await page.keyboard.press("p");
    await anna.shoot("call-download-slow-people");
    await page.keyboard.press("Escape");
  });
  await stop();
}

for (const language of ["en", "de"] as const) {
  test.describe(`lines in ${language}`, () => {
    test.beforeAll(() => mkdir(FOLDER, { recursive: true }));
    for (const firewall of FIREWALLS)
      test(`what gets through: ${firewall.way}`, ({ browser }) => behind(firewall, browser, language));
    test("a weak line, and silence", ({ browser }) => spoilt(browser, language));
  });
}
