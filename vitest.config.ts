import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "web/src/**/*.test.ts", "e2e/harness/*.test.ts"],
    environment: "node",
    restoreMocks: true,
  },
});
