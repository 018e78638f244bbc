import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Browser, BrowserContext, Page } from "@playwright/test";

import { type Sitter, sitForPortrait } from "./portrait.ts";

/** Where the pictures go. */
export const FOLDER =
  process.env.SCREENSHOTS ?? fileURLToPath(new URL("../../target/screenshots", import.meta.url));
/** A built page to show in place of the one in the binary (`web/dist`), so that a change is seen without a new binary. */
const PAGE = process.env.SCREENSHOTS_PAGE;
/** Widths and heights of the windows, in CSS pixels. */
export const WIDTHS = { 360: 740, 768: 1024, 1280: 800 };
export const LOCALES = { en: "en-GB", de: "de-DE" } as const;
export type Language = keyof typeof LOCALES;

/**
 * Takes scripts and styles from {@link PAGE}, whatever their hash is. The document comes from the server all the same:
 * Chromium lets no document from elsewhere connect to this machine.
 */
export async function servePage(context: BrowserContext): Promise<void> {
  if (PAGE === undefined) return;
  const built = await readdir(join(PAGE, "assets"));
  const withoutHash = (name: string) => name.replace(/-[\w-]{8}(?=\.\w+$)/, "");
  await context.route("**/assets/*", async (route) => {
    const asked = basename(new URL(route.request().url()).pathname);
    const name = built.find((file) => withoutHash(file) === withoutHash(asked));
    if (name === undefined) await route.fallback();
    // One module has one address, or there would be two of it.
    else if (name !== asked && name.endsWith(".js"))
      await route.fulfill({ contentType: "text/javascript", body: `import "./${name}";` });
    else await route.fulfill({ path: join(PAGE, "assets", name) });
  });
}

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
