import { randomUUID } from "node:crypto";

import { type Browser, expect, type Page } from "@playwright/test";
import { AccessToken } from "livekit-server-sdk";

import { Binary, removeFolder, temporaryFolder } from "../harness/binary.ts";
import { eventually } from "../harness/eventually.ts";
import { Line } from "../harness/line.ts";
import { ANNA, BEN, CARA, type Person } from "../harness/people.ts";
import { freeUdpPort } from "../harness/ports.ts";
import { SEED } from "../harness/random.ts";
import { playing } from "./probes.ts";
import { mediaPaths } from "./reception.ts";
import { connect, emptyPage } from "./rooms-in-page.ts";

/** A LiveKit server whose media a relay can reach. */
interface Target {
  readonly url: string;
  readonly udpPort: number;
  readonly key: string;
  readonly secret: string;
  stop(): Promise<void>;
}

const KEY = "APIrelayedtests";
const SECRET = "a secret that only the tests use, and long enough";

/** `heydok media` that names no port where its media is: who reaches it has come through a relay. */
async function startHeydok(): Promise<Target> {
  const folder = temporaryFolder();
  const udpPort = await freeUdpPort();
  const server = await Binary.start("media", folder, {
    PORT: "0",
    RTC_UDP_PORT: `${udpPort}`,
    RTC_ADVERTISED_UDP_PORT: `${await freeUdpPort()}`,
    RTC_TCP_PORT: "off",
    LIVEKIT_API_KEY: KEY,
    LIVEKIT_API_SECRET: SECRET,
  });
  const stop = async () => {
    await server.stop();
    await removeFolder(folder);
    if (server.log.includes("panicked at")) throw new Error(server.log);
  };
  return { url: server.url, udpPort, key: KEY, secret: SECRET, stop };
}

/** The server that LIVEKIT_REFERENCE_URL names, to be measured beside ours. */
function reference(): Target | undefined {
  const { LIVEKIT_REFERENCE_URL: url } = process.env;
  if (url === undefined) return undefined;
  return {
    url,
    udpPort: Number(process.env.LIVEKIT_REFERENCE_UDP_PORT ?? 7882),
    key: process.env.LIVEKIT_REFERENCE_API_KEY ?? "devkey",
    secret: process.env.LIVEKIT_REFERENCE_API_SECRET ?? "secret",
    stop: () => Promise.resolve(),
  };
}

/** A person in a room, with a page and a line of their own. */
export interface Seated {
  readonly person: Person;
  readonly page: Page;
  readonly line: Line;
}

export type Three = readonly [anna: Seated, ben: Seated, cara: Seated];

/** Seats Anna, Ben and Cara in a new room of the target while `meet` runs. */
async function meetAt<T>(
  target: Target,
  browser: Browser,
  meet: (three: Three) => Promise<T>,
  adaptive = false,
): Promise<T> {
  const room = `relayed-${randomUUID()}`;
  const closing: (() => unknown)[] = [];
  const seat = async (person: Person, number: number): Promise<Seated> => {
    const line = await Line.open({ http: Number(new URL(target.url).port), udp: target.udpPort }, number);
    closing.push(() => line.close());
    const page = await emptyPage(browser, line.url, line.udpPort);
    closing.unshift(() => page.context().close());
    const access = new AccessToken(target.key, target.secret, { identity: person.name });
    access.addGrant({ roomJoin: true, room });
    await connect(page, line.url, { person, token: await access.toJwt(), single: true, adaptive });
    return { person, page, line };
  };
  try {
    const three = [await seat(ANNA, 1), await seat(BEN, 2), await seat(CARA, 3)] as const;
    const result = await meet(three);
    for (const { page, line, person } of three)
      expect(await mediaPaths(page), `${person.name}'s media goes through the relay`).toEqual([
        `udp ${line.udpPort}`,
      ]);
    return result;
  } catch (error) {
    console.log(`RELAY_SEED=${SEED}`);
    throw error;
  } finally {
    for (const close of closing) await close();
  }
}

/** A meeting of three at our server, over lines that a test can spoil; `adaptive`: hidden pictures are not asked for. */
export async function meetRelayed<T>(
  browser: Browser,
  meet: (three: Three) => Promise<T>,
  { adaptive = false } = {},
): Promise<T> {
  const target = await startHeydok();
  try {
    return await meetAt(target, browser, meet, adaptive);
  } finally {
    await target.stop();
  }
}

/** The same at the reference; `undefined`, and a word about it, where none is set. */
export async function meetAtReference<T>(
  browser: Browser,
  meet: (three: Three) => Promise<T>,
): Promise<T | undefined> {
  const target = reference();
  if (target !== undefined) return meetAt(target, browser, meet);
  console.log("no reference beside it: LIVEKIT_REFERENCE_URL is not set");
  return undefined;
}

/** Waits until each of the three sees and hears the other two. */
export async function expectAllWell(three: Three): Promise<void> {
  for (const watcher of three) {
    for (const { person } of three.filter((other) => other !== watcher)) {
      const path = `${watcher.person.name}/${person.name}`;
      const wanted = { colours: [person.name], tones: [person.name] };
      await eventually(path, () => playing(watcher.page, path), wanted, 60_000);
    }
  }
}
