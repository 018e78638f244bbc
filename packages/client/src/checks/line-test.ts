import type { Route } from "../call/line-stats";
import {
  type CheckId,
  type CheckResult,
  failed,
  NOT_REACHED,
  PATHS,
  type PathId,
  passed,
  skipped,
  warned,
} from "./check";
import { judgeLoss, judgePath, judgeRate, judgeThird, WAYS } from "./judge";
import type {
  LinePorts,
  PathPolicy,
  Probe,
  ProbeFailure,
  ProbeFigures,
  TestRoom,
  TestRoomAnswer,
} from "./ports";

/** Checks of the line that one connection can answer in a few seconds. */
export const QUICK = [
  "signalling",
  "udp",
  "tcp",
  "turn_udp",
  "turn_tls",
  "upload",
  "download",
  "loss",
] as const;
/** All checks of the line. */
export const THOROUGH = [...QUICK, "three_party_media"] as const;

/** What the picture of the test may take, in kbit/s: enough to tell a line that carries video. */
const PICTURE_KBITS = 1_000;
const SMALL_PICTURE_KBITS = 300;
/** For media to flow over any way, and over a single one. */
const ANY_MS = 8_000;
const PATH_MS = 6_000;
const LOOK_MS = 1_000;
const THIRD_LOOKS = 10;

/** One test of the line, and where its results go. */
export interface LineTest {
  readonly ports: LinePorts;
  readonly signal: AbortSignal;
  tell(id: CheckId, result: CheckResult | "running"): void;
}

/** Connects once and measures for three seconds. Rejects only when it is cancelled. */
export function testQuickly(whole: LineTest): Promise<void> {
  return inRoom(whole, QUICK, async (room, test) => {
    const first = await room.open("any", 0, ANY_MS);
    if (!answered(test, first)) return;
    if ("failed" in first) return tellNoWay(test, first, room.offer);
    await measure(test, room, first, 3);
    // Only now it stands still: ICE may have found a better way meanwhile.
    const taken = await pathOf(first);
    for (const path of PATHS) {
      const better = taken !== null && PATHS.indexOf(path) < PATHS.indexOf(taken);
      if (path === taken) test.tell(path, judgePath(path, first.mediaMs, null));
      else if (path === "udp" && better) test.tell(path, judgePath(path, null, room.offer.udpPort));
      else test.tell(path, skipped("pathNotOffered"));
    }
  });
}

/** Tries every way by itself, measures, and counts the ways between three. Rejects only when it is cancelled. */
export function testThoroughly(whole: LineTest): Promise<void> {
  return inRoom(whole, THOROUGH, async (room, test) => {
    let line = await room.open("any", 0, ANY_MS);
    if (!answered(test, line)) return;
    const open = await testPaths(test, room, line);
    // A way may carry single packets, but no handshake: then another one that was tried alone still works.
    if ("failed" in line && open !== null) line = await room.open(open, 0, PATH_MS);
    if ("failed" in line) return;
    await measure(test, room, line, 4);
    await testThird(test, room, line, open ?? "any");
  });
}

/** A room of the server and what was opened in it; all is closed in the end. */
class OpenRoom {
  private readonly probes: Probe[] = [];

  constructor(
    readonly offer: TestRoom,
    private readonly test: LineTest,
  ) {}

  async open(policy: PathPolicy, seat: 0 | 1, patienceMs: number): Promise<Probe | ProbeFailure> {
    const { ports, signal } = this.test;
    const { livekitUrl: url, tokens } = this.offer;
    const answer = await ports.openProbe({ url, token: tokens[seat], policy, patienceMs, signal });
    if (!("failed" in answer)) this.probes.push(answer);
    signal.throwIfAborted();
    return answer;
  }

  close(): void {
    for (const probe of this.probes) probe.close();
    this.offer.close();
  }
}

const NO_ROOM = {
  busy: skipped("serverBusy"),
  absent: skipped("testAbsent"),
  faulty: failed("serverFaulty"),
  unreachable: failed("serverUnreachable"),
} as const satisfies Record<Exclude<TestRoomAnswer["kind"], "open">, CheckResult>;

/** Whatever `act` has not told in the end could not be reached. */
async function inRoom(
  test: LineTest,
  ids: readonly CheckId[],
  act: (room: OpenRoom, test: LineTest) => Promise<void>,
): Promise<void> {
  const told = new Set<CheckId>();
  const watched: LineTest = {
    ...test,
    tell: (id, result) => {
      if (result !== "running") told.add(id);
      test.tell(id, result);
    },
  };
  watched.tell("signalling", "running");
  const answer = await test.ports.openRoom(test.signal);
  if (answer.kind !== "open") watched.tell("signalling", NO_ROOM[answer.kind]);
  else {
    const room = new OpenRoom(answer.room, watched);
    try {
      test.signal.throwIfAborted();
      await act(room, watched);
    } finally {
      room.close();
    }
  }
  for (const id of ids) if (!told.has(id)) test.tell(id, NOT_REACHED);
}

/** A connection that says something about the ways of media. */
type Answered = Probe | Extract<ProbeFailure, { failed: "media" }>;

const NO_ANSWER = {
  signalling: failed("signallingFailed"),
  busy: failed("serverFull"),
  page: skipped("pageIncomplete"),
} as const satisfies Record<Exclude<ProbeFailure["failed"], "media">, CheckResult>;

/** Tells of the signalling, and whether the server answered at all. */
function answered(test: LineTest, first: Probe | ProbeFailure): first is Answered {
  if ("failed" in first && first.failed !== "media") {
    test.tell("signalling", NO_ANSWER[first.failed]);
    return false;
  }
  test.tell("signalling", passed("signallingGood", { ms: Math.round(first.signalMs) }));
  return true;
}

/** Nothing came through, whatever was tried at once. */
function tellNoWay(test: LineTest, failure: ProbeFailure, offer: TestRoom): void {
  for (const path of PATHS) {
    if (offered(path, failure, offer)) test.tell(path, judgePath(path, null, portOf(path, offer)));
    else test.tell(path, skipped("pathNotOffered"));
  }
}

/** Tries each way alone but the one that is in use; resolves to the best that is open. */
async function testPaths(test: LineTest, room: OpenRoom, line: Probe | ProbeFailure): Promise<PathId | null> {
  const taken = "failed" in line ? null : await pathOf(line);
  const open = new Set<PathId>();
  for (const path of ["udp", "tcp", "turn_udp", "turn_tls"] as const) {
    if (path === taken && !("failed" in line)) {
      open.add(path);
      test.tell(path, judgePath(path, line.mediaMs, null));
    } else if (!offered(path, line, room.offer)) {
      test.tell(path, skipped("pathNotOffered"));
    } else {
      test.tell(path, "running");
      const answer = await room.open(path, 1, PATH_MS);
      if (!("failed" in answer)) {
        open.add(path);
        answer.close();
        test.tell(path, judgePath(path, answer.mediaMs, null));
      } else if (answer.failed === "media") {
        test.tell(path, judgePath(path, null, portOf(path, room.offer)));
      } else {
        // Nothing is known of the way then.
        test.tell(path, { ...NO_ANSWER[answer.failed], state: "skipped" });
      }
    }
  }
  return PATHS.find((path) => open.has(path)) ?? null;
}

function offered(path: PathId, line: Probe | ProbeFailure, offer: TestRoom): boolean {
  if (path === "tcp") return offer.tcpPort !== null;
  if (path === "udp") return true;
  return "relays" in line && line.relays.has(path);
}

function portOf(path: PathId, offer: TestRoom): number | null {
  if (path === "udp") return offer.udpPort;
  return path === "tcp" ? offer.tcpPort : null;
}

const PATH_OF_ROUTE = {
  udp: "udp",
  tcp: "tcp",
  relay_udp: "turn_udp",
  relay_tcp: "turn_tls",
  relay_tls: "turn_tls",
} as const satisfies Record<Route, PathId>;

async function pathOf(probe: Probe): Promise<PathId | null> {
  const { route } = await probe.figures();
  return route === null ? null : PATH_OF_ROUTE[route];
}

async function measure(test: LineTest, room: OpenRoom, line: Probe, seconds: number): Promise<void> {
  for (const id of ["upload", "download", "loss"] as const) test.tell(id, "running");
  await line.publish(PICTURE_KBITS);
  await line.figures();
  const looks: ProbeFigures[] = [];
  for (let look = 0; look < seconds; look += 1) {
    await pause(LOOK_MS, test.signal);
    looks.push(await line.figures());
  }
  const best = (pick: (figures: ProbeFigures) => number | null) =>
    Math.max(0, ...looks.map((figures) => pick(figures) ?? 0));
  const mean = (pick: (figures: ProbeFigures) => number | null) =>
    looks.reduce((sum, figures) => sum + (pick(figures) ?? 0), 0) / Math.max(1, looks.length);
  test.tell("upload", judgeRate("upload", Math.round(best(({ up }) => up))));
  const download = judgeRate("download", Math.round(best(({ down }) => down)));
  // What comes in is the third's picture: without it nothing was measured.
  const measured = download.state === "passed" || (await room.offer.third()).connected;
  test.tell("download", measured ? download : skipped("thirdAbsent"));
  const percent = Math.round(mean(({ loss }) => loss) * 10) / 10;
  test.tell("loss", judgeLoss(percent, looks.at(-1)?.delay ?? null));
}

async function testThird(test: LineTest, room: OpenRoom, line: Probe, policy: PathPolicy): Promise<void> {
  test.tell("three_party_media", "running");
  const second = await room.open(policy, 1, PATH_MS);
  // What the first connection has measured stays true.
  if ("failed" in second) return test.tell("three_party_media", warned("secondAbsent"));
  await second.publish(SMALL_PICTURE_KBITS);
  let [ways, came] = [0, false];
  for (let look = 0; look < THIRD_LOOKS && ways < WAYS; look += 1) {
    await pause(LOOK_MS, test.signal);
    const third = await room.offer.third();
    came ||= third.connected;
    ways = (await line.picturesFrom()) + (await second.picturesFrom()) + third.pictures;
  }
  test.tell("three_party_media", judgeThird(ways, came));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
}
