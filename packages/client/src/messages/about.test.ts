import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { aboutMessages } from "./about";

test.each([
  ["RETENTION_CHAT", 30],
  ["RETENTION_GUESTS", 90],
  ["RETENTION_AUDIT", 400],
])("the privacy page names the %s that a server has by itself", async (setting, days) => {
  const settings = await readFile(new URL("../../../../docs/configuration.md", import.meta.url), "utf8");
  expect(settings).toContain(`| \`${setting}\` | \`${days}d\` |`);
  const [english, german] = aboutMessages.retentionText;
  expect(english).toContain(`${days} days`);
  expect(german).toContain(`${days} Tage`);
});
