import { randomUUID } from "node:crypto";

import { type Browser, test as base, expect, type Page } from "@playwright/test";
import { AccessToken } from "livekit-server-sdk";

import { Binary, removeFolder, temporaryFolder } from "../harness/binary.ts";
import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA, type Person } from "../harness/people.ts";
import { ways } from "./reception.ts";
import { rememberConnections } from "./rerouted.ts";
import { allWell, connect, emptyPage, perceptions, publish, unpublishAll } from "./rooms-in-page.ts";

/** A LiveKit server, ours or the one LIVEKIT_URL names, and the means to get in. */
interface Target {
  readonly url: string;
  readonly key: string;
  readonly secret: string;
}

const KEY = "APIbrowsertests";
const SECRET = "a secret that only the tests use, and long enough";

const test = base.extend<object, { target: Target }>({
  target: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of a fixture's needs from this pattern.
    async ({}, use) => {
      const { LIVEKIT_URL: url, LIVEKIT_API_KEY: key = "", LIVEKIT_API_SECRET: secret = "" } = process.env;
      if (url !== undefined) {
        await use({ url, key, secret });
        return;
      }
      const folder = temporaryFolder();
      const ports = { PORT: "0", RTC_UDP_PORT: "0", RTC_TCP_PORT: "0" };
      const server = await Binary.start("media", folder, {
        ...ports,
        LIVEKIT_API_KEY: KEY,
        LIVEKIT_API_SECRET: SECRET,
      });
      await use({ url: server.websocketUrl, key: KEY, secret: SECRET });
      await server.stop();
      await removeFolder(folder);
      expect(server.log).not.toContain("panicked at");
    },
    { scope: "worker" },
  ],
});

const PEOPLE = [ANNA, BEN, CARA];

/** A page in which these people are connected to a room of their own. */
async function meeting(
  browser: Browser,
  target: Target,
  people: readonly Person[],
  single: (person: Person) => boolean,
): Promise<Page> {
  const page = await emptyPage(browser, target.url);
  await enter(page, target, people, single);
  return page;
}

/** Connects these people of the page to a new room. */
async function enter(
  page: Page,
  target: Target,
  people: readonly Person[],
  single: (person: Person) => boolean,
): Promise<void> {
  const room = `meeting-${randomUUID()}`;
  for (const person of people) {
    const access = new AccessToken(target.key, target.secret, { identity: person.name });
    access.addGrant({ roomJoin: true, room, canUpdateOwnMetadata: true });
    await connect(page, target.url, { person, token: await access.toJwt(), single: single(person) });
  }
}

const MODES: [string, (person: Person) => boolean][] = [
  ["one peer connection", () => true],
  ["two peer connections", () => false],
  ["mixed", (person) => person === ANNA],
];

for (const [mode, single] of MODES) {
  test(`tracks come, go and come again, and never cross: ${mode}`, async ({ browser, target }) => {
    const page = await meeting(browser, target, PEOPLE, single);
    for (const person of PEOPLE) await publish(page, person);
    await eventually("everyone", () => perceptions(page, PEOPLE), allWell(PEOPLE));
    for (let round = 0; round < 3; round += 1) {
      await unpublishAll(page, ANNA);
      await eventually(
        `round ${round}, without Anna`,
        () => perceptions(page, PEOPLE),
        allWell(PEOPLE, [BEN, CARA]),
      );
      await publish(page, ANNA);
      await eventually(`round ${round}, with Anna`, () => perceptions(page, PEOPLE), allWell(PEOPLE));
    }
    expect(await page.evaluate(() => window.troubles)).toEqual([]);
    await page.context().close();
  });

  test(`connections are resumed and rebuilt: ${mode}`, async ({ browser, target }) => {
    const people = [ANNA, BEN];
    const page = await meeting(browser, target, people, single);
    for (const person of people) await publish(page, person);
    await eventually("before", () => perceptions(page, people), allWell(people));
    // livekit-client's "resume-reconnect" is a resume that it breaks off by itself, to start afresh.
    for (const [scenario, resumes] of [
      ["signal-reconnect", true],
      ["resume-reconnect", false],
      ["full-reconnect", false],
    ] as const) {
      const sids = await page.evaluate(async (scenario) => {
        const { Anna: anna } = window.rooms;
        if (anna === undefined) throw new Error("Anna is not there");
        const before = anna.localParticipant.sid;
        const back = new Promise<void>((resolve) => anna.once("reconnected", () => resolve()));
        await anna.simulateScenario(scenario);
        await back;
        return { before, after: anna.localParticipant.sid };
      }, scenario);
      // Both ways end in the same event: only a resume keeps the session.
      expect(sids.after === sids.before, `${scenario}: the session is kept`).toBe(resumes);
      await eventually(`after ${scenario}`, () => perceptions(page, people), allWell(people));
    }
    await page.context().close();
  });
}

/** Has a page reach the server through its TURN server only. */
function relayOnly(): void {
  const narrowed = (configuration?: RTCConfiguration): RTCConfiguration => ({
    ...configuration,
    iceTransportPolicy: "relay",
  });
  window.connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(narrowed(configuration));
      window.connections.push(this);
    }

    override setConfiguration(configuration?: RTCConfiguration): void {
      super.setConfiguration(narrowed(configuration));
    }
  };
}

/** The ways of the page's connections at this moment: kind of the own address, and protocol. */
const kinds = async (page: Page) =>
  (await ways(page)).map(({ local }) => `${local.candidateType} ${local.relayProtocol ?? local.protocol}`);

test("who may use relays only is in the call", async ({ browser, target }) => {
  const people = [ANNA, BEN];
  const page = await emptyPage(browser, target.url);
  await page.evaluate(relayOnly);
  await enter(page, target, people, (person) => person === ANNA);
  for (const person of people) await publish(page, person);
  await eventually("both", () => perceptions(page, people), allWell(people));
  expect([...new Set(await kinds(page))]).toEqual(["relay tcp"]);
  await page.context().close();
});

test("a TURN server keeps nobody from the straight way", async ({ browser, target }) => {
  const people = [ANNA, BEN];
  const page = await emptyPage(browser, target.url);
  await page.evaluate(rememberConnections);
  await enter(page, target, people, (person) => person === ANNA);
  for (const person of people) await publish(page, person);
  await eventually("both", () => perceptions(page, people), allWell(people));
  // Whether the browser calls its own address host or learns it from the server makes no difference.
  for (const kind of await kinds(page)) expect(kind).toMatch(/^(host|prflx) udp$/);
  await page.context().close();
});

test("a watcher gets the picture in the size it asks for", async ({ browser, target }) => {
  const page = await meeting(browser, target, [ANNA, BEN], () => true);
  await publish(page, ANNA, 960);
  const width = () => page.evaluate(() => document.querySelector("video")?.videoWidth);
  const ask = (quality: "LOW" | "HIGH") =>
    page.evaluate((quality) => {
      const publications =
        window.rooms.Ben?.remoteParticipants.get("Anna")?.videoTrackPublications.values() ?? [];
      for (const publication of publications) {
        (publication as import("livekit-client").RemoteTrackPublication).setVideoQuality(
          window.LivekitClient.VideoQuality[quality],
        );
      }
    }, quality);
  await eventually("the full picture", width, 960);
  await ask("LOW");
  await eventually("a small one", async () => ((await width()) ?? 960) < 960, true);
  await ask("HIGH");
  await eventually("the full picture again", width, 960);
  await page.context().close();
});

test("muting is told and heard; attributes and data arrive", async ({ browser, target }) => {
  const page = await meeting(browser, target, [ANNA, BEN], () => true);
  await publish(page, ANNA);
  await eventually("before", () => perceptions(page, [BEN, ANNA]), allWell([BEN, ANNA], [ANNA]));
  const mute = (muted: boolean) =>
    page.evaluate(async (muted) => {
      for (const { track } of window.rooms.Anna?.localParticipant.audioTrackPublications.values() ?? []) {
        await (muted ? track?.mute() : track?.unmute());
      }
    }, muted);
  const muted = () =>
    page.evaluate(() =>
      [...(window.rooms.Ben?.remoteParticipants.get("Anna")?.audioTrackPublications.values() ?? [])].map(
        ({ isMuted }) => isMuted,
      ),
    );
  await mute(true);
  await eventually("told", muted, [true]);
  await eventually("heard", async () => (await perceptions(page, [BEN, ANNA]))["Ben of Anna"], {
    colours: ["Anna"],
    tones: ["silence"],
  });
  await mute(false);
  await eventually("told again", muted, [false]);
  await eventually("after", () => perceptions(page, [BEN, ANNA]), allWell([BEN, ANNA], [ANNA]));

  const heard = await page.evaluate(async () => {
    const { Anna: anna, Ben: ben } = window.rooms;
    if (!anna || !ben) throw new Error("someone is missing");
    await anna.localParticipant.setAttributes({ hand: "raised" });
    ben.localParticipant.registerRpcMethod("double", (call) =>
      Promise.resolve(`${Number(call.payload) * 2}`),
    );
    const arrived = new Promise<string>((resolve) => {
      ben.on("dataReceived", (payload, sender, _kind, topic) => {
        resolve(`${sender?.identity} ${topic} ${new TextDecoder().decode(payload)}`);
      });
    });
    await anna.localParticipant.publishData(new TextEncoder().encode("hello"), {
      reliable: true,
      topic: "chat",
    });
    const answer = await anna.localParticipant.performRpc({
      destinationIdentity: "Ben",
      method: "double",
      payload: "21",
    });
    return { data: await arrived, answer };
  });
  expect(heard).toEqual({ data: "Anna chat hello", answer: "42" });
  const attributes = () => page.evaluate(() => window.rooms.Ben?.remoteParticipants.get("Anna")?.attributes);
  await eventually("the attributes", attributes, { hand: "raised" });
  await page.context().close();
});
