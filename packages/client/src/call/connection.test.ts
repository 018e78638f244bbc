import { DisconnectReason } from "livekit-client";
import { describe, expect, test } from "vitest";
import {
  type Connection,
  connectionPhase,
  nextConnection,
  RESUME_FOR_MS,
  rejoinDelay,
  resumeDelay,
} from "./connection";
import { afterDisconnect, finalRefusal } from "./end-reason";

describe("what the page shows of an outage", () => {
  test.each([
    [0, "frozen"],
    [1_999, "frozen"],
    [2_000, "reconnecting"],
    [9_999, "reconnecting"],
    [10_000, "reconnecting-long"],
    [59_999, "reconnecting-long"],
    [60_000, "lost"],
  ] as const)("after %i ms: %s", (outage, phase) => {
    expect(connectionPhase({ status: "interrupted", since: 500, cause: "line" }, 500 + outage)).toBe(phase);
  });

  test("a restart that was announced is told at once", () => {
    expect(connectionPhase({ status: "interrupted", since: 500, cause: "restart" }, 500)).toBe(
      "reconnecting",
    );
  });
});

describe("the way back", () => {
  const up: Connection = { status: "connected", notice: null };
  const cut = nextConnection(up, { type: "interrupted", at: 1_000 });

  test("an outage nobody noticed is not mentioned", () => {
    expect(nextConnection(cut, { type: "connected", at: 2_900 })).toEqual(up);
  });

  test("after a longer one the missed seconds are told", () => {
    expect(nextConnection(cut, { type: "connected", at: 8_400 })).toEqual({
      status: "connected",
      notice: { missedSeconds: 7, at: 8_400 },
    });
  });

  test("a second cut within an outage does not restart its clock", () => {
    expect(nextConnection(cut, { type: "interrupted", at: 5_000 })).toBe(cut);
  });

  test("the reason may follow the cut, and stays", () => {
    const told = nextConnection(cut, { type: "interrupted", at: 1_100, cause: "restart" });
    expect(told).toEqual({ status: "interrupted", since: 1_000, cause: "restart" });
    expect(nextConnection(told, { type: "interrupted", at: 1_200, cause: "line" })).toBe(told);
  });

  test("a first connection that fails stays connecting", () => {
    const first: Connection = { status: "connecting", since: 0, busy: false };
    expect(nextConnection(first, { type: "interrupted", at: 100 })).toBe(first);
  });

  test("nothing brings back what was ended", () => {
    const ended = nextConnection(cut, { type: "ended" });
    expect(nextConnection(ended, { type: "connected", at: 9_000 })).toEqual({ status: "ended" });
  });
});

describe("pauses between tries", () => {
  test("resuming hands over to a fresh connection in time", () => {
    expect(resumeDelay(0, 0, 0.5)).toBeLessThan(100);
    expect(resumeDelay(9, RESUME_FOR_MS + 1, 0.5)).toBeNull();
  });

  test("fresh connections are tried at least every 2.5 seconds", () => {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      expect(rejoinDelay(attempt, 1)).toBeLessThanOrEqual(2_500);
      expect(rejoinDelay(attempt, 0)).toBeGreaterThan(0);
    }
  });
});

describe("why a room was closed", () => {
  test.each([
    [DisconnectReason.CLIENT_INITIATED, { next: "end", reason: "left" }],
    [DisconnectReason.DUPLICATE_IDENTITY, { next: "end", reason: "other_device" }],
    [DisconnectReason.PARTICIPANT_REMOVED, { next: "end", reason: "removed" }],
    [DisconnectReason.ROOM_DELETED, { next: "rejoin" }],
    [DisconnectReason.SERVER_SHUTDOWN, { next: "rejoin" }],
    [DisconnectReason.STATE_MISMATCH, { next: "rejoin" }],
    [undefined, { next: "rejoin" }],
  ])("%s", (reason, after) => {
    expect(afterDisconnect(reason)).toEqual(after);
  });

  test.each([
    ["participant_removed", "removed"],
    ["meeting_ended", "ended"],
    ["meeting_expired", "ended"],
    ["meeting_full", null],
    ["capacity", null],
    ["rate_limited", null],
    [null, null],
  ])("a join refused with %s: %s", (code, reason) => {
    expect(finalRefusal(code)).toBe(reason);
  });
});
