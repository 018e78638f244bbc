import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { Api } from "../harness/api.ts";
import { ANNA, BEN } from "../harness/people.ts";
import { oneProcess, type Product } from "../harness/product.ts";
import { test as base, expect } from "./fixtures.ts";

interface WorkerFixtures {
  /** Another site, on a name that browsers trust with a camera; its page shows the address in `?show=` in a frame. */
  outside: string;
  /** A server whose meetings may be shown inside that site's pages. */
  product: Product;
}

/** A page with nothing but the frame. */
function startOutside(): Promise<Server> {
  const server = createServer((request, response) => {
    const shown = new URL(request.url ?? "/", "http://localhost").searchParams.get("show") ?? "about:blank";
    response.setHeader("Content-Type", "text/html");
    response.end(
      `<iframe title="Meeting" allow="camera; microphone" width="900" height="700" src="${shown}"></iframe>`,
    );
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const test = base.extend<object, WorkerFixtures>({
  outside: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of a fixture's needs from this pattern.
    async ({}, use) => {
      const server = await startOutside();
      await use(`http://intranet.localhost:${(server.address() as AddressInfo).port}`);
      server.closeAllConnections();
      server.close();
    },
    { scope: "worker" },
  ],
  product: [
    async ({ outside }, use) => {
      const product = await oneProcess({ settings: { EMBED_ORIGINS: outside } });
      try {
        await use(product);
      } finally {
        await product.stop();
      }
    },
    { scope: "worker" },
  ],
});

test("a meeting inside another site's page is the meeting without our bars", async ({
  arrive,
  browser,
  outside,
  product,
}) => {
  const { meeting_id } = await new Api(product).create();
  const context = await browser.newContext({ permissions: ["camera", "microphone"] });
  const page = await context.newPage();
  await page.goto(`${outside}/?show=${encodeURIComponent(`${product.home}/embed/${meeting_id}`)}`);
  const meeting = page.frameLocator("iframe");
  await meeting.getByRole("textbox", { name: "Your name" }).fill(ANNA.name);
  await expect(meeting.getByRole("link", { name: "heydok, start page" })).toHaveCount(0);
  await expect(meeting.getByRole("contentinfo")).toHaveCount(0);
  await meeting.getByRole("button", { name: "Join meeting" }).click();
  const tiles = meeting.getByRole("list", { name: "Participants" }).getByRole("listitem");
  await expect(tiles).toHaveCount(1);

  const ben = await arrive(BEN);
  await ben.enter(meeting_id);
  await expect(ben.tiles).toHaveCount(2);
  await expect(tiles).toHaveCount(2);
  await context.close();
});
