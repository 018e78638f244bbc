import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Cell } from "../state/behavior";
import type { ParticipantView } from "./participants";
import { STILL_FOR_MS, Stage } from "./stage";

function person(id: string, joinedAt: number, change: Partial<ParticipantView> = {}): ParticipantView {
  return {
    id,
    name: id,
    isLocal: id === "me",
    joinedAt,
    microphoneOn: true,
    cameraOn: true,
    camera: null,
    screen: null,
    speaking: false,
    quality: "good",
    stale: false,
    ...change,
  };
}

/** A phone in the hand: six tiles a page, and eight people. */
function setUp() {
  const people = new Cell<readonly ParticipantView[]>([
    person("me", 0),
    ...[..."abcdefg"].map((id, index) => person(id, index + 1)),
  ]);
  const visible: string[] = [];
  const surroundings = { now: () => Date.now(), random: () => 0 };
  const stage = new Stage(people, "me", "auto", surroundings, (ids) =>
    visible.push([...ids].sort().join("")),
  );
  stage.start();
  stage.resize({ width: 344, height: 600 }, { width: 360, height: 740 });
  const speak = (id: string) =>
    people.update((views) => views.map((view) => ({ ...view, speaking: view.id === id })));
  const shown = () => stage.state.value.tiles.map((tile) => tile.id).join("");
  return { people, stage, visible, speak, shown };
}

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

test("only cameras on the page are asked for", () => {
  const { stage, visible, shown } = setUp();
  expect(shown()).toBe("abcdef");
  stage.turnPage(1);
  expect(shown()).toBe("gme");
  expect(visible.at(-1)).toBe("gme");
  stage.turnPage(-1);
  expect(visible.at(-1)).toBe("abcdef");
});

test("a speaker off the page comes in, but not while somebody points at the tiles", () => {
  const { speak, shown, stage } = setUp();
  stage.touch(false);
  speak("g");
  vi.advanceTimersByTime(STILL_FOR_MS - 500);
  expect(shown()).toBe("abcdef");
  vi.advanceTimersByTime(1_000);
  expect(shown()).toContain("g");
});

test("a focused tile keeps everybody still for as long as it has the focus", () => {
  const { speak, shown, stage } = setUp();
  stage.touch(true);
  speak("g");
  vi.advanceTimersByTime(60_000);
  expect(shown()).toBe("abcdef");
});

test("a pin of somebody who left is forgotten", () => {
  const { people, stage } = setUp();
  stage.pin("c");
  expect(stage.state.value.pinned).toEqual(["c"]);
  people.update((views) => views.filter((view) => view.id !== "c"));
  expect(stage.state.value.pinned).toEqual([]);
});

test("one's own shared screen leaves the stage to the people", () => {
  const { people, stage } = setUp();
  const screen = { key: "screen", attach: () => () => undefined };
  people.update((views) => views.map((view) => (view.isLocal ? { ...view, screen } : view)));
  expect(stage.state.value.share).toBeNull();
  people.update((views) => views.map((view) => (view.id === "b" ? { ...view, screen } : view)));
  expect(stage.state.value.share).not.toBeNull();
  expect(stage.state.value.shares.map((share) => share.id)).toEqual(["me", "b"]);
});
