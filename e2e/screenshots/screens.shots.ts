import { mkdir } from "node:fs/promises";

import { type Browser, expect, type Page, test } from "@playwright/test";

import { Api } from "../harness/api.ts";
import { present } from "../harness/present.ts";
import { oneProcess, type Product } from "../harness/product.ts";
import { newPage as arrive, FOLDER, type Language, shoot } from "./camera.ts";
import { SITTERS, type Sitter } from "./portrait.ts";

/** The names of what is pressed on the way, in both languages. */
const WORDS = {
  en: {
    create: "Create meeting",
    copy: "Copy link",
    name: "Your name",
    join: "Join meeting",
    chat: /^Chat/,
    message: "Message",
    share: "Share screen",
    leave: "Leave meeting",
    rejoin: "Rejoin",
    hello: "Shall we start with the plan?",
  },
  de: {
    create: "Meeting erstellen",
    copy: "Link kopieren",
    name: "Ihr Name",
    join: "Meeting beitreten",
    chat: /^Chat/,
    message: "Nachricht",
    share: "Bildschirm teilen",
    leave: "Meeting verlassen",
    rejoin: "Wieder beitreten",
    hello: "Fangen wir mit dem Plan an?",
  },
};

async function enter(
  page: Page,
  home: string,
  code: string,
  sitter: Sitter,
  language: Language,
): Promise<void> {
  const words = WORDS[language];
  await page.goto(`${home}/meeting/${code}`);
  await page.getByRole("textbox", { name: words.name }).fill(sitter.name);
  await page.getByRole("button", { name: words.join }).click();
  await expect(page.getByRole("button", { name: words.leave })).toBeVisible();
}

async function pictures(page: Page, count: number): Promise<void> {
  await expect
    .poll(() =>
      page.evaluate(
        () => [...document.querySelectorAll("video")].filter((video) => video.videoWidth > 0).length,
      ),
    )
    .toBeGreaterThanOrEqual(count);
}

async function walk(browser: Browser, product: Product, language: Language): Promise<void> {
  const words = WORDS[language];
  const api = new Api(product);
  const [anna, ben, chiara] = SITTERS.map((sitter) => present(sitter, "a sitter"));
  const page = await arrive(browser, present(anna, "Anna"), language);
  await page.goto(product.home);
  await expect(page.getByRole("button", { name: words.create })).toBeVisible();
  await shoot(page, language, "1-landing");
  await page.getByRole("button", { name: words.create }).click();
  await expect(page.getByRole("button", { name: words.copy })).toBeVisible();
  // The encoder comes after the link.
  await expect(page.locator("figure svg[role=img]")).toBeVisible();
  await shoot(page, language, "2-created", { fullPage: true });
  await page.goto(`${product.home}/meeting/zzz-zzzz-zzz`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await shoot(page, language, "3-unknown");

  const meeting = await api.create({ name: language === "de" ? "Planungsrunde" : "Planning round" });
  await page.goto(`${product.home}/meeting/${meeting.meeting_id}`);
  await expect(page.getByRole("textbox", { name: words.name })).toBeVisible();
  await pictures(page, 1);
  await shoot(page, language, "4-prejoin");
  await enter(page, product.home, meeting.meeting_id, present(anna, "Anna"), language);
  await shoot(page, language, "5-call-alone");
  const others = [present(ben, "Ben"), present(chiara, "Chiara")];
  const pages: Page[] = [];
  for (const sitter of others) {
    const other = await arrive(browser, sitter, language);
    await enter(other, product.home, meeting.meeting_id, sitter, language);
    pages.push(other);
  }
  await pictures(page, 3);
  await shoot(page, language, "6-call-three");
  await page.getByRole("button", { name: words.chat }).first().click();
  await page.getByRole("textbox", { name: words.message }).fill(words.hello);
  await page.getByRole("textbox", { name: words.message }).press("Enter");
  await shoot(page, language, "7-call-chat");
  await page.keyboard.press("Escape");
  await present(pages[0], "Ben's page").getByRole("button", { name: words.share }).click();
  await pictures(page, 4);
  await shoot(page, language, "8-call-share");
  await page.getByRole("button", { name: words.leave }).click();
  await expect(page.getByRole("button", { name: words.rejoin })).toBeVisible();
  await shoot(page, language, "9-left");
  await api.end(meeting);
  await page.goto(`${product.home}/meeting/${meeting.meeting_id}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await shoot(page, language, "10-ended");
  for (const open of [page, ...pages]) await open.context().close();
}

for (const language of ["en", "de"] as const) {
  test(`every screen in ${language}`, async ({ browser }) => {
    await mkdir(FOLDER, { recursive: true });
    const product = await oneProcess();
    await walk(browser, product, language);
    await product.stop();
  });
}
