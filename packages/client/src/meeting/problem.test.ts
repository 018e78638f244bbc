import { expect, test } from "vitest";
import { type MeetingProblem, mayBeRetried, needsSupport, type WayOn, wayOnFrom } from "./problem";

const rows: [MeetingProblem, { open: WayOn; closed: WayOn; retried: boolean; support: boolean }][] = [
  [{ kind: "unknown" }, { open: "otherCode", closed: "otherCode", retried: false, support: false }],
  [
    { kind: "expired", until: null },
    { open: "newMeeting", closed: "start", retried: false, support: false },
  ],
  [{ kind: "ended" }, { open: "newMeeting", closed: "start", retried: false, support: false }],
  [{ kind: "cancelled" }, { open: "newMeeting", closed: "start", retried: false, support: false }],
  [{ kind: "locked" }, { open: "start", closed: "start", retried: true, support: false }],
  [
    { kind: "full", max: 20 },
    { open: "start", closed: "start", retried: true, support: false },
  ],
  [{ kind: "removed" }, { open: "start", closed: "start", retried: false, support: false }],
  [
    { kind: "rateLimited", seconds: 1 },
    { open: "start", closed: "start", retried: true, support: false },
  ],
  [
    { kind: "busy", seconds: 1 },
    { open: "start", closed: "start", retried: true, support: true },
  ],
  [{ kind: "network" }, { open: "start", closed: "start", retried: true, support: true }],
  [
    { kind: "server", reference: "r" },
    { open: "start", closed: "start", retried: true, support: true },
  ],
];

test.each(rows)("the ways on from %o, where meetings can be created and where not", (problem, expected) => {
  expect({
    open: wayOnFrom(problem, true),
    closed: wayOnFrom(problem, false),
    retried: mayBeRetried(problem),
    support: needsSupport(problem),
  }).toEqual(expected);
});
