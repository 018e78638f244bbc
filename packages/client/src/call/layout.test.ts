import { describe, expect, test } from "vitest";
import { type Box, fitTile, gridBoxes, pageSize } from "./grid";
import { arrange, firstPageSize, neighbour, type StageInput } from "./layout";

const ids = (count: number) =>
  Array.from({ length: count }, (_, index) => (index === count - 1 ? "me" : `p${index}`));

function input(count: number, change: Partial<StageInput> = {}): StageInput {
  return {
    choice: "auto",
    width: 1256,
    height: 600,
    windowWidth: 1280,
    windowHeight: 720,
    order: ids(count),
    selfId: "me",
    pinned: [],
    speaker: null,
    sharing: false,
    ownShare: false,
    sparing: false,
    page: 0,
    selfCorner: "bottom-right",
    ...change,
  };
}

/** Nobody else's screen, somebody else's, or only mine. */
const SHARES = [
  { sharing: false, ownShare: false },
  { sharing: true, ownShare: false },
  { sharing: false, ownShare: true },
];

const phone = { width: 344, height: 560, windowWidth: 360, windowHeight: 740 };
const tablet = { width: 744, height: 880, windowWidth: 768, windowHeight: 1024 };

function overlap(a: Box, b: Box): boolean {
  return (
    a.x < b.x + b.width - 0.5 &&
    b.x < a.x + a.width - 0.5 &&
    a.y < b.y + b.height - 0.5 &&
    b.y < a.y + a.height - 0.5
  );
}

describe("every layout keeps its tiles inside the stage and apart from each other", () => {
  const sizes = {
    phone,
    tablet,
    laptop: {},
    wide: { width: 1880, height: 900, windowWidth: 1920, windowHeight: 1080 },
  };
  for (const [name, size] of Object.entries(sizes)) {
    for (const choice of ["auto", "grid", "speaker", "sidebar"] as const) {
      for (const share of SHARES) {
        const { sharing, ownShare } = share;
        const title = `${name}, ${choice}, sharing ${sharing}, ${ownShare}: %i people`;
        test.each([1, 2, 3, 5, 12, 20])(title, (count) => {
          const stage = input(count, { ...size, choice, ...share });
          const layout = arrange(stage);
          const floating = layout.tiles.some((tile) => tile.role === "self");
          const boxes = [
            ...layout.tiles.map((tile) => tile.box),
            ...(layout.share === null ? [] : [layout.share]),
          ];
          expect(layout.tiles.length).toBeGreaterThan(0);
          for (const box of boxes) {
            expect(box.x).toBeGreaterThanOrEqual(-0.5);
            expect(box.y).toBeGreaterThanOrEqual(-0.5);
            expect(box.x + box.width).toBeLessThanOrEqual(stage.width + 0.5);
            expect(box.y + box.height).toBeLessThanOrEqual(stage.height + 0.5);
          }
          if (floating) return;
          boxes.forEach((box, index) => {
            for (const other of boxes.slice(index + 1)) expect(overlap(box, other)).toBe(false);
          });
        });
      }
    }
  }
});

describe("pages", () => {
  test.each([
    { window: "phone", size: phone, people: 7, pages: 2, first: 6 },
    { window: "tablet", size: tablet, people: 12, pages: 2, first: 9 },
    { window: "laptop", size: {}, people: 16, pages: 1, first: 16 },
    { window: "laptop", size: {}, people: 17, pages: 2, first: 16 },
  ])("$people people on a $window: $pages pages", ({ size, people, pages, first }) => {
    const layout = arrange(input(people, size));
    expect(layout.pages).toBe(pages);
    expect(layout.tiles).toHaveLength(first);
    expect(firstPageSize(input(people, size))).toBeGreaterThanOrEqual(first);
  });

  test("a page after the last is the last", () => {
    expect(arrange(input(12, { ...tablet, page: 7 }))).toMatchObject({ page: 1, pages: 2 });
  });

  test("a landscape phone shows one row of three", () => {
    expect(pageSize({ width: 640, height: 280 }, 667, 375)).toBe(3);
  });
});

describe("who is where", () => {
  test("two people: the other large, oneself in a corner that can be chosen", () => {
    const layout = arrange(input(2, { selfCorner: "top-left" }));
    expect(layout.tiles.map((tile) => [tile.id, tile.role])).toEqual([
      ["p0", "main"],
      ["me", "self"],
    ]);
    expect(layout.tiles[1]?.box).toMatchObject({ x: 16, y: 16 });
  });

  test("the speaker is large, everybody else in a strip", () => {
    const layout = arrange(input(4, { choice: "speaker", speaker: "p1" }));
    expect(layout.tiles.filter((tile) => tile.role === "main").map((tile) => tile.id)).toEqual(["p1"]);
    expect(layout.tiles).toHaveLength(4);
  });

  test("pinned people are large in auto, and only first in a grid", () => {
    const pinned = { pinned: ["p2", "p0"], order: ["p2", "p0", "p1", "me"] };
    const main = (choice: "auto" | "grid") =>
      arrange(input(4, { ...pinned, choice }))
        .tiles.filter((tile) => tile.role === "main")
        .map((tile) => tile.id);
    expect(main("auto")).toEqual(["p2", "p0"]);
    expect(main("grid")).toEqual([]);
  });

  test("a shared screen takes the stage in every layout", () => {
    for (const choice of ["auto", "grid", "speaker", "sidebar"] as const) {
      const layout = arrange(input(3, { choice, sharing: true }));
      expect(layout.share).not.toBeNull();
      expect(layout.tiles.every((tile) => tile.role === "tile")).toBe(true);
    }
  });
});

test("tiles stay between square and 16:9", () => {
  expect(fitTile(1000, 100)).toEqual({ width: (100 * 16) / 9, height: 100 });
  expect(fitTile(100, 1000)).toEqual({ width: 100, height: 100 });
  for (const box of gridBoxes(5, { x: 0, y: 0, width: 1200, height: 700 })) {
    expect(box.width / box.height).toBeLessThanOrEqual(16 / 9 + 0.001);
    expect(box.width / box.height).toBeGreaterThanOrEqual(0.999);
  }
});

test("arrow keys follow what is seen", () => {
  const { tiles } = arrange(input(4, { choice: "grid" }));
  const [a, b, c] = tiles.map((tile) => tile.id);
  expect(neighbour(tiles, a ?? "", "right")).toBe(b);
  expect(neighbour(tiles, a ?? "", "down")).toBe(c);
  expect(neighbour(tiles, a ?? "", "left")).toBeNull();
});

test.each([
  ["a grid", {}, 4],
  ["a grid with only one more than fits", { order: ids(5) }, 4],
  ["a grid of four", { order: ids(4) }, 4],
  ["a phone", phone, 3],
  ["a strip beside a screen", { sharing: true }, 2],
  ["a call of two", { order: ids(2) }, 2],
])("a processor that is short shows fewer tiles: %s", (_, change, shown) => {
  const sparing = input(20, { ...change, sparing: true });
  const layout = arrange(sparing);
  expect(layout.tiles).toHaveLength(shown);
  const seen = Array.from({ length: layout.pages }, (_, page) => arrange({ ...sparing, page }).tiles);
  expect(seen.flat().map((tile) => tile.id)).toEqual(
    sparing.order.length === 2 ? ["p0", "me"] : sparing.order,
  );
});
