/** A box inside the stage, in CSS pixels. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Space between tiles, in CSS pixels. */
export const GAP = 8;
const NARROWEST = 1;
const WIDEST = 16 / 9;

/** Columns and rows a page may have at most, by window size. */
export function pageShape(windowWidth: number, windowHeight: number): { columns: number; rows: number } {
  if (windowWidth >= 1600) return { columns: 5, rows: 5 };
  if (windowWidth >= 1280) return { columns: 4, rows: 4 };
  if (windowWidth >= 768) return windowHeight < 480 ? { columns: 4, rows: 1 } : { columns: 3, rows: 3 };
  return windowWidth > windowHeight ? { columns: 3, rows: 1 } : { columns: 2, rows: 3 };
}

/** Smallest tile that is still worth looking at. */
export function smallestTile(windowWidth: number): { width: number; height: number } {
  return windowWidth < 768 ? { width: 132, height: 112 } : { width: 200, height: 112 };
}

function fitting(space: number, least: number): number {
  return Math.max(1, Math.floor((space + GAP) / (least + GAP)));
}

/** How many tiles a page of this stage holds. */
export function pageSize(
  stage: { width: number; height: number },
  windowWidth: number,
  windowHeight: number,
): number {
  const shape = pageShape(windowWidth, windowHeight);
  const least = smallestTile(windowWidth);
  const columns = Math.min(shape.columns, fitting(stage.width, least.width));
  const rows = Math.min(shape.rows, fitting(stage.height, least.height));
  return columns * rows;
}

/** Tiles of a page when the processor is short of time. */
export const FEW_TILES = 4;

/** How many of `size` tiles are left when the processor is short: half of them, and {@link FEW_TILES} at most. */
export function fewer(size: number): number {
  return Math.min(size, Math.max(2, Math.min(FEW_TILES, Math.ceil(size / 2))));
}

/** A tile as large as the cell allows, between square and 16:9. */
export function fitTile(width: number, height: number): { width: number; height: number } {
  if (width / height > WIDEST) return { width: height * WIDEST, height };
  if (width / height < NARROWEST) return { width, height: width / NARROWEST };
  return { width, height };
}

interface Arrangement {
  columns: number;
  rows: number;
  tile: { width: number; height: number };
}

/** Area counts; on a wide stage so does the area that a 16:9 picture has in it, as most cameras send that. */
function worth({ width, height }: { width: number; height: number }, area: Box): number {
  const wide = Math.min(width * width * (9 / 16), height * height * WIDEST);
  return width * height + (area.width > area.height ? wide : 0);
}

function bestArrangement(count: number, area: Box): Arrangement {
  let best: Arrangement | null = null;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const cellWidth = (area.width - GAP * (columns - 1)) / columns;
    const cellHeight = (area.height - GAP * (rows - 1)) / rows;
    if (cellWidth <= 0 || cellHeight <= 0) continue;
    const tile = fitTile(cellWidth, cellHeight);
    const better = best === null || worth(tile, area) > worth(best.tile, area) + 1;
    if (better) best = { columns, rows, tile };
  }
  return best ?? { columns: 1, rows: count, tile: { width: Math.max(0, area.width), height: 0 } };
}

/** `count` equal boxes inside `area`, as large as possible, the last row centred. */
export function gridBoxes(count: number, area: Box): Box[] {
  if (count === 0) return [];
  const { columns, rows, tile } = bestArrangement(count, area);
  const top = area.y + (area.height - rows * tile.height - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = area.x + (area.width - inRow * tile.width - (inRow - 1) * GAP) / 2;
    return {
      x: left + (index - row * columns) * (tile.width + GAP),
      y: top + row * (tile.height + GAP),
      ...tile,
    };
  });
}

/** Boxes in one row or one column along the edge of the stage. */
export function stripBoxes(count: number, area: Box, direction: "row" | "column"): Box[] {
  if (count === 0) return [];
  const along = direction === "row" ? area.width : area.height;
  const each = (along - GAP * (count - 1)) / count;
  const tile = direction === "row" ? fitTile(each, area.height) : fitTile(area.width, each);
  const size = direction === "row" ? tile.width : tile.height;
  const start = (along - count * size - (count - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, index) => {
    const offset = Math.max(0, direction === "row" ? start : 0) + index * (size + GAP);
    return direction === "row"
      ? { x: area.x + offset, y: area.y + (area.height - tile.height) / 2, ...tile }
      : { x: area.x + (area.width - tile.width) / 2, y: area.y + offset, ...tile };
  });
}
