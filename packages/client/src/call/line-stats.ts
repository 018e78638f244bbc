/** One look at the counters of all peer connections. */
export interface LineSample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly packetsDown: number;
  readonly lostDown: number;
  /** Share of our packets that the server missed lately, 0 to 1; `null` before it has told. */
  readonly lostUp: number | null;
  /** Round trip to the server in milliseconds; `null` before the first answer. */
  readonly delayMs: number | null;
  readonly route: Route | null;
  /** What the browser believes that the line carries from us, in kbit/s. */
  readonly estimateUp: number | null;
  readonly videoCodec: string | null;
  readonly audioCodec: string | null;
  /** Rises with anything that arrives, answers to connectivity checks included. */
  readonly arrivals: number;
  /** The browser counts answers to connectivity checks, of which one comes every few seconds: not all do. */
  readonly countsChecks: boolean;
  /** Received sound and that of our microphone, by track identifier. */
  readonly sounds: ReadonlyMap<string, SoundCounters>;
  /** The encoder saves bits of a picture because the upload is too slow. */
  readonly uploadLimited: boolean;
  /** It saves so many that nobody gets the picture in its whole size. */
  readonly pictureLowered: boolean;
  /** The encoder lowers our picture because the processor is short of time. */
  readonly processorLimited: boolean;
}

/** The way packets take; a relay is reached over UDP, TCP or TLS. */
export type Route = "udp" | "tcp" | "relay_udp" | "relay_tcp" | "relay_tls";

/** What one track of sound has counted so far; `null` where the browser does not tell. */
export interface SoundCounters {
  readonly energy: number | null;
  /** Received, or sent where it is our own. */
  readonly packets: number | null;
  /** Share of our packets that the server missed lately, 0 to 1. */
  readonly lostShare: number | null;
}

/** What the connection's page shows; rates in kbit/s, loss in percent, delay in milliseconds. */
export interface LineDetails {
  readonly up: number | null;
  readonly down: number | null;
  readonly lossUp: number | null;
  readonly lossDown: number | null;
  readonly delay: number | null;
  readonly route: Route | null;
  readonly videoCodec: string | null;
  readonly audioCodec: string | null;
}

/** Before the first look, or from a browser that tells nothing. */
export const NO_DETAILS: LineDetails = {
  up: null,
  down: null,
  lossUp: null,
  lossDown: null,
  delay: null,
  route: null,
  videoCodec: null,
  audioCodec: null,
};

type Entry = Readonly<Record<string, unknown>>;

const numberOf = (entry: Entry | undefined, field: string): number => {
  const value = entry?.[field];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
};
const textOf = (entry: Entry | undefined, field: string): string => {
  const value = entry?.[field];
  return typeof value === "string" ? value : "";
};

/**
 * Reads what is needed out of the browser's statistics (W3C webrtc-stats); what is absent counts as nothing. Of `muted`
 * tracks of our own the browser goes on telling what last held them back.
 */
export function sampleOf(
  reports: readonly ReadonlyMap<string, unknown>[],
  at: number,
  muted: ReadonlySet<string> = new Set(),
): LineSample {
  const entries: readonly Entry[] = reports.flatMap((report) => [...report.values()] as Entry[]);
  const ofType = (type: string) => entries.filter((entry) => entry.type === type);
  const byId = new Map(
    entries.filter((entry) => entry.id !== undefined).map((entry) => [textOf(entry, "id"), entry]),
  );
  const sum = (list: readonly Entry[], field: string) =>
    list.reduce((total, entry) => total + numberOf(entry, field), 0);
  const inbound = ofType("inbound-rtp");
  const outbound = ofType("outbound-rtp");
  const sources = ofType("media-source");
  const resting = sources.filter((source) => muted.has(textOf(source, "trackIdentifier")));
  const encoded = outbound.filter((entry) => !resting.some(({ id }) => id === entry.mediaSourceId));
  const heard = ofType("remote-inbound-rtp");
  const pairs = chosenPairs(ofType("transport"), ofType("candidate-pair"), byId);
  const streams: readonly Entry[] = [...outbound, ...inbound];
  const codecOf = (kind: string) =>
    streams
      .filter((entry) => entry.kind === kind)
      .map((entry) => textOf(byId.get(textOf(entry, "codecId")), "mimeType").split("/")[1])
      .find((name) => name !== undefined && name !== "") ?? null;
  return {
    at,
    bytesUp: sum(outbound, "bytesSent") + sum(outbound, "headerBytesSent"),
    bytesDown: sum(inbound, "bytesReceived") + sum(inbound, "headerBytesReceived"),
    packetsDown: sum(inbound, "packetsReceived"),
    lostDown: sum(inbound, "packetsLost"),
    lostUp: heard.length === 0 ? null : Math.max(...heard.map((entry) => numberOf(entry, "fractionLost"))),
    delayMs: delayOf(pairs),
    route: routeOf(pairs, byId),
    estimateUp: estimateOf(pairs),
    videoCodec: codecOf("video"),
    audioCodec: codecOf("audio"),
    arrivals:
      sum(ofType("transport"), "packetsReceived") +
      sum(inbound, "packetsReceived") +
      sum(pairs, "bytesReceived") +
      sum(pairs, "responsesReceived"),
    countsChecks: sum(pairs, "responsesReceived") > 0,
    sounds: new Map([
      ...inbound.filter(isSound).map(receivedSound),
      ...sources.filter(isSound).map((source) => sentSound(source, outbound, heard)),
    ]),
    uploadLimited: encoded.some(isUploadLimited),
    pictureLowered: sources.some((source) => isLowered(source, encoded)),
    processorLimited: encoded.some((entry) => entry.qualityLimitationReason === "cpu"),
  };
}

const isUploadLimited = (entry: Entry) => entry.qualityLimitationReason === "bandwidth";

/** Encoders round sizes, in pixels. */
const ROUNDING = 16;

/** Whether a slow upload keeps all sizes of a picture below that of its source; one that is not sent has none. */
function isLowered(source: Entry, outbound: readonly Entry[]): boolean {
  const sizes = outbound.filter((entry) => entry.mediaSourceId === source.id);
  // Of both sides the longer one: phones turn pictures.
  const longest = (entry: Entry, ...sides: readonly string[]) =>
    Math.max(...sides.map((side) => numberOf(entry, side)));
  const sent = Math.max(0, ...sizes.map((entry) => longest(entry, "frameWidth", "frameHeight")));
  return sizes.some(isUploadLimited) && sent < longest(source, "width", "height") - ROUNDING;
}

const isSound = (entry: Entry) => entry.kind === "audio";
const known = (entry: Entry | undefined, field: string): number | null =>
  typeof entry?.[field] === "number" ? numberOf(entry, field) : null;

function receivedSound(entry: Entry): [track: string, SoundCounters] {
  const counters = {
    energy: known(entry, "totalAudioEnergy"),
    packets: known(entry, "packetsReceived"),
    lostShare: null,
  };
  return [textOf(entry, "trackIdentifier"), counters];
}

function sentSound(
  source: Entry,
  outbound: readonly Entry[],
  heard: readonly Entry[],
): [track: string, SoundCounters] {
  const stream = outbound.find((entry) => entry.mediaSourceId === source.id);
  const answer = heard.find((entry) => entry.localId === stream?.id);
  const counters = {
    energy: known(source, "totalAudioEnergy"),
    packets: known(stream, "packetsSent"),
    lostShare: known(answer, "fractionLost"),
  };
  return [textOf(source, "trackIdentifier"), counters];
}

function chosenPairs(
  transports: readonly Entry[],
  pairs: readonly Entry[],
  byId: ReadonlyMap<string, Entry>,
): Entry[] {
  const chosen = transports.flatMap((transport): readonly Entry[] => {
    const pair = byId.get(textOf(transport, "selectedCandidatePairId"));
    return pair === undefined ? [] : [pair];
  });
  // Firefox names no chosen pair, but marks it.
  return chosen.length > 0 ? chosen : pairs.filter((pair) => pair.nominated === true);
}

function delayOf(pairs: readonly Entry[]): number | null {
  const delays = pairs.map((pair) => numberOf(pair, "currentRoundTripTime")).filter((delay) => delay > 0);
  return delays.length === 0 ? null : Math.max(...delays) * 1000;
}

function estimateOf(pairs: readonly Entry[]): number | null {
  const most = Math.max(0, ...pairs.map((pair) => numberOf(pair, "availableOutgoingBitrate")));
  return most === 0 ? null : Math.round(most / 1_000);
}

const RELAYS: Readonly<Record<string, Route>> = { tcp: "relay_tcp", tls: "relay_tls" };

function routeOf(pairs: readonly Entry[], byId: ReadonlyMap<string, Entry>): Route | null {
  const local = pairs.map((pair) => byId.get(textOf(pair, "localCandidateId")));
  if (local.length === 0) return null;
  const relayed = local.find((candidate) => candidate?.candidateType === "relay");
  if (relayed !== undefined) return RELAYS[textOf(relayed, "relayProtocol")] ?? "relay_udp";
  return local.some((candidate) => candidate?.protocol === "tcp") ? "tcp" : "udp";
}

/** What lies between two looks; rates stay unknown without an earlier one. */
export function detailsBetween(before: LineSample | null, now: LineSample): LineDetails {
  const seconds = before === null ? 0 : (now.at - before.at) / 1000;
  const rate = (bytes: (sample: LineSample) => number): number | null => {
    if (before === null || seconds <= 0) return null;
    // Counters start anew with a new connection.
    const more = bytes(now) - bytes(before);
    return more < 0 ? null : Math.round((more * 8) / 1000 / seconds);
  };
  const came = now.packetsDown - (before?.packetsDown ?? 0);
  const lost = now.lostDown - (before?.lostDown ?? 0);
  const percent = (share: number) => Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10;
  return {
    up: rate((sample) => sample.bytesUp),
    down: rate((sample) => sample.bytesDown),
    lossUp: now.lostUp === null ? null : percent(now.lostUp),
    lossDown: came + lost <= 0 ? null : percent(lost / (came + lost)),
    delay: now.delayMs === null ? null : Math.round(now.delayMs),
    route: now.route,
    videoCodec: now.videoCodec,
    audioCodec: now.audioCodec,
  };
}
