import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { translator } from "../i18n/translate";
import { checkMessages } from "../messages/checks";
import type { Capture, DevicePort } from "../prejoin/ports";
import { CHECKS, type Check, type CheckId, freshChecks, NOT_REACHED, passed, withCheck } from "./check";
import { ChecksViewModel, LineCheckViewModel } from "./checks";
import { type FakeNetwork, fakeLine } from "./checks.testing";
import type { CheckPorts } from "./ports";
import { endings, reportOf, verdictText } from "./words";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const t = translator(checkMessages, "en");

interface FakeDevices {
  microphone: "sounds" | "silent" | "asleep" | "blocked";
  camera: "works" | "missing";
  secure: boolean;
  capable: boolean;
}

function fakePorts(devices: Partial<FakeDevices> = {}, network: Partial<FakeNetwork> = {}) {
  const { microphone, camera, secure, capable } = {
    microphone: "sounds",
    camera: "works",
    secure: true,
    capable: true,
    ...devices,
  };
  const { ports: line, log } = fakeLine(network);
  let open = 0;
  const capture = (label: string): Capture => {
    open += 1;
    return {
      stream: { getTracks: () => [{ label }] } as unknown as MediaStream,
      deviceId: null,
      stop: () => {
        open -= 1;
      },
      onGone: () => undefined,
    };
  };
  const port: DevicePort = {
    available: true,
    open: async (wish) => {
      if (wish.microphone !== undefined && microphone === "blocked")
        throw new DOMException("no", "NotAllowedError");
      if (wish.camera !== undefined && camera === "missing") throw new DOMException("no", "NotFoundError");
      return wish.camera === undefined ? { microphone: capture("Headset") } : { camera: capture("Webcam") };
    },
    list: async () => ({ cameras: [], microphones: [], speakers: [] }),
    permission: async () => "denied",
    allowedByFrame: () => true,
    onChange: () => () => undefined,
  };
  const ports: CheckPorts = {
    ...line,
    secure,
    capable,
    devices: port,
    openLevelMeter: () => ({
      peakDb: () => (microphone === "sounds" ? -30 : -100),
      awake: () => microphone !== "asleep",
      close: () => undefined,
    }),
  };
  return { ports, log, open: () => open };
}

async function run(devices: Partial<FakeDevices> = {}, network: Partial<FakeNetwork> = {}) {
  const fake = fakePorts(devices, network);
  const model = new ChecksViewModel(fake.ports, { microphoneId: null, cameraId: null });
  const whole = model.start();
  await vi.advanceTimersByTimeAsync(40_000);
  await whole;
  const of = (id: CheckId) => model.checks.value.find((check) => check.id === id) as Check;
  return { model, of, ...fake };
}

test("all checks of a good device and line pass, and nothing stays open", async () => {
  const { model, open, log } = await run();
  expect(model.checks.value.map(({ id }) => id)).toEqual(CHECKS);
  expect(model.checks.value.filter(({ state }) => state === "passed").map(({ id }) => id)).toEqual(
    CHECKS.filter((id) => !id.startsWith("turn")),
  );
  expect(model.verdict.value).toEqual({ kind: "video" });
  expect([open(), log.opened - log.closed, log.roomClosed]).toEqual([0, 0, true]);
});

test.each<[string, Partial<FakeDevices>, CheckId, string, string]>([
  ["a blocked microphone", { microphone: "blocked" }, "microphone", "failed deniedByBrowser", "unheard"],
  ["a silent microphone", { microphone: "silent" }, "microphone", "warning microphoneSilent", "video"],
  [
    "a browser that listens to nothing yet",
    { microphone: "asleep" },
    "microphone",
    "passed deviceGood",
    "video",
  ],
  ["no camera", { camera: "missing" }, "camera", "failed deviceMissing", "audio"],
  ["plain http", { secure: false }, "secure_page", "failed insecure", "blocked"],
  ["an old browser", { capable: false }, "browser", "failed browserOld", "blocked"],
])("%s", async (_, devices, id, said, verdict) => {
  const { of, model } = await run(devices);
  expect(`${of(id).state} ${of(id).note?.key}`).toBe(said);
  expect(model.verdict.value?.kind).toBe(verdict);
});

test("a second start ends the first one", async () => {
  const { ports, log } = fakePorts();
  const model = new ChecksViewModel(ports, { microphoneId: null, cameraId: null });
  const first = model.start();
  await vi.advanceTimersByTimeAsync(1_500);
  const second = model.start();
  await first;
  expect(model.verdict.value).toBe(null);
  await vi.advanceTimersByTimeAsync(40_000);
  await second;
  expect(model.verdict.value).toEqual({ kind: "video" });
  expect(log.opened).toBe(log.closed);
});

test("the report has the verdict and a line for each check, and no address", async () => {
  const { model } = await run({}, { open: new Set(["tcp"]) });
  const report = reportOf(model.checks.value, model.verdict.value, t, {
    agent: "Browser/1",
    at: new Date("2026-11-21T12:00:00Z"),
  });
  const lines = report.split("\n");
  expect(lines).toHaveLength(CHECKS.length + 3);
  expect(lines[0]).toBe("Better audio only: UDP does not get through, and over TCP pictures may stutter.");
  expect(report).toContain("Media over UDP: failed – UDP 7882 does not get through.");
  expect(report).toContain("Upload: passed – 1000 kbit/s, enough for video.");
  expect(report).not.toMatch(/\{\w+\}|\d+\.\d+\.\d+\.\d+/);
});

test("the check before joining tells its verdict within six seconds, and gives way to joining", async () => {
  const { ports } = fakeLine();
  const model = new LineCheckViewModel(ports);
  model.begin();
  await vi.advanceTimersByTimeAsync(6_000);
  expect(model.verdict.value).toEqual({ kind: "video" });

  const { ports: others, log } = fakeLine();
  const cancelled = new LineCheckViewModel(others);
  cancelled.begin();
  await vi.advanceTimersByTimeAsync(2_000);
  cancelled.end();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(cancelled.verdict.value).toBe(null);
  expect([log.closed, log.roomClosed]).toEqual([1, true]);

  const { ports: unasked, log: nothing } = fakeLine();
  const early = new LineCheckViewModel(unasked);
  early.begin();
  early.end();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(nothing.asked).toEqual([]);
});

test("a verdict is one sentence", () => {
  expect(verdictText({ kind: "video" }, t)).toBe("Ready for video");
  expect(verdictText({ kind: "blocked", reason: "noPath" }, t)).toMatch(/^Blocked: your network/);
});

test("each check is told once when it has ended, and not those that were not reached", () => {
  const fresh = freshChecks(["udp", "tcp", "loss"]);
  const running = withCheck(fresh, "udp", { state: "running", note: null });
  const ended = withCheck(running, "udp", passed("pathGood", { ms: 20 }));
  const all = withCheck(ended, "tcp", NOT_REACHED);
  expect(endings(fresh, running, t)).toEqual([]);
  expect(endings(running, ended, t)).toEqual(["Check 1 of 3, Media over UDP: passed"]);
  expect(endings(ended, all, t)).toEqual([]);
  expect(endings(all, fresh, t)).toEqual([]);
});
