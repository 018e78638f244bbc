import { writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";

import { Binary, removeFolder, temporaryFolder } from "./binary.ts";
import { freeTcpPort, freeUdpPort } from "./ports.ts";

/** The whole product as its users run it: in one process, or as two with `LIVEKIT_URL` between them. */
export interface Product {
  /** Where browsers go: `http://localhost:<port>`, which they trust with a camera. */
  readonly home: string;
  /** Where LiveKit clients go. */
  readonly livekitUrl: string;
  /** Fails when a server has ended, or does not end. */
  stop(): Promise<void>;
}

export const KEY = "APIendtoend";
export const SECRET = "a secret that only the tests use, and long enough";

/** Limits meant for strangers would meet tests, which all come from one address. */
export const NO_RATE_LIMITS = Object.fromEntries(
  ["CREATE", "CREATE_DAY", "JOIN", "JOIN_MEETING", "MISS", "CHAT", "SELFTEST", "OTHER"].map((name) => [
    `RATE_LIMIT_${name}`,
    "off",
  ]),
);

function homeOf(server: Binary): string {
  return `http://localhost:${server.port}`;
}

async function stopped(servers: Binary[], folders: string[]): Promise<void> {
  const dead = servers.filter((server) => !server.running);
  for (const server of servers) await server.stop();
  for (const folder of folders) await removeFolder(folder);
  if (dead.length > 0)
    throw new Error(`a server ended during the test\n${dead.map(({ log }) => log).join("\n")}`);
}

/**
 * `heydok serve` on free ports, with a folder of its own; with the rate limits it has by itself, or with none. Other
 * settings on top.
 */
export async function oneProcess({
  limits = false,
  settings = {},
}: {
  limits?: boolean;
  settings?: Record<string, string>;
} = {}): Promise<Product> {
  const folder = temporaryFolder();
  const ports = { PORT: "0", RTC_UDP_PORT: "0", RTC_TCP_PORT: "0" };
  const server = await Binary.start("serve", folder, {
    ...ports,
    LIVEKIT_API_KEY: KEY,
    LIVEKIT_API_SECRET: SECRET,
    ...(limits ? {} : NO_RATE_LIMITS),
    ...settings,
  });
  return { home: homeOf(server), livekitUrl: server.websocketUrl, stop: () => stopped([server], [folder]) };
}

/** Addresses of local networks (RFC 1918). */
const PRIVATE = /^(10|192\.168|172\.(1[6-9]|2\d|3[01]))\./;

/** `heydok serve --lan` in an empty folder. Where this machine is in no local network, its own address stands for one. */
export async function inLan(): Promise<Product> {
  const folder = temporaryFolder();
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const isInLan = addresses.some(({ address, internal }) => !internal && PRIVATE.test(address));
  const ports = { PORT: "0", RTC_UDP_PORT: "0", RTC_TCP_PORT: "0" };
  const server = await Binary.start("serve --lan", folder, {
    ...ports,
    ...(isInLan ? {} : { HOST: "127.0.0.1" }),
  });
  return { home: homeOf(server), livekitUrl: server.websocketUrl, stop: () => stopped([server], [folder]) };
}

/**
 * `heydok media` and, in front of it, `heydok serve` with its address. Without `hints` no webhook is ever sent: all
 * that `serve` learns of its rooms it has to ask for.
 */
export async function twoProcesses({ hints } = { hints: true }): Promise<Product> {
  const folders = [temporaryFolder(), temporaryFolder()] as const;
  const keys = { LIVEKIT_API_KEY: KEY, LIVEKIT_API_SECRET: SECRET };
  const port = await freeTcpPort();
  const urls = hints ? [`http://127.0.0.1:${port}/api/webhooks/livekit`] : [];
  const configuration = join(folders[0], "livekit.yaml");
  writeFileSync(configuration, `webhook:\n  api_key: ${KEY}\n  urls: ${JSON.stringify(urls)}\n`);
  const media = await Binary.start("media", folders[0], {
    PORT: "0",
    RTC_UDP_PORT: "0",
    RTC_TCP_PORT: "0",
    LIVEKIT_CONFIG_FILE: configuration,
    ...keys,
  });
  const serve = await Binary.start("serve", folders[1], {
    PORT: `${port}`,
    LIVEKIT_URL: media.websocketUrl,
    ...keys,
    ...NO_RATE_LIMITS,
  });
  return {
    home: homeOf(serve),
    livekitUrl: media.websocketUrl,
    stop: () => stopped([serve, media], [...folders]),
  };
}

/** A `heydok serve` that can lose its power and come back on the same ports and data. */
export class Restartable implements Product {
  private constructor(
    private server: Binary,
    private readonly folder: string,
    private readonly variables: Record<string, string>,
  ) {}

  static async start(): Promise<Restartable> {
    const folder = temporaryFolder();
    const [http, udp, tcp] = [await freeTcpPort(), await freeUdpPort(), await freeTcpPort()];
    const variables = { PORT: `${http}`, RTC_UDP_PORT: `${udp}`, RTC_TCP_PORT: `${tcp}`, ...NO_RATE_LIMITS };
    return new Restartable(await Binary.start("serve", folder, variables), folder, variables);
  }

  get home(): string {
    return homeOf(this.server);
  }

  get livekitUrl(): string {
    return this.server.websocketUrl;
  }

  /** kill -9. */
  async losePower(): Promise<void> {
    await this.server.kill();
  }

  /** Asks it to end, as an update does; done when it has. */
  async shutDown(): Promise<void> {
    await this.server.stop();
  }

  /** From now on nothing comes from it and nothing arrives, and no connection is closed. */
  freeze(): void {
    this.server.freeze();
  }

  thaw(): void {
    this.server.thaw();
  }

  /** Starts it again; done when it listens. */
  async regainPower(): Promise<void> {
    this.server = await Binary.start("serve", this.folder, this.variables);
  }

  async stop(): Promise<void> {
    await stopped([this.server], [this.folder]);
  }
}
