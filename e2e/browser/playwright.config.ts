import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  // Every journey drives three browsers' worth of media: one at a time is what two cores can do honestly.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: true,
  // What only a quiet machine measures rightly: `make soak`.
  grepInvert: process.env.SOAK ? [] : /@soak/,
  timeout: 180_000,
  expect: { timeout: 45_000 },
  reporter: [["list"]],
  outputDir: "../test-results",
  use: {
    headless: true,
    locale: "en-US",
    viewport: { width: 1280, height: 800 },
    actionTimeout: 30_000,
    navigationTimeout: 45_000,
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        // Pages of one test must not slow each other's timers, as windows behind one another do.
        "--disable-background-timer-throttling",
        "--disable-backgrounding-occluded-windows",
        "--disable-renderer-backgrounding",
      ],
    },
  },
});
