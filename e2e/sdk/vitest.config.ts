import { fileURLToPath } from "node:url";

import { defineConfig } from "vitest/config";

/** Fifty people at once want a machine for themselves: `make soak` has them, and nothing else. */
const CROWD = "crowd.test.ts";
const soaking = process.env.SOAK !== undefined;

export default defineConfig({
  test: {
    root: fileURLToPath(new URL(".", import.meta.url)),
    include: [soaking ? CROWD : "**/*.test.ts"],
    exclude: soaking ? [] : [CROWD],
    globalSetup: "./server.setup.ts",
    // A native client library cannot share a process with another copy of itself.
    pool: "forks",
    fileParallelism: false,
    retry: 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
