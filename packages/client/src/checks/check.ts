/**
 * What the page can check by itself, in the order in which it is shown. `heydok doctor` uses the same names, and its
 * `turn_tcp` is part of our `turn_tls`: browsers do not say which of both they use.
 */
export const CHECKS = [
  "secure_page",
  "browser",
  "microphone",
  "camera",
  "signalling",
  "udp",
  "tcp",
  "turn_udp",
  "turn_tls",
  "upload",
  "download",
  "loss",
  "three_party_media",
] as const;
export type CheckId = (typeof CHECKS)[number];

/** Ways that media can take, best first. */
export const PATHS = ["udp", "turn_udp", "tcp", "turn_tls"] as const satisfies readonly CheckId[];
export type PathId = (typeof PATHS)[number];

export type CheckState = "waiting" | "running" | "passed" | "warning" | "failed" | "skipped";

/** A sentence of `checkMessages`, with what stands in it. */
export interface Note {
  readonly key: NoteKey;
  readonly values?: Readonly<Record<string, string | number>>;
}

/** The sentences about results; a key that `checkMessages` lacks is a type error there. */
export type NoteKey =
  | "secure"
  | "insecure"
  | "browserGood"
  | "browserOld"
  | "deviceGood"
  | "microphoneSilent"
  | "deniedByBrowser"
  | "deniedBySystem"
  | "deniedByFrame"
  | "deviceMissing"
  | "deviceInUse"
  | "deviceFailed"
  | "signallingGood"
  | "signallingFailed"
  | "serverUnreachable"
  | "serverFull"
  | "serverFaulty"
  | "testAbsent"
  | "pageIncomplete"
  | "pathGood"
  | "udpFailed"
  | "tcpFailed"
  | "turnUdpFailed"
  | "turnTlsFailed"
  | "pathNotOffered"
  | "serverBusy"
  | "rateGood"
  | "uploadLow"
  | "downloadLow"
  | "uploadNone"
  | "downloadNone"
  | "lossGood"
  | "lossSome"
  | "lossHigh"
  | "thirdGood"
  | "thirdPartly"
  | "thirdNone"
  | "thirdAbsent"
  | "secondAbsent";

export interface CheckResult {
  readonly state: Exclude<CheckState, "waiting" | "running">;
  /** `null` where another check has said why. */
  readonly note: Note | null;
}

export interface Check {
  readonly id: CheckId;
  readonly state: CheckState;
  readonly note: Note | null;
}

export const passed = (key: NoteKey, values?: Note["values"]): CheckResult => made("passed", key, values);
export const warned = (key: NoteKey, values?: Note["values"]): CheckResult => made("warning", key, values);
export const failed = (key: NoteKey, values?: Note["values"]): CheckResult => made("failed", key, values);
export const skipped = (key: NoteKey, values?: Note["values"]): CheckResult => made("skipped", key, values);
/** A check before it failed, and has said why. */
export const NOT_REACHED: CheckResult = { state: "skipped", note: null };

function made(state: CheckResult["state"], key: NoteKey, values: Note["values"]): CheckResult {
  return { state, note: values === undefined ? { key } : { key, values } };
}

/** All of these, not yet begun. */
export function freshChecks(ids: readonly CheckId[]): readonly Check[] {
  return ids.map((id) => ({ id, state: "waiting", note: null }));
}

/** The list after news about one of them. */
export function withCheck(
  checks: readonly Check[],
  id: CheckId,
  result: CheckResult | { readonly state: "running"; readonly note: null },
): readonly Check[] {
  return checks.map((check) => (check.id === id ? { id, ...result } : check));
}
