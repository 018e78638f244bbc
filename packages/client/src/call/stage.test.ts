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
    paused: false,
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

test("one's own shared screen takes a place among the people, somebody else's the stage", () => {
  const { people, stage } = setUp();
  const screen = { key: "screen", attach: () => () => undefined, attachElsewhere: () => () => undefined };
  people.update((views) => views.map((view) => (view.isLocal ? { ...view, screen } : view)));
  const own = stage.state.value;
  expect(own.share).toMatchObject({ width: own.tiles[0]?.box.width, height: own.tiles[0]?.box.height });
  expect(own.tiles.map((tile) => tile.id).join("")).toBe("abcde");
  people.update((views) => views.map((view) => (view.id === "b" ? { ...view, screen } : view)));
  expect(stage.state.value.share?.width).toBeGreaterThan(own.share?.width ?? 0);
  expect(stage.state.value.shares.map((share) => share.id)).toEqual(["me", "b"]);
});

test("somebody hidden leaves my stage, not the meeting, and can be brought back", () => {
  const { people, stage, shown, visible } = setUp();
  stage.pin("c");
  stage.hide("c", true);
  expect(stage.state.value).toMatchObject({ hidden: ["c"], pinned: [] });
  expect(shown()).toBe("abdefg");
  expect(visible.at(-1)).not.toContain("c");
  stage.hide("c", false);
  expect(stage.state.value.hidden).toEqual([]);
  stage.hide("me", true);
  expect(stage.state.value.hidden).toEqual([]);
  stage.hide("a", true);
  people.update((views) => views.filter((view) => view.id !== "a"));
  expect(stage.state.value.hidden).toEqual([]);
});

test("a processor that is short means fewer tiles, told once in a call", () => {
  const { stage, shown, visible } = setUp();
  stage.spare(true);
  expect(shown()).toBe("abc");
  expect(visible.at(-1)).toBe("abc");
  expect(stage.fewerNotice.value).toBe(true);
  stage.fewerNoticeRead();
  stage.spare(false);
  expect(shown()).toBe("abcdef");
  stage.spare(true);
  expect(shown()).toBe("abc");
  expect(stage.fewerNotice.value).toBe(false);
});

test("fewer tiles are not told where nobody is missed, but when somebody is later", () => {
  const { people, stage } = setUp();
  const everybody = people.value;
  people.set(everybody.slice(0, 3));
  stage.spare(true);
  expect(stage.fewerNotice.value).toBe(false);
  people.set(everybody);
  expect(stage.fewerNotice.value).toBe(true);
});
