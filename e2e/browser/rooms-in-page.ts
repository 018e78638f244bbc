import { createRequire } from "node:module";

import type { Browser, Page } from "@playwright/test";
import type * as LiveKit from "livekit-client";

import { ANNA, type Person, SCREEN } from "../harness/people.ts";
import { replaceDevices } from "./devices.ts";
import { playing } from "./probes.ts";
import { rerouteMedia } from "./rerouted.ts";

declare global {
  interface Window {
    LivekitClient: typeof LiveKit;
    rooms: Record<string, LiveKit.Room>;
    /** What happened that should not happen by itself, as `Anna: reconnecting`. */
    troubles: string[];
  }
}

export interface Seat {
  readonly person: Person;
  readonly token: string;
  /** One peer connection for both directions, or one for each. */
  readonly single: boolean;
  /** Whether what nobody looks at is not asked for. */
  readonly adaptive?: boolean;
}

/** An empty page with nothing but livekit-client as npm ships it; its media goes to `udpPort` if that is given. */
export async function emptyPage(browser: Browser, url: string, udpPort?: number): Promise<Page> {
  // The product's page forbids scripts from elsewhere, as it should.
  const context = await browser.newContext({ bypassCSP: true });
  await context.addInitScript(replaceDevices, { self: ANNA, screen: SCREEN });
  if (udpPort !== undefined) await context.addInitScript(rerouteMedia, { udpPort });
  const page = await context.newPage();
  // The server's own address: browsers let only pages from this machine ask this machine.
  await page.goto(url.replace(/^ws/, "http"));
  await page.setContent("<main></main>");
  await page.addScriptTag({
    path: createRequire(import.meta.url).resolve("livekit-client"),
  });
  await page.evaluate(() => Object.assign(window, { rooms: {}, troubles: [] }));
  return page;
}

/** Connects one participant of the page; what it receives is played by elements marked `watcher/participant`. */
async function connectInPage({ url, seat }: { url: string; seat: Seat }): Promise<void> {
  const { Room } = window.LivekitClient;
  const { name } = seat.person;
  const room = new Room({
    singlePeerConnection: seat.single,
    adaptiveStream: seat.adaptive ?? false,
    dynacast: true,
  });
  window.rooms[name] = room;
  room.on("trackSubscribed", (track, _publication, participant) => {
    const element = track.attach();
    element.dataset.participant = `${name}/${participant.identity}`;
    element.style.width = "120px";
    document.body.append(element);
  });
  room.on("trackUnsubscribed", (track) => {
    for (const element of track.detach()) element.remove();
  });
  for (const trouble of ["reconnecting", "signalReconnecting", "trackSubscriptionFailed"] as const) {
    room.on(trouble, () => window.troubles.push(`${name}: ${trouble}`));
  }
  await room.connect(url, seat.token);
}

export async function connect(page: Page, url: string, seat: Seat): Promise<void> {
  await page.evaluate(connectInPage, { url, seat });
}

/** A person's picture: its width, and bits per second that it needs where more than a plain colour is to be seen. */
interface Picture {
  readonly width: number;
  readonly detail: number;
}

/** Publishes the person's colour and tone. */
async function publishInPage({ person, width, detail }: Picture & { person: Person }): Promise<void> {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, (width * 9) / 16];
  // Drawn by the processor: there is no graphics card, and what stands in for one is slow to read from.
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  const local = window.rooms[person.name]?.localParticipant;
  if (brush === null || local === undefined) throw new Error(`${person.name} is not there`);
  const [across, down] = [canvas.width, canvas.height];
  const noise = new ImageData(2 * across, down);
  for (let index = 0; index < noise.data.length; index += 1)
    noise.data[index] = index % 4 === 3 ? 255 : 256 * Math.random();
  setInterval(() => {
    brush.fillStyle = `rgb(${person.colour.join(",")})`;
    brush.fillRect(0, 0, across, down);
    // A strip that no codec makes small; a whole picture of it would starve for bits.
    if (detail) brush.putImageData(noise, -across * Math.random(), (-7 / 8) * down);
  }, 66);
  const context = new AudioContext();
  const oscillator = new OscillatorNode(context, { frequency: person.tone });
  const volume = new GainNode(context, { gain: 0.3 });
  const destination = context.createMediaStreamDestination();
  oscillator.connect(volume).connect(destination);
  oscillator.start();
  const { Source } = window.LivekitClient.Track;
  for (const track of canvas.captureStream(15).getVideoTracks())
    await local.publishTrack(track, {
      source: Source.Camera,
      ...(detail ? { videoEncoding: { maxBitrate: detail, maxFramerate: 15 } } : {}),
    });
  for (const track of destination.stream.getAudioTracks())
    await local.publishTrack(track, { source: Source.Microphone, dtx: false });
}

export async function publish(page: Page, person: Person, width = 320, detail = 0): Promise<void> {
  await page.evaluate(publishInPage, { person, width, detail });
}

export async function unpublishAll(page: Page, person: Person): Promise<void> {
  await page.evaluate(async (name) => {
    const local = window.rooms[name]?.localParticipant;
    for (const { track } of [...(local?.trackPublications.values() ?? [])])
      if (track) await local?.unpublishTrack(track);
  }, person.name);
}

/** Whose colour and tone each one plays of each other one, as `Anna of Ben`. */
export async function perceptions(page: Page, people: readonly Person[]): Promise<Record<string, unknown>> {
  const cells: Record<string, unknown> = {};
  for (const [watcher, other] of pairs(people)) {
    cells[`${watcher.name} of ${other.name}`] = await playing(page, `${watcher.name}/${other.name}`);
  }
  return cells;
}

/** The perceptions when every track of the `senders` arrives, once, and where it should. */
export function allWell(people: readonly Person[], senders = people): Record<string, unknown> {
  return Object.fromEntries(
    pairs(people).map(([watcher, other]) => {
      const names = senders.includes(other) ? [other.name] : [];
      return [`${watcher.name} of ${other.name}`, { colours: names, tones: names }];
    }),
  );
}

function pairs(people: readonly Person[]): [Person, Person][] {
  return people.flatMap((watcher) =>
    people.filter((other) => other !== watcher).map((other): [Person, Person] => [watcher, other]),
  );
}
