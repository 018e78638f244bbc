import { AudioStream, type RemoteTrack, Room } from "@livekit/rtc-node";
import { afterEach, test } from "vitest";

import { Api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { ANNA } from "../harness/people.ts";
import { Restartable } from "../harness/product.ts";
import { whoseTone } from "../harness/tone.ts";
import { SdkClient } from "./client.ts";

/** As many as the design asks for. */
const PEOPLE = 50;
/** Few and small frames: all of them listen on one thread. */
const LISTENING = { sampleRate: 8_000, numChannels: 1, frameSizeMs: 100 };

const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Somebody who only listens for Anna. */
class Listener {
  private heardAt = 0;

  private constructor(readonly room: Room) {
    room.on("trackSubscribed", (track) => void this.listen(track));
  }

  static async join(url: string, token: string): Promise<Listener> {
    const listener = new Listener(new Room());
    await listener.room.connect(url, token, { autoSubscribe: true, dynacast: false });
    return listener;
  }

  /** Whether Anna was heard since then (`performance.now()`). */
  hasHeardSince(moment: number): boolean {
    return this.heardAt > moment;
  }

  private async listen(track: RemoteTrack): Promise<void> {
    for await (const frame of new AudioStream(track, LISTENING)) {
      const samples = Float32Array.from(frame.data, (sample) => sample / 32_768);
      if (whoseTone(samples, LISTENING.sampleRate) === ANNA.name) this.heardAt = performance.now();
    }
  }
}

/** Seconds since `began` until nineteen of twenty have heard Anna after `moment`, and until the last has. */
async function heardAfter(listeners: readonly Listener[], moment: number, began = moment) {
  const after = () => (performance.now() - began) / 1000;
  const hearing = () => listeners.filter((one) => one.hasHeardSince(moment)).length;
  const wanted = Math.ceil(listeners.length * 0.95);
  await eventually("nineteen of twenty hear Anna", () => hearing() >= wanted, true, 120_000);
  const most = after();
  await eventually("all hear Anna", hearing, listeners.length, 120_000);
  return { most, all: after() };
}

test.each([
  ["kill -9", 15, (product: Restartable) => product.losePower()],
  ["SIGTERM", 5, (product: Restartable) => product.shutDown()],
])("fifty people are back after %s", { timeout: 300_000 }, async (what, budget, end) => {
  const product = await Restartable.start();
  open.push(() => product.stop());
  const api = new Api(product);
  const { meeting_id } = await api.create({ max_participants: PEOPLE });
  const { livekit_url, token } = await api.join(meeting_id, ANNA.name);
  const anna = await SdkClient.join(livekit_url, token, ANNA);
  const listeners: Listener[] = [];
  open.push(() => Promise.all([anna.leave(), ...listeners.map(({ room }) => room.disconnect())]));
  await anna.sendTone();
  for (let number = 1; number < PEOPLE; number += 1) {
    const guest = await api.join(meeting_id, `Guest ${number}`);
    listeners.push(await Listener.join(guest.livekit_url, guest.token));
  }
  await heardAfter(listeners, performance.now());

  await end(product);
  const gone = performance.now();
  await product.regainPower();
  const listening = performance.now();
  // What was still on its way to the ear when the server was gone has been heard by now.
  const { most, all } = await heardAfter(listeners, Math.max(listening, gone + 1_000), listening);
  console.log(
    `after ${what} 95 % hear Anna again after ${most.toFixed(1)} s (budget ${budget} s), all after ${all.toFixed(1)} s`,
  );
});
