import { type Box, fewer, GAP, gridBoxes, pageSize, smallestTile, stripBoxes } from "./grid";

/** What a person may choose in "Layout". */
export const LAYOUTS = ["auto", "grid", "speaker", "sidebar"] as const;
export type LayoutChoice = (typeof LAYOUTS)[number];

export const CORNERS = ["top-left", "top-right", "bottom-left", "bottom-right"] as const;
export type Corner = (typeof CORNERS)[number];

export interface StageInput {
  choice: LayoutChoice;
  /** Size of the stage in CSS pixels. */
  width: number;
  height: number;
  /** Size of the window, which decides how many tiles make a page. */
  windowWidth: number;
  windowHeight: number;
  /** Everybody in the order they are seen, oneself included. */
  order: readonly string[];
  selfId: string;
  pinned: readonly string[];
  speaker: string | null;
  /** Whether somebody else shares a screen. */
  sharing: boolean;
  /** Whether only I share one: what stands for it takes a place among the tiles. */
  ownShare: boolean;
  /** Whether the processor is short of time for a full page of pictures. */
  sparing: boolean;
  /** Counted from 0; too large a page shows the last. */
  page: number;
  selfCorner: Corner;
}

export interface PlacedTile {
  id: string;
  box: Box;
  /** `main` is shown large, `self` is one's own movable picture in a call of two. */
  role: "main" | "tile" | "self";
}

export interface StageLayout {
  /** Where shared screens go; `null` without one. */
  share: Box | null;
  tiles: PlacedTile[];
  page: number;
  pages: number;
}

interface Page {
  ids: readonly string[];
  page: number;
  pages: number;
}

function pageOf(ids: readonly string[], size: number, page: number): Page {
  const pages = Math.max(1, Math.ceil(ids.length / size));
  const shown = Math.min(Math.max(0, page), pages - 1);
  return { ids: ids.slice(shown * size, (shown + 1) * size), page: shown, pages };
}

/** Stands for one's own shared screen while the boxes are computed; no identity contains a space. */
const OWN_SHARE = "own share";

/** Room below the tiles for turning pages, in CSS pixels. */
export const PAGER_HEIGHT = 48;

/** How many tiles the first page shows; what decides who has to swap in. */
export function firstPageSize(input: StageInput): number {
  const places = capacity(arrangeIn(withOwnShare(input)).pages > 1 ? abovePager(input) : input);
  return input.ownShare ? Math.max(1, places - 1) : places;
}

function abovePager(input: StageInput): StageInput {
  return { ...input, height: Math.max(0, input.height - PAGER_HEIGHT) };
}

function capacity(input: StageInput): number {
  const mains = mainTiles(input);
  if (mains === null) return gridSize(input);
  const strip = stripArea(input, wholeStage(input));
  return strip.capacity + (input.sharing ? 0 : mains.length);
}

/** Puts every tile of the chosen page, and the shared screen, at its place. */
export function arrange(input: StageInput): StageLayout {
  const full = withOwnShare(input);
  const whole = arrangeIn(full);
  const layout = whole.pages > 1 ? arrangeIn(abovePager(full)) : whole;
  const own = layout.tiles.find((tile) => tile.id === OWN_SHARE);
  if (own === undefined) return layout;
  return { ...layout, share: own.box, tiles: layout.tiles.filter((tile) => tile !== own) };
}

function gridSize(input: StageInput): number {
  const size = pageSize(input, input.windowWidth, input.windowHeight);
  return input.sparing ? fewer(size) : size;
}

function withOwnShare(input: StageInput): StageInput {
  return input.ownShare ? { ...input, order: [OWN_SHARE, ...input.order] } : input;
}

function arrangeIn(input: StageInput): StageLayout {
  const stage = wholeStage(input);
  const mains = mainTiles(input);
  if (mains !== null) return focused(input, mains, stage);
  if (isPair(input)) return pair(input, stage);
  const size = gridSize(input);
  const { ids, page, pages } = pageOf(input.order, size, input.page);
  // A last page that is not full keeps the tile size of the others.
  const boxes = gridBoxes(pages > 1 ? size : ids.length, stage);
  const tiles = ids.flatMap((id, index) => place(id, boxes[index], "tile"));
  return { share: null, tiles, page, pages };
}

function wholeStage(input: StageInput): Box {
  return { x: 0, y: 0, width: input.width, height: input.height };
}

function place(id: string, box: Box | undefined, role: PlacedTile["role"]): PlacedTile[] {
  return box === undefined ? [] : [{ id, box, role }];
}

function isPair(input: StageInput): boolean {
  return input.choice === "auto" && input.order.length === 2 && input.order.includes(input.selfId);
}

/** Who is shown large beside a strip of the others; `null` where all are equal. */
function mainTiles(input: StageInput): readonly string[] | null {
  if (input.sharing) return [];
  const pinned = input.pinned.filter((id) => input.order.includes(id));
  if (input.choice === "grid") return null;
  if (pinned.length > 0 && input.order.length > pinned.length && !isPair(input)) return pinned;
  if (input.choice === "auto") return null;
  const people = input.order.filter((id) => id !== OWN_SHARE);
  const speaker = input.speaker !== null && people.includes(input.speaker) ? input.speaker : people[0];
  return speaker === undefined ? null : [speaker];
}

interface Strip {
  /** `block`: as many rows as there is room below a screen on a stage that is higher than wide. */
  direction: "row" | "column" | "block";
  area: Box;
  rest: Box;
  capacity: number;
}

function stripArea(input: StageInput, stage: Box): Strip {
  const strip = fullStrip(input, stage);
  return input.sparing ? { ...strip, capacity: fewer(strip.capacity) } : strip;
}

function fullStrip(input: StageInput, stage: Box): Strip {
  // A panel beside the stage makes it as narrow as a phone's.
  const least = smallestTile(Math.min(input.width, input.windowWidth));
  const upright = input.height >= input.width;
  if (upright && (input.sharing || input.choice !== "speaker")) return blockArea(stage, least);
  const direction = input.choice === "speaker" ? "row" : "column";
  if (direction === "row") {
    const height = Math.min(least.height, stage.height / 3);
    const capacity = Math.max(1, Math.floor((stage.width + GAP) / (least.width + GAP)));
    const restHeight = Math.max(0, stage.height - height - GAP);
    const area = { ...stage, y: stage.y + restHeight + GAP, height };
    return { direction, area, rest: { ...stage, height: restHeight }, capacity };
  }
  const width = Math.min(input.windowWidth >= 1280 ? 240 : least.width, stage.width / 3);
  const capacity = Math.max(1, Math.floor((stage.height + GAP) / (least.height + GAP)));
  const restWidth = Math.max(0, stage.width - width - GAP);
  const area = { ...stage, x: stage.x + restWidth + GAP, width };
  return { direction, area, rest: { ...stage, width: restWidth }, capacity };
}

/** Below a picture in the shape of a screen the people get what is left of a high stage, up to half of it. */
function blockArea(stage: Box, least: { width: number; height: number }): Strip {
  const left = stage.height - (stage.width * 9) / 16 - GAP;
  const height = Math.min(stage.height / 2, Math.max(Math.min(least.height, stage.height / 3), left));
  const fitting = (space: number, each: number) => Math.max(1, Math.floor((space + GAP) / (each + GAP)));
  const capacity = fitting(stage.width, least.width) * fitting(height, least.height);
  const restHeight = Math.max(0, stage.height - height - GAP);
  const area = { ...stage, y: stage.y + restHeight + GAP, height };
  return { direction: "block", area, rest: { ...stage, height: restHeight }, capacity };
}

/** The tiles at the lower edge; what they leave free above them goes to the picture. */
function block(count: number, { area, rest }: Strip): { boxes: Box[]; rest: Box } {
  const boxes = gridBoxes(count, area);
  const top = Math.min(...boxes.map((box) => box.y));
  const down = area.y + area.height - Math.max(...boxes.map((box) => box.y + box.height));
  return {
    boxes: boxes.map((box) => ({ ...box, y: box.y + down })),
    rest: { ...rest, height: Math.max(0, top + down - GAP - rest.y) },
  };
}

function focused(input: StageInput, mains: readonly string[], stage: Box): StageLayout {
  const others = input.order.filter((id) => !mains.includes(id));
  if (others.length === 0) {
    const boxes = gridBoxes(mains.length, stage);
    const tiles = mains.flatMap((id, index) => place(id, boxes[index], "main"));
    return { share: null, tiles, page: 0, pages: 1 };
  }
  const strip = stripArea(input, stage);
  const { ids, page, pages } = pageOf(others, strip.capacity, input.page);
  const { boxes, rest } =
    strip.direction === "block"
      ? block(pages > 1 ? strip.capacity : ids.length, strip)
      : { boxes: stripBoxes(ids.length, strip.area, strip.direction), rest: strip.rest };
  const mainBoxes = mains.length === 1 ? [rest] : gridBoxes(mains.length, rest);
  return {
    share: input.sharing ? rest : null,
    tiles: [
      ...mains.flatMap((id, index) => place(id, mainBoxes[index], "main")),
      ...ids.flatMap((id, index) => place(id, boxes[index], "tile")),
    ],
    page,
    pages,
  };
}

/** Two people: the other fills the stage, one's own picture floats in a corner of it. */
function pair(input: StageInput, stage: Box): StageLayout {
  const other = input.order.find((id) => id !== input.selfId) ?? input.selfId;
  const width = Math.max(96, Math.min(240, input.width * 0.28));
  const portrait = input.height > input.width;
  const height = portrait ? (width * 4) / 3 : (width * 9) / 16;
  const margin = 2 * GAP;
  const left = input.selfCorner.endsWith("left");
  const top = input.selfCorner.startsWith("top");
  const box = {
    x: left ? margin : Math.max(margin, input.width - width - margin),
    y: top ? margin : Math.max(margin, input.height - height - margin),
    width,
    height,
  };
  return {
    share: null,
    tiles: [
      { id: other, box: stage, role: "main" },
      { id: input.selfId, box, role: "self" },
    ],
    page: 0,
    pages: 1,
  };
}

export type Direction = "left" | "right" | "up" | "down";

/** The tile an arrow key leads to: the nearest one in that direction as it is seen. */
export function neighbour(tiles: readonly PlacedTile[], from: string, direction: Direction): string | null {
  const origin = tiles.find((tile) => tile.id === from);
  if (origin === undefined) return tiles[0]?.id ?? null;
  const centre = (box: Box) => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
  const start = centre(origin.box);
  const horizontal = direction === "left" || direction === "right";
  const sign = direction === "left" || direction === "up" ? -1 : 1;
  let best: { id: string; cost: number } | null = null;
  for (const tile of tiles) {
    if (tile.id === from) continue;
    const end = centre(tile.box);
    const ahead = sign * (horizontal ? end.x - start.x : end.y - start.y);
    const aside = Math.abs(horizontal ? end.y - start.y : end.x - start.x);
    if (ahead <= 1) continue;
    const cost = ahead + 2 * aside;
    if (best === null || cost < best.cost) best = { id: tile.id, cost };
  }
  return best?.id ?? null;
}
