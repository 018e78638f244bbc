import { expect, test } from "vitest";
import { detailsBetween, type LineSample, NO_DETAILS, sampleOf } from "./line-stats";

/** Statistics as Chromium gives them, reduced to what is read. */
function report(change: { sent?: number; received?: number; lost?: number; packets?: number } = {}) {
  const entries: Record<string, unknown>[] = [
    { id: "T", type: "transport", selectedCandidatePairId: "P", packetsReceived: 900 },
    {
      id: "P",
      type: "candidate-pair",
      nominated: true,
      localCandidateId: "L",
      currentRoundTripTime: 0.042,
      bytesReceived: 5_000,
      responsesReceived: 7,
    },
    { id: "P2", type: "candidate-pair", nominated: false, localCandidateId: "L2", currentRoundTripTime: 2 },
    { id: "L", type: "local-candidate", candidateType: "host", protocol: "udp" },
    { id: "L2", type: "local-candidate", candidateType: "host", protocol: "tcp" },
    { id: "V", type: "codec", mimeType: "video/VP8" },
    { id: "A", type: "codec", mimeType: "audio/opus" },
    {
      id: "out",
      type: "outbound-rtp",
      kind: "video",
      codecId: "V",
      bytesSent: change.sent ?? 0,
      qualityLimitationReason: "bandwidth",
    },
    {
      id: "in",
      type: "inbound-rtp",
      kind: "audio",
      codecId: "A",
      trackIdentifier: "voice",
      bytesReceived: change.received ?? 0,
      packetsReceived: change.packets ?? 100,
      packetsLost: change.lost ?? 0,
      totalAudioEnergy: 0.5,
    },
    { id: "heard", type: "remote-inbound-rtp", kind: "video", fractionLost: 0.034 },
  ];
  return new Map(entries.map((entry) => [entry.id as string, entry]));
}

test("the figures of a line are read from the chosen pair and the streams", () => {
  const before = sampleOf([report()], 0);
  const now = sampleOf([report({ sent: 250_000, received: 125_000, packets: 190, lost: 10 })], 2_000);
  expect(detailsBetween(before, now)).toEqual({
    up: 1_000,
    down: 500,
    lossUp: 3.4,
    lossDown: 10,
    delay: 42,
    route: "udp",
    videoCodec: "VP8",
    audioCodec: "opus",
  });
  expect(now.uploadLimited).toBe(true);
  expect(now.processorLimited).toBe(false);
  expect([...now.sounds]).toEqual([["voice", { energy: 0.5, packets: 190, lostShare: null }]]);
  expect(now.arrivals).toBeGreaterThan(before.arrivals);
});

test("a new connection starts its counters anew, which is no negative rate", () => {
  const before = sampleOf([report({ sent: 1_000_000, received: 1_000_000 })], 0);
  const details = detailsBetween(before, sampleOf([report()], 1_000));
  expect([details.up, details.down]).toEqual([null, null]);
});

test("a browser that tells nothing gives an empty picture, never an error", () => {
  const empty: LineSample = sampleOf([new Map([["x", { type: "transport" }]])], 0);
  expect(detailsBetween(null, empty)).toEqual(NO_DETAILS);
});

test.each([
  [{ candidateType: "relay", protocol: "udp", relayProtocol: "udp" }, "relay_udp"],
  [{ candidateType: "relay", protocol: "udp", relayProtocol: "tcp" }, "relay_tcp"],
  [{ candidateType: "relay", protocol: "udp", relayProtocol: "tls" }, "relay_tls"],
  [{ candidateType: "relay", protocol: "udp" }, "relay_udp"],
  [{ candidateType: "host", protocol: "tcp" }, "tcp"],
  [{ candidateType: "prflx", protocol: "udp" }, "udp"],
])("the route of a %o candidate is %s", (candidate, route) => {
  const stats = report();
  stats.set("L", { id: "L", type: "local-candidate", ...candidate });
  expect(sampleOf([stats], 0).route).toBe(route);
});

/** A camera 1,280 pixels wide, and the widths that are sent of it. */
const camera = (reason: string, ...widths: readonly number[]): ReadonlyMap<string, unknown> => {
  const sizes = widths.map((frameWidth, index) => ({
    id: `size ${index}`,
    type: "outbound-rtp",
    kind: "video",
    mediaSourceId: "camera",
    qualityLimitationReason: reason,
    // Browsers name none for a size that is not sent.
    ...(frameWidth === 0 ? {} : { frameWidth }),
  }));
  const source = { id: "camera", type: "media-source", kind: "video", trackIdentifier: "lens", width: 1_280 };
  return new Map([source, ...sizes].map((entry) => [entry.id, entry]));
};

/** The same, sent higher than wide. */
const turned = (sent: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> =>
  new Map([...sent].map(([id, entry]) => [id, { frameHeight: 1_280, ...(entry as object) }]));

test.each<[string, ReadonlyMap<string, unknown>, boolean]>([
  ["all sizes are sent", camera("none", 320, 640, 1_280), false],
  ["bits are saved in all sizes", camera("bandwidth", 320, 640, 1_280), false],
  ["the largest size is no longer sent", camera("bandwidth", 320, 640, 0), true],
  ["nobody asks for the largest size", camera("none", 320, 640, 0), false],
  ["the processor is short of time", camera("cpu", 640), false],
  ["the one size became smaller", camera("bandwidth", 640), true],
  ["a phone turns the picture", turned(camera("bandwidth", 720)), false],
  ["the one size is rounded", camera("bandwidth", 1_272), false],
])("a slow upload lowers our picture: %s", (_, sent, lowered) => {
  expect(sampleOf([sent], 0).pictureLowered).toBe(lowered);
});

test("a camera that is off is held back by nothing, whatever the browser said of it last", () => {
  for (const reason of ["bandwidth", "cpu"]) {
    const { uploadLimited, pictureLowered, processorLimited } = sampleOf(
      [camera(reason, 320, 0)],
      0,
      new Set(["lens"]),
    );
    expect([uploadLimited, pictureLowered, processorLimited]).toEqual([false, false, false]);
  }
});
