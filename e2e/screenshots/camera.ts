import { fileURLToPath } from "node:url";

import type { Browser, Page } from "@playwright/test";

import { servePage } from "../harness/page.ts";
import { type Sitter, sitForPortrait } from "./portrait.ts";

/** Where the pictures go. */
export const FOLDER =
  process.env.SCREENSHOTS ?? fileURLToPath(new URL("../../target/screenshots", import.meta.url));
/** Widths and heights of the windows, in CSS pixels. */
export const WIDTHS = { 360: 740, 768: 1024, 1280: 800 };
export const LOCALES = { en: "en-GB", de: "de-DE" } as const;
export type Language = keyof typeof LOCALES;

/** A person with camera, microphone and screen, in a browser of that language. */
export async function newPage(browser: Browser, sitter: Sitter, language: Language): Promise<Page> {
  const context = await browser.newContext({
    locale: LOCALES[language],
    permissions: ["camera", "microphone", "clipboard-write"],
    reducedMotion: "reduce",
  });
  await context.addInitScript(sitForPortrait, sitter);
  await servePage(context);
  return await context.newPage();
}

export async function theme(page: Page, colorScheme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
}

/**
 * One screen in both themes and at three widths. For a full page the window grows to its height: what sticks to the
 * end of the window would cover what lies behind it otherwise.
 */
export async function shoot(
  page: Page,
  language: Language,
  screen: string,
  { fullPage } = { fullPage: false },
): Promise<void> {
  for (const [width, height] of Object.entries(WIDTHS)) {
    await page.setViewportSize({ width: Number(width), height });
    if (fullPage) {
      const whole = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width: Number(width), height: Math.max(height, whole) });
    }
    for (const colorScheme of ["light", "dark"] as const) {
      await theme(page, colorScheme);
      await page.screenshot({
        path: `${FOLDER}/${screen}.${language}.${colorScheme}.${width}.png`,
      });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}
