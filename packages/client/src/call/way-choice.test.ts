import { expect, test } from "vitest";
import type { PathId } from "../checks/check";
import { REMEMBERED_FOR_MS, WayChoice } from "./way-choice";

const none: ReadonlySet<PathId> = new Set();
const relays: ReadonlySet<PathId> = new Set(["turn_udp", "turn_tls"] as const);

/** The ways of that many attempts, all of which fail, and which of them for the way. */
function tried(offered: ReadonlySet<PathId>, attempts: number, wayFailed = true): string[] {
  const choice = new WayChoice();
  return Array.from({ length: attempts }, () => {
    const { policy, patienceMs } = choice.next(0);
    choice.failed(offered, wayFailed);
    return `${policy} ${patienceMs}`;
  });
}

test("after the browser's own choice each other way is tried alone, and then all again", () => {
  expect(tried(none, 4)).toEqual(["any 7000", "tcp 5000", "any 12000", "tcp 5000"]);
  expect(tried(relays, 4)).toEqual(["any 7000", "tcp 5000", "turn_tls 5000", "any 12000"]);
});

test("no way is blamed for a server that was slow", () => {
  expect(tried(relays, 3, false)).toEqual(["any 7000", "any 12000", "any 12000"]);
});

test("a way that worked is taken first for ten minutes", () => {
  const choice = new WayChoice();
  choice.failed(none, true);
  choice.succeeded("tcp", 1_000);
  expect(choice.next(REMEMBERED_FOR_MS).policy).toBe("tcp");
  expect(choice.next(REMEMBERED_FOR_MS + 1_000).policy).toBe("any");
});

test("a remembered way that fails is forgotten for the browser's own choice", () => {
  const choice = new WayChoice();
  choice.failed(none, true);
  choice.succeeded("tcp", 0);
  choice.failed(none, true);
  expect(choice.next(0).policy).toBe("any");
});

test("the browser's own choice is never a way to remember", () => {
  const choice = new WayChoice();
  choice.succeeded("any", 0);
  expect(choice.next(0)).toEqual({ policy: "any", patienceMs: 7_000 });
});
