import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { TestProject } from "vitest/node";

import { Binary, removeFolder, temporaryFolder } from "../harness/binary.ts";
import { freeUdpPort } from "../harness/ports.ts";
import { WebhookInbox } from "../harness/webhook-inbox.ts";

/** Where the tests find the LiveKit server: ours, or any other one. */
export interface Target {
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  /** Where its webhooks arrive; absent for a server that was not started here. */
  readonly inbox?: string;
  /** Where its media arrives on 127.0.0.1; absent likewise. */
  readonly udpPort?: number;
}

declare module "vitest" {
  interface ProvidedContext {
    target: Target;
  }
}

/**
 * One `heydok media` for all test files. With LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET set, the tests run
 * against that server instead: what they ask for is what LiveKit does, not what we do.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET } = process.env;
  if (LIVEKIT_URL !== undefined) {
    if (!LIVEKIT_API_KEY || !LIVEKIT_API_SECRET)
      throw new Error("LIVEKIT_URL needs LIVEKIT_API_KEY and LIVEKIT_API_SECRET");
    project.provide("target", { url: LIVEKIT_URL, apiKey: LIVEKIT_API_KEY, apiSecret: LIVEKIT_API_SECRET });
    return () => Promise.resolve();
  }
  const inbox = await WebhookInbox.open();
  const folder = temporaryFolder();
  const apiKey = "APIsdktests";
  const apiSecret = "a secret that only the tests use, and long enough";
  const configuration = join(folder, "livekit.yaml");
  writeFileSync(configuration, `webhook:\n  api_key: ${apiKey}\n  urls: ["${inbox.url}"]\n`);
  const udpPort = await freeUdpPort();
  const server = await Binary.start("media", folder, {
    PORT: "0",
    RTC_UDP_PORT: `${udpPort}`,
    RTC_TCP_PORT: "0",
    LIVEKIT_CONFIG_FILE: configuration,
    LIVEKIT_API_KEY: apiKey,
    LIVEKIT_API_SECRET: apiSecret,
  }).catch((error: unknown) => {
    inbox.close();
    throw error;
  });
  project.provide("target", { url: server.websocketUrl, apiKey, apiSecret, inbox: inbox.url, udpPort });
  return async () => {
    const survived = server.running;
    const { log } = server;
    await server.stop();
    inbox.close();
    await removeFolder(folder);
    if (!survived) throw new Error(`the server ended during the tests\n${log}`);
    if (log.includes("panicked at")) throw new Error(`the server panicked during the tests\n${log}`);
  };
}
