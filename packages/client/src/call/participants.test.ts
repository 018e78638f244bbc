import { describe, expect, test } from "vitest";
import { mergeParticipants, type ParticipantView, withoutLine } from "./participants";

function person(id: string, change: Partial<ParticipantView> = {}): ParticipantView {
  return {
    id,
    name: id,
    isLocal: false,
    joinedAt: 1,
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
const ids = (views: readonly ParticipantView[]) =>
  views.map((view) => (view.stale ? `${view.id}?` : view.id)).join(" ");

describe("looking into the room again", () => {
  test("people stand in joining order", () => {
    const merged = mergeParticipants([], [person("b", { joinedAt: 3 }), person("a", { joinedAt: 2 })], {
      keepMissing: false,
    });
    expect(ids(merged)).toBe("a b");
  });

  test("who is unchanged keeps the object, and an unchanged room keeps the list", () => {
    const before = [person("a"), person("b")];
    expect(mergeParticipants(before, [person("a"), person("b")], { keepMissing: false })).toBe(before);
    const after = mergeParticipants(before, [person("a"), person("b", { speaking: true })], {
      keepMissing: false,
    });
    expect(after[0]).toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
  });

  test("coming back later does not move a tile", () => {
    const before = [person("a", { joinedAt: 1 }), person("b", { joinedAt: 2 })];
    const merged = mergeParticipants(before, [person("a", { joinedAt: 9 }), person("b", { joinedAt: 8 })], {
      keepMissing: false,
    });
    expect(ids(merged)).toBe("a b");
  });

  test("after an outage people who are not back yet stay for a while", () => {
    const before = withoutLine([person("me", { isLocal: true }), person("a"), person("b")]);
    expect(ids(before)).toBe("me a? b?");
    const now = [person("me", { isLocal: true }), person("b")];
    expect(ids(mergeParticipants(before, now, { keepMissing: true }))).toBe("a? b me");
    expect(ids(mergeParticipants(before, now, { keepMissing: false }))).toBe("b me");
  });

  test("nobody speaks while the line is cut", () => {
    expect(withoutLine([person("a", { speaking: true })])[0]).toMatchObject({
      stale: true,
      speaking: false,
      quality: "lost",
    });
  });
});
