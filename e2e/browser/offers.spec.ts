import type { Page, Route } from "@playwright/test";

import { ANNA } from "../harness/people.ts";
import { oneProcess } from "../harness/product.ts";
import { expect, testWith } from "./fixtures.ts";

const SUPPORT = "https://help.meet.example/heydok";

/** On a server that lets no guest create meetings, and names who helps. */
const test = testWith(() => oneProcess({ settings: { ANONYMOUS_CREATE: "false", SUPPORT_URL: SUPPORT } }));

/** From now on answers about the server's offers wait until the returned function is called. */
async function holdOffers(page: Page): Promise<() => Promise<void>> {
  const held: Route[] = [];
  let open = false;
  await page.route("**/api/v1/config", async (route) => {
    if (open) await route.continue();
    else held.push(route);
  });
  return async () => {
    open = true;
    for (const route of held) await route.continue();
  };
}

/** How much of what was there has jumped so far, as `layout-shift` counts it. */
function shifted(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const observer = new PerformanceObserver((list) => {
          observer.disconnect();
          const shifts = list.getEntries() as (PerformanceEntry & { value: number })[];
          resolve(shifts.reduce((sum, { value }) => sum + value, 0));
        });
        observer.observe({ type: "layout-shift", buffered: true });
        // Without any shift the observer is silent.
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(0)));
      }),
  );
}

test("where guests may not create meetings nothing says they could, and nothing jumps", async ({
  arrive,
  product,
}) => {
  const anna = await arrive(ANNA);
  const { page } = anna;
  const field = page.getByRole("textbox", { name: "Meeting code or link" });
  for (const size of [
    { width: 360, height: 740 },
    { width: 768, height: 1024 },
    { width: 1280, height: 800 },
  ]) {
    await page.setViewportSize(size);
    const answer = await holdOffers(page);
    await page.goto(product.home, { waitUntil: "commit" });
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(field).toBeHidden();
    await expect(anna.button("Create meeting")).toBeHidden();
    await answer();
    await expect(field).toBeFocused();
    await expect(anna.button("Create meeting")).toHaveCount(0);
    expect(await shifted(page), `shift at ${size.width} px`).toBeLessThanOrEqual(0.02);
    await page.unroute("**/api/v1/config");
  }
  await field.fill("zzz-zzzz-zzz");
  await anna.button("Join").click();
  await expect(page.getByRole("heading", { name: "No meeting has this code" })).toBeVisible();
});

test("who is at the end of their tether is shown who helps, by name", async ({ arrive, product }) => {
  const anna = await arrive(ANNA);
  const { page } = anna;
  const help = page.getByRole("link", { name: "Contact support (help.meet.example)" });
  await anna.open("zzz-zzzz-zzz");
  await expect(page.getByRole("link", { name: "Enter another code" })).toBeVisible();
  await expect(help).toHaveCount(0);
  await page.route("**/info", (route) =>
    route.fulfill({ status: 500, headers: { "X-Request-Id": "req-7" } }),
  );
  await anna.open("zzz-zzzz-zzz");
  await expect(page.getByText("Code req-7")).toBeVisible();
  await expect(help).toHaveAttribute("href", SUPPORT);
  await page.goto(`${product.home}/accessibility`);
  await expect(help).toBeVisible();
});
