import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

import { oneProcess, type Product } from "../harness/product.ts";

/** The calls that the founding documents print, word for word. */
const CREATE_NAMED = `curl -X POST http://localhost:8000/api/v1/meetings/create \\
     -H "Content-Type: application/json" \\
     -d '{"name": "Test Meeting"}'`;
const JOIN_PLACEHOLDER = `curl -X POST http://localhost:8000/api/v1/meetings/[MEETING-ID]/join \\
     -H "Content-Type: application/json" \\
     -d '{"display_name": "Test User"}'`;
const CREATE_BARE = "curl -X POST http://localhost:8002/api/v1/meetings/create";
const JOIN_EXAMPLE = `curl -X POST http://localhost:8002/api/v1/meetings/abc-defg-hij/join \\
  -H "Content-Type: application/json" \\
  -d '{"display_name": "Test User"}'`;

const CODE = /^[a-z0-9]{3}-[a-z0-9]{4}-[a-z0-9]{3}$/;

let product: Product;
const home = mkdtempSync(join(tmpdir(), "heydok-curl-"));

beforeAll(async () => {
  product = await oneProcess();
  // curl's own configuration sends both printed ports to the server under test, so that the lines stay as they are.
  const address = new URL(product.home).host.replace("localhost", "127.0.0.1");
  const hops = [8000, 8002].map((port) => `connect-to = "localhost:${port}:${address}"`);
  writeFileSync(join(home, ".curlrc"), ["silent", "show-error", ...hops].join("\n"));
});

afterAll(async () => {
  rmSync(home, { recursive: true, force: true });
  await product?.stop();
});

/** What the shell prints for one printed call, as JSON. */
async function run(line: string): Promise<Record<string, unknown>> {
  const environment = { PATH: process.env.PATH, HOME: home, CURL_HOME: home };
  const { stdout } = await promisify(execFile)("sh", ["-c", line], { env: environment });
  return JSON.parse(stdout) as Record<string, unknown>;
}

test("the printed curl lines work word for word", async () => {
  const named = await run(CREATE_NAMED);
  expect(named.meeting_id).toMatch(CODE);
  expect(String(named.meeting_url)).toContain(`/meeting/${named.meeting_id}`);
  const lifetime = Date.parse(String(named.expires_at)) - Date.parse(String(named.created_at));
  expect(lifetime).toBe(24 * 3600 * 1000);

  const admission = await run(JOIN_PLACEHOLDER.replace("[MEETING-ID]", String(named.meeting_id)));
  expect(admission.meeting_id).toBe(named.meeting_id);
  expect(admission.participant_id).toMatch(/^guest-\d{8}$/);
  expect(String(admission.token).split(".")).toHaveLength(3);
  expect(String(admission.livekit_url)).toMatch(/^wss?:/);

  expect((await run(CREATE_BARE)).meeting_id).toMatch(CODE);
});

test("the printed example code is no meeting, and says so in the printed words", async () => {
  expect((await run(JOIN_EXAMPLE)).detail).toBe("Meeting not found");
});
