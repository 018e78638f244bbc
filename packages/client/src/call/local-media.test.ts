import { type Room, TrackEvent } from "livekit-client";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { LocalMedia } from "./local-media";

/** What livekit-client opens, in place of devices. */
class FakeTrack {
  isMuted = false;
  sender: object | undefined = undefined;
  stopped = false;
  readonly mediaStreamTrack = {
    readyState: "live",
    label: "",
    addEventListener: () => undefined,
    getSettings: () => ({}),
  };
  readonly listeners = new Map<string, () => void>();
  constructor(readonly source: string) {}
  on(event: string, listener: () => void) {
    this.listeners.set(event, listener);
  }
  emit(event: string) {
    this.listeners.get(event)?.();
  }
  async mute() {
    this.isMuted = true;
  }
  async unmute() {
    this.isMuted = false;
  }
  stop() {
    this.stopped = true;
  }
}

const opened: FakeTrack[] = [];
const refusal: { error: Error | null } = { error: null };

vi.mock("livekit-client", async (original) => {
  const open = (source: string) => async () => {
    if (refusal.error !== null) throw refusal.error;
    const track = new FakeTrack(source);
    opened.push(track);
    return track;
  };
  return {
    ...(await original<typeof import("livekit-client")>()),
    createLocalAudioTrack: open("microphone"),
    createLocalVideoTrack: open("camera"),
  };
});

/** A room that remembers what was published into it. */
function fakeRoom() {
  const published: FakeTrack[] = [];
  const localParticipant = {
    getTrackPublications: () => published.map((track) => ({ track })),
    publishTrack: async (track: FakeTrack) => {
      track.sender = {};
      published.push(track);
    },
  };
  return {
    published,
    room: { state: "connected", localParticipant, on: () => undefined } as unknown as Room,
  };
}

const media = (microphoneOn: boolean, cameraOn: boolean) =>
  new LocalMedia({ microphoneOn, cameraOn, microphoneId: null, cameraId: null });
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const sources = (tracks: readonly FakeTrack[]) => tracks.map((track) => track.source).sort();

beforeEach(() => {
  opened.length = 0;
  refusal.error = null;
});

describe("joining", () => {
  test("publishes what was chosen, and opens nothing else", async () => {
    const { published, room } = fakeRoom();
    const local = media(true, false);
    local.open();
    local.bind(room);
    await settled();
    expect(sources(published)).toEqual(["microphone"]);
    expect(sources(opened)).toEqual(["microphone"]);
  });

  test("opens devices before there is a room, so that the own tile shows at once", async () => {
    const local = media(false, true);
    local.open();
    await settled();
    expect(local.state.value.camera).not.toBeNull();
    const { published, room } = fakeRoom();
    local.bind(room);
    await settled();
    expect(published).toEqual(opened);
  });

  test("with a blocked device says so and goes on without it", async () => {
    refusal.error = Object.assign(new Error("denied"), { name: "NotAllowedError" });
    const local = media(false, true);
    local.open();
    await settled();
    expect(local.state.value).toMatchObject({ cameraOn: false, cameraBusy: false, fault: "camera-blocked" });
  });
});

describe("a new room", () => {
  test("gets the same tracks, without opening a device again", async () => {
    const local = media(true, true);
    local.bind(fakeRoom().room);
    await settled();
    local.unbind();
    for (const track of opened) track.sender = undefined;
    const second = fakeRoom();
    local.bind(second.room);
    await settled();
    expect(sources(second.published)).toEqual(["camera", "microphone"]);
    expect(opened).toHaveLength(2);
  });

  test("gets what was pressed while there was none", async () => {
    const local = media(true, false);
    local.bind(fakeRoom().room);
    await settled();
    local.unbind();
    local.setMicrophone(false);
    local.setCamera(true);
    await settled();
    const { published, room } = fakeRoom();
    local.bind(room);
    await settled();
    const microphone = published.find((track) => track.source === "microphone");
    expect(microphone?.isMuted ?? true).toBe(true);
    expect(sources(published)).toContain("camera");
  });
});

test("quick presses end in the last wish", async () => {
  const { published, room } = fakeRoom();
  const local = media(true, false);
  local.bind(room);
  for (const on of [false, true, false, true, false]) local.setMicrophone(on);
  expect(local.state.value.microphoneOn).toBe(false);
  await settled();
  expect(published.every((track) => track.isMuted)).toBe(true);
});

test("leaving closes every device", async () => {
  const local = media(true, true);
  local.open();
  await settled();
  local.dispose();
  expect(opened.every((track) => track.stopped)).toBe(true);
});

describe("a device that is unplugged", () => {
  test("is told with the name of the one that took its place, until read", async () => {
    const local = media(true, false);
    local.open();
    await settled();
    const [track] = opened;
    track?.emit(TrackEvent.Ended);
    if (track) track.mediaStreamTrack.label = "Built-in microphone";
    track?.emit(TrackEvent.Restarted);
    expect(local.state.value.replaced).toEqual({ device: "microphone", label: "Built-in microphone" });
    local.replacementRead();
    expect(local.state.value.replaced).toBeNull();
  });

  test("a device that starts anew by itself has not been replaced, nor has one that was off", async () => {
    const local = media(true, false);
    local.open();
    await settled();
    opened[0]?.emit(TrackEvent.Restarted);
    expect(local.state.value.replaced).toBeNull();
    local.setMicrophone(false);
    await settled();
    opened[0]?.emit(TrackEvent.Ended);
    opened[0]?.emit(TrackEvent.Restarted);
    expect(local.state.value.replaced).toBeNull();
  });
});
