import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** Ways to look at a page. */
const LOOKS = {
  light: { colorScheme: "light", forcedColors: "none", contrast: "no-preference" },
  dark: { colorScheme: "dark", forcedColors: "none", contrast: "no-preference" },
  "forced colours": { colorScheme: "dark", forcedColors: "active", contrast: "no-preference" },
  "more contrast": { colorScheme: "light", forcedColors: "none", contrast: "more" },
} as const;

export type Look = keyof typeof LOOKS;

/** What every screen owes everyone: no serious finding of axe, no sideways scrolling on a small phone. */
export async function expectAccessible(
  page: Page,
  screen: string,
  looks: readonly Look[] = ["light", "dark", "forced colours", "more contrast"],
): Promise<void> {
  for (const look of looks) {
    const media = LOOKS[look];
    await page.emulateMedia({ ...media, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page })
      .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
      .analyze();
    const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    const findings = grave.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}\n  ${failureSummary}`),
    );
    expect.soft(findings, `${screen}, ${look}`).toEqual([]);
  }
  await page.emulateMedia({ ...LOOKS.light, reducedMotion: "reduce" });
  const before = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 568 });
  const overflow = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await expect
    .poll(overflow, { message: `${screen} at 320 px scrolls sideways`, timeout: 5_000 })
    .toBeLessThanOrEqual(0);
  if (before !== null) await page.setViewportSize(before);
  const motion = await page.evaluate(
    () =>
      document
        .getAnimations()
        .filter((animation) => Number(animation.effect?.getComputedTiming().duration ?? 0) > 80).length,
  );
  expect.soft(motion, `long animations on ${screen} with reduced motion`).toBe(0);
}
