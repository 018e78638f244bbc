import { describe, expect, test, vi } from "vitest";
import {
  type CallNews,
  type Movement,
  MovementMerger,
  QUIET_FROM_PEOPLE,
  readOut,
  worthSaying,
} from "./announcements";
import { avatarColour, avatarColours, initials } from "./initials";
import { linkify } from "./linkify";

test.each([
  ["Max Mustermann", "MM"],
  ["anna", "A"],
  ["Anna Maria von Berg", "AB"],
  ["  Ben  ", "B"],
  ["李小龙", "李"],
  ["Ólafur Þór", "ÓÞ"],
  ["👩‍🚀 Pilot", "👩‍🚀P"],
  ["\u202Eevil name", "EN"],
  ["", "?"],
])("initials of %j: %s", (name, letters) => {
  expect(initials(name)).toBe(letters);
});

test("the avatar colour of an identity is stable and within the palette", () => {
  expect(avatarColour("guest-12345678")).toBe(avatarColour("guest-12345678"));
  for (let n = 0; n < 200; n += 1) {
    expect(avatarColour(`guest-${n}`)).toBeGreaterThanOrEqual(1);
    expect(avatarColour(`guest-${n}`)).toBeLessThanOrEqual(8);
  }
});

test("eight people have eight colours, the ninth shares one, and newcomers change nobody's", () => {
  const ids = Array.from({ length: 12 }, (_, n) => `guest-${n}`);
  const eight = avatarColours(ids.slice(0, 8));
  expect(new Set(eight.values()).size).toBe(8);
  const all = avatarColours(ids);
  for (const [id, colour] of eight) expect(all.get(id)).toBe(colour);
  expect(all.size).toBe(12);
});

describe("links in chat", () => {
  const links = (text: string) => linkify(text).flatMap((part) => (part.kind === "link" ? [part.href] : []));

  test.each([
    ["see https://example.org/a?b=1#c.", ["https://example.org/a?b=1#c"]],
    ["(https://example.org/a)", ["https://example.org/a"]],
    ["https://de.wikipedia.org/wiki/A_(B)", ["https://de.wikipedia.org/wiki/A_(B)"]],
    ["http://a.example, http://b.example", ["http://a.example/", "http://b.example/"]],
    ["no link here", []],
    ["javascript:alert(1)", []],
    ["data:text/html,x", []],
    ["https://bank.example@evil.example/", []],
    ["https://", []],
    ["<img src=x onerror=alert(1)>", []],
  ])("%s", (text, hrefs) => {
    expect(links(text)).toEqual(hrefs);
  });

  test("no character is lost", () => {
    const text = "a https://x.example/1). b <https://y.example> c";
    expect(
      linkify(text)
        .map((part) => part.text)
        .join(""),
    ).toBe(text);
  });
});

describe("joins and leaves", () => {
  const names = (...ids: string[]) => new Map(ids.map((id) => [id, id.toUpperCase()]));

  function told(...looks: [at: number, names: Map<string, string>][]): Movement[] {
    vi.useFakeTimers();
    const movements: Movement[] = [];
    const merger = new MovementMerger((movement) => movements.push(movement));
    let time = 0;
    for (const [at, seen] of looks) {
      vi.advanceTimersByTime(at - time);
      time = at;
      merger.see(seen);
    }
    vi.advanceTimersByTime(10_000);
    vi.useRealTimers();
    return movements;
  }

  test("within three seconds are one sentence", () => {
    expect(told([0, names()], [500, names("a")], [900, names("a", "b")])).toEqual([
      { joined: ["A", "B"], left: [] },
    ]);
  });

  test("somebody who is back within that time has not moved", () => {
    expect(told([0, names("a")], [500, names()], [900, names("a")])).toEqual([]);
  });

  test("later ones are told on their own", () => {
    expect(told([0, names("a")], [4_000, names("a", "b")], [9_000, names("b")])).toEqual([
      { joined: ["B"], left: [] },
      { joined: [], left: ["A"] },
    ]);
  });

  test("are silent in a crowd", () => {
    const crowd = Array.from({ length: QUIET_FROM_PEOPLE }, (_, index) => `p${index}`);
    expect(told([0, names(...crowd.slice(1))], [500, names(...crowd)])).toEqual([]);
  });
});

test("long messages are read out in part", () => {
  expect(readOut("short\n text")).toBe("short text");
  expect(readOut("x".repeat(500))).toBe(`${"x".repeat(120)}…`);
});

test.each([
  ["all", ["moved", "message", "share-started"]],
  ["important", ["message", "share-started"]],
  ["errors", []],
] as const)("with %s told, these are said: %j", (verbosity, said) => {
  const news: CallNews[] = [
    { kind: "moved", movement: { joined: ["Anna"], left: [] } },
    { kind: "message", from: "Anna", text: "hello", isPrivate: false },
    { kind: "share-started", name: "Anna" },
  ];
  expect(news.filter((one) => worthSaying(one, verbosity)).map((one) => one.kind)).toEqual(said);
});
