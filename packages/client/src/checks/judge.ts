import type { DeviceFault } from "../prejoin/device";
import { type CheckResult, failed, type NoteKey, type PathId, passed, warned } from "./check";

/** A small picture and sound need this much, in kbit/s. */
export const VIDEO_KBITS = 450;
/** Sound alone needs this much, with its redundancy. */
export const SOUND_KBITS = 60;
/** Percent of lost packets that sound and picture hide well, and that they do not. */
const LOSS_NOTICED = 2;
const LOSS_HIGH = 8;
/** Each of three participants to each other one. */
export const WAYS = 6;
const WAYS_OF_TWO = 2;

/** A measured rate in kbit/s. */
export function judgeRate(direction: "upload" | "download", kbits: number): CheckResult {
  const up = direction === "upload";
  if (kbits >= VIDEO_KBITS) return passed("rateGood", { kbits });
  if (kbits >= SOUND_KBITS) return warned(up ? "uploadLow" : "downloadLow", { kbits });
  return failed(up ? "uploadNone" : "downloadNone", { kbits });
}

/** Percent of packets lost, the worse direction, with the time to the server and back. */
export function judgeLoss(percent: number, delayMs: number | null): CheckResult {
  const values = { percent, ms: delayMs ?? 0 };
  if (percent >= LOSS_HIGH) return failed("lossHigh", values);
  return percent >= LOSS_NOTICED ? warned("lossSome", values) : passed("lossGood", values);
}

/** How many of the six ways between three participants carried pictures; without the third there are only two. */
export function judgeThird(ways: number, thirdCame: boolean): CheckResult {
  if (!thirdCame && ways >= WAYS_OF_TWO) return warned("thirdAbsent");
  if (ways >= WAYS) return passed("thirdGood", { n: ways });
  return ways === 0 ? failed("thirdNone") : failed("thirdPartly", { n: ways });
}

const PATH_FAILED = {
  udp: "udpFailed",
  tcp: "tcpFailed",
  turn_udp: "turnUdpFailed",
  turn_tls: "turnTlsFailed",
} as const satisfies Record<PathId, NoteKey>;

/** A way that carried a connection after `ms`, or none. */
export function judgePath(path: PathId, ms: number | null, port: number | null): CheckResult {
  if (ms !== null) return passed("pathGood", { ms: Math.round(ms) });
  return failed(PATH_FAILED[path], { port: port === null ? "" : `${port} ` });
}

const DEVICE_NOTES = {
  deniedByBrowser: "deniedByBrowser",
  deniedBySystem: "deniedBySystem",
  deniedByFrame: "deniedByFrame",
  missing: "deviceMissing",
  inUse: "deviceInUse",
  insecure: "insecure",
  failed: "deviceFailed",
} as const satisfies Record<DeviceFault, NoteKey>;

export function judgeFault(fault: DeviceFault): CheckResult {
  return failed(DEVICE_NOTES[fault]);
}
