import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";

import type { BrowserContext } from "@playwright/test";

/** A built page to show in place of the one in the binary (`web/dist`), so that a change is seen without a new binary. */
const PAGE = process.env.HEYDOK_PAGE;

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
