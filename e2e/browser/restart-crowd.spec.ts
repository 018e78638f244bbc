import type { Page } from "@playwright/test";

import { Api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { ANNA } from "../harness/people.ts";
import { Restartable } from "../harness/product.ts";
import { testWith } from "./fixtures.ts";
import { connect, emptyPage, publish, type Seat } from "./rooms-in-page.ts";

const test = testWith(Restartable.start);

/** As many as the design asks for; Anna besides. */
const LISTENERS = 49;
/** Packets of sound that somebody must have: a fifth of a second. */
const AUDIBLE = 10;

/** Sids of the tracks of sound that each room of the page gets. Runs in the page. */
function heardInPage(audible: number): Promise<string[][]> {
  const heard = async (room: (typeof window.rooms)[string]) => {
    const sids: string[] = [];
    for (const participant of room.remoteParticipants.values())
      for (const { track, trackSid } of participant.audioTrackPublications.values())
        for (const row of (await track?.getRTCStatsReport())?.values() ?? [])
          if (row.type === "inbound-rtp" && row.packetsReceived >= audible) sids.push(trackSid);
    return sids;
  };
  return Promise.all(Object.values(window.rooms).map(heard));
}

/** Waits until all hear a track of Anna's that is not one of `old`; tells how long nineteen of twenty and all needed. */
async function hearAnna(page: Page, what: string, old: readonly string[] = []): Promise<string[]> {
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
  let sids: string[] = [];
  const hearing = async () => {
    const heard = await page.evaluate(heardInPage, AUDIBLE);
    sids = heard.flat();
    return heard.filter((tracks) => tracks.some((sid) => !old.includes(sid))).length;
  };
  await eventually("nineteen of twenty", async () => (await hearing()) >= 0.95 * LISTENERS, true, 120_000);
  const most = seconds();
  await eventually("all", hearing, LISTENERS, 120_000);
  console.log(`${what}: 95 % hear Anna after ${most} s, all after ${seconds()} s`);
  return sids;
}

for (const { what, budget, end } of [
  { what: "kill -9", budget: 15, end: (product: Restartable) => product.losePower() },
  { what: "SIGTERM", budget: 5, end: (product: Restartable) => product.shutDown() },
])
  test(`fifty people are back after ${what}`, { tag: "@soak" }, async ({ browser, product }) => {
    test.setTimeout(400_000);
    const api = new Api(product);
    const { meeting_id } = await api.create({ max_participants: LISTENERS + 1 });
    const seat = async (name: string): Promise<Seat> => {
      const { token } = await api.join(meeting_id, name);
      return { person: { ...ANNA, name }, token, single: true };
    };

    const annas = await emptyPage(browser, product.livekitUrl);
    await connect(annas, product.livekitUrl, await seat(ANNA.name));
    await publish(annas, ANNA);
    // Fifty decoders of pictures are more than one machine has.
    await annas.evaluate(async () => {
      for (const { localParticipant } of Object.values(window.rooms))
        for (const { track } of [...localParticipant.videoTrackPublications.values()])
          if (track) await localParticipant.unpublishTrack(track);
    });
    const page = await emptyPage(browser, product.livekitUrl);
    const seats: Seat[] = [];
    for (let number = 1; number <= LISTENERS; number += 1) seats.push(await seat(`Guest ${number}`));
    // What this machine needs for fifty clients that have nothing to wait for.
    const coming = hearAnna(page, "where they come at once");
    await Promise.all(seats.map((one) => connect(page, product.livekitUrl, one)));
    const old = await coming;

    await end(product);
    await product.regainPower();
    await hearAnna(page, `after ${what} (budget ${budget} s, counted from listening)`, old);
    for (const one of [annas, page]) await one.context().close();
  });
