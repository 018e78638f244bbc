import { defineConfig } from "@playwright/test";

import shared from "../browser/playwright.config.ts";

/** Not a test: writes each screen as a picture, for people to look at. */
export default defineConfig({ ...shared, testDir: ".", testMatch: "*.shots.ts", timeout: 600_000 });
