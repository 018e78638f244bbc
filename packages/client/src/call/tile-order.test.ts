import { describe, expect, test } from "vitest";
import { hear, type SpeechLog } from "./speech";
import { nextOrder, type OrderContext, PINS_MAX, type TileFacts, togglePin } from "./tile-order";

/** Small letters have their camera on, capitals off; `me` is oneself; joining order is as written. */
function people(letters: string): TileFacts[] {
  const others = [...letters].map((letter, index) => ({
    id: letter.toLowerCase(),
    isLocal: false,
    cameraOn: letter === letter.toLowerCase(),
    joinedAt: index,
  }));
  return [{ id: "me", isLocal: true, cameraOn: true, joinedAt: -1 }, ...others];
}

function context(change: Partial<OrderContext> = {}): OrderContext {
  return { pinned: [], speech: new Map(), pageSize: 9, now: 0, still: false, ...change };
}

const line = (order: readonly string[]) => order.join(" ");

describe("the first order", () => {
  test.each([
    { situation: "joining time, oneself last", letters: "abc", change: {}, order: "a b c me" },
    {
      situation: "cameras that are on before those that are off",
      letters: "AbC",
      change: {},
      order: "b a c me",
    },
    {
      situation: "recent speakers before cameras",
      letters: "abC",
      change: { speech: hear(new Map(), ["c"], 0) },
      order: "c a b me",
    },
    {
      situation: "pinned first, in the order of pinning",
      letters: "abc",
      change: { pinned: ["c", "b"] },
      order: "c b a me",
    },
    {
      situation: "a pin of somebody who left is ignored",
      letters: "ab",
      change: { pinned: ["z"] },
      order: "a b me",
    },
    { situation: "oneself may be pinned", letters: "ab", change: { pinned: ["me"] }, order: "me a b" },
  ])("$situation", ({ letters, change, order }) => {
    expect(line(nextOrder([], people(letters), context(change)))).toBe(order);
  });
});

describe("tiles keep their place", () => {
  test.each([
    {
      situation: "when somebody on the page speaks",
      previous: "a b c me",
      letters: "abc",
      speaks: "c",
      order: "a b c me",
    },
    { situation: "when a camera goes on", previous: "b a me", letters: "ab", speaks: "", order: "b a me" },
    { situation: "when somebody leaves", previous: "a b c me", letters: "ac", speaks: "", order: "a c me" },
    { situation: "when somebody joins", previous: "b a me", letters: "abC", speaks: "", order: "b a c me" },
  ])("$situation", ({ previous, letters, speaks, order }) => {
    const speech = speaks === "" ? new Map() : hear(new Map(), [speaks], 0);
    expect(line(nextOrder(previous.split(" "), people(letters), context({ speech, now: 4_000 })))).toBe(
      order,
    );
  });
});

describe("a speaker who is off the page", () => {
  /** One character per 500 ms; gives the first page of three after each. */
  function firstPages(timeline: string, change: Partial<OrderContext> = {}): string[] {
    let order: string[] = [];
    let speech: SpeechLog = new Map();
    return [...timeline].map((id, index) => {
      const now = 10_000 + index * 500;
      speech = hear(speech, id === "-" ? [] : [id], now);
      const still = { still: index === 0 ? false : (change.still ?? false) };
      order = nextOrder(order, people("abcde"), context({ pageSize: 3, speech, now, ...change, ...still }));
      return order.slice(0, 3).join("");
    });
  }

  test("swaps in after 1.5 s for the tile with the weakest claim", () => {
    expect(firstPages("-dddd")).toEqual(["abc", "abc", "abc", "abc", "abd"]);
  });

  test("takes the place of whoever has been silent longest", () => {
    expect(firstPages("-c--b--dddd").at(-1)).toBe("dbc");
  });

  test("does not move anything while pointer or focus are on the grid", () => {
    expect(firstPages("-dddddd", { still: true }).at(-1)).toBe("abc");
  });

  test("leaves pinned tiles alone", () => {
    expect(firstPages("-dddd", { pinned: ["c"] }).at(-1)).toBe("cad");
  });
});

test("a fourth pin takes the place of the oldest; a second press unpins", () => {
  const pinned = ["a", "b", "c", "d"].reduce<string[]>((before, id) => togglePin(before, id), []);
  expect(pinned).toEqual(["b", "c", "d"]);
  expect(pinned).toHaveLength(PINS_MAX);
  expect(togglePin(pinned, "c")).toEqual(["b", "d"]);
});
