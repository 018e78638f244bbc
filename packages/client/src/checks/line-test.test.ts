import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type CheckId, type CheckResult, freshChecks, type PathId, withCheck } from "./check";
import { type FakeNetwork, fakeLine } from "./checks.testing";
import { QUICK, THOROUGH, testQuickly, testThoroughly } from "./line-test";
import { type Verdict, verdictOf } from "./verdict";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Runs a test of a network to its end. */
async function run(kind: "quick" | "thorough", change: Partial<FakeNetwork> = {}) {
  const { ports, log } = fakeLine(change);
  const ids: readonly CheckId[] = kind === "quick" ? QUICK : THOROUGH;
  let checks = freshChecks(ids);
  const tell = (id: CheckId, result: CheckResult | "running") => {
    if (result !== "running") checks = withCheck(checks, id, result);
  };
  const whole = (kind === "quick" ? testQuickly : testThoroughly)({
    ports,
    tell,
    signal: new AbortController().signal,
  });
  await vi.advanceTimersByTimeAsync(30_000);
  await whole;
  const states = Object.fromEntries(
    checks.map(({ id, state, note }) => [id, note === null ? state : `${state} ${note.key}`]),
  );
  return { states, verdict: verdictOf(checks), log };
}

const alone = (...ways: PathId[]): Partial<FakeNetwork> => ({ open: new Set(ways) });
const relay: Partial<FakeNetwork> = { relays: ["turn_udp", "turn_tls"] };

describe("the thorough test", () => {
  test("of a good line tries each way, measures, and counts the ways between three", async () => {
    const { states, verdict, log } = await run("thorough");
    expect(states).toEqual({
      signalling: "passed signallingGood",
      udp: "passed pathGood",
      tcp: "passed pathGood",
      turn_udp: "skipped pathNotOffered",
      turn_tls: "skipped pathNotOffered",
      upload: "passed rateGood",
      download: "passed rateGood",
      loss: "passed lossGood",
      three_party_media: "passed thirdGood",
    });
    expect(verdict).toEqual({ kind: "video" });
    expect(log.asked).toEqual(["one any", "two tcp", "publish 1000", "two udp", "publish 300"]);
  });

  test.each<[string, Partial<FakeNetwork>, Verdict, Record<string, string>]>([
    [
      "UDP is blocked",
      alone("tcp"),
      { kind: "audio", reason: "tcpOnly" },
      { udp: "failed udpFailed", tcp: "passed pathGood", upload: "passed rateGood" },
    ],
    [
      "only the relay by UDP is open",
      { ...relay, ...alone("turn_udp") },
      { kind: "video" },
      { udp: "failed udpFailed", tcp: "failed tcpFailed", turn_tls: "failed turnTlsFailed" },
    ],
    [
      "only the relay by TLS is open",
      { ...relay, ...alone("turn_tls") },
      { kind: "audio", reason: "tcpOnly" },
      { turn_udp: "failed turnUdpFailed", turn_tls: "passed pathGood" },
    ],
    [
      "nothing is open",
      alone(),
      { kind: "blocked", reason: "noPath" },
      { signalling: "passed signallingGood", upload: "skipped", loss: "skipped" },
    ],
    [
      "UDP carries single packets, but no handshake",
      { ...alone("tcp"), anyFails: true },
      { kind: "audio", reason: "tcpOnly" },
      { tcp: "passed pathGood", upload: "passed rateGood" },
    ],
    [
      "the server has no TCP port",
      { ...alone("udp"), tcpPort: null },
      { kind: "video" },
      { tcp: "skipped pathNotOffered" },
    ],
    [
      "WebSockets do not get through",
      { signalling: "signalling" },
      { kind: "blocked", reason: "server" },
      { signalling: "failed signallingFailed", udp: "skipped" },
    ],
    [
      "the server does not answer",
      { answer: "unreachable" },
      { kind: "blocked", reason: "server" },
      { signalling: "failed serverUnreachable", upload: "skipped" },
    ],
    [
      "the server has no place for a test",
      { answer: "busy" },
      { kind: "unknown" },
      { signalling: "skipped serverBusy", upload: "skipped" },
    ],
    [
      "the media server is at its limit",
      { signalling: "busy" },
      { kind: "blocked", reason: "full" },
      { signalling: "failed serverFull", udp: "skipped" },
    ],
    [
      "a part of the page did not load",
      { signalling: "page" },
      { kind: "unknown" },
      { signalling: "skipped pageIncomplete", udp: "skipped" },
    ],
    [
      "the server knows no test",
      { answer: "absent" },
      { kind: "unknown" },
      { signalling: "skipped testAbsent", upload: "skipped" },
    ],
    [
      "the media server behind it is gone",
      { answer: "faulty" },
      { kind: "blocked", reason: "faulty" },
      { signalling: "failed serverFaulty", upload: "skipped" },
    ],
    [
      "the second connection does not come about",
      { secondFails: true },
      { kind: "video" },
      { upload: "passed rateGood", three_party_media: "warning secondAbsent" },
    ],
    [
      "the upload is slow",
      { up: 240 },
      { kind: "audio", reason: "uploadSlow" },
      { upload: "warning uploadLow" },
    ],
    [
      "the download carries nothing",
      { down: 12 },
      { kind: "audio", reason: "downloadSlow" },
      { download: "failed downloadNone" },
    ],
    ["some packets get lost", { loss: 3 }, { kind: "video" }, { loss: "warning lossSome" }],
    ["many packets get lost", { loss: 12 }, { kind: "audio", reason: "lossy" }, { loss: "failed lossHigh" }],
    [
      "the third is not seen",
      { pictures: [1, 1, 2] },
      { kind: "audio", reason: "partly" },
      { three_party_media: "failed thirdPartly" },
    ],
    [
      "the server's own participant does not come in",
      { third: false, pictures: [1, 1, 0], down: 20 },
      { kind: "video" },
      { three_party_media: "warning thirdAbsent", download: "skipped thirdAbsent" },
    ],
    [
      "nobody is seen",
      { pictures: [0, 0, 0] },
      { kind: "blocked", reason: "noMedia" },
      { three_party_media: "failed thirdNone" },
    ],
  ])("when %s", async (_, change, verdict, states) => {
    const result = await run("thorough", change);
    expect(result.states).toMatchObject(states);
    expect(result.verdict).toEqual(verdict);
    expect(result.log.closed).toBe(result.log.opened);
    expect(result.log.roomClosed).toBe(change.answer === undefined);
  });
});

describe("the quick test", () => {
  test.each<[string, Partial<FakeNetwork>, Verdict]>([
    ["a good line", {}, { kind: "video" }],
    ["UDP is blocked", alone("tcp"), { kind: "audio", reason: "tcpOnly" }],
    ["only a relay is open", { ...relay, ...alone("turn_tls") }, { kind: "audio", reason: "tcpOnly" }],
    ["nothing is open", alone(), { kind: "blocked", reason: "noPath" }],
    ["no server", { answer: "unreachable" }, { kind: "blocked", reason: "server" }],
    ["a busy server", { answer: "busy" }, { kind: "unknown" }],
    ["a server at its limit", { signalling: "busy" }, { kind: "blocked", reason: "full" }],
    ["a slow upload", { up: 100 }, { kind: "audio", reason: "uploadSlow" }],
  ])("%s", async (_, change, verdict) => {
    const result = await run("quick", change);
    expect(result.verdict).toEqual(verdict);
    expect(result.log.closed).toBe(result.log.opened);
  });

  test("asks for one connection only, and is over within four seconds", async () => {
    const { ports, log } = fakeLine();
    const done = vi.fn();
    void testQuickly({ ports, tell: () => undefined, signal: new AbortController().signal }).then(done);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(done).toHaveBeenCalled();
    expect(log.asked).toEqual(["one any", "publish 1000"]);
  });

  test("that is cancelled closes everything at once and tells nothing more", async () => {
    const { ports, log } = fakeLine();
    const abort = new AbortController();
    const told = vi.fn();
    const test = testQuickly({ ports, tell: told, signal: abort.signal });
    const rejected = expect(test).rejects.toBeDefined();
    await vi.advanceTimersByTimeAsync(1_500);
    const before = told.mock.calls.length;
    abort.abort();
    await rejected;
    expect([log.closed, log.roomClosed]).toEqual([1, true]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told.mock.calls.length).toBe(before);
  });
});
