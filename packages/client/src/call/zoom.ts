/** How large a shared screen is shown: filling its place, or in percent of its own pixels. */
export type Zoom = "fit" | number;

export interface Extent {
  readonly width: number;
  readonly height: number;
}

export const ZOOM_LEAST = 50;
export const ZOOM_MOST = 400;
const STEPS: readonly number[] = [50, 75, 100, 150, 200, 300, 400];

/** The percentage at which all of a picture is seen. */
export function fitPercent(picture: Extent, place: Extent): number {
  if (picture.width <= 0 || picture.height <= 0) return 100;
  return Math.min(place.width / picture.width, place.height / picture.height) * 100;
}

/** What a zoom is in percent. */
export function percentOf(zoom: Zoom, picture: Extent, place: Extent): number {
  return zoom === "fit" ? fitPercent(picture, place) : zoom;
}

/** The next step up or down from where one is; the ends stay. */
export function zoomStep(percent: number, by: 1 | -1): number {
  // Two steps that look alike on screen are one.
  const near = 0.5;
  const found =
    by > 0
      ? STEPS.find((step) => step > percent + near)
      : [...STEPS].reverse().find((step) => step < percent - near);
  return found ?? (by > 0 ? ZOOM_MOST : ZOOM_LEAST);
}

/** A zoom by fingers or wheel, kept between the ends. */
export function zoomBy(percent: number, factor: number): number {
  return Math.min(ZOOM_MOST, Math.max(ZOOM_LEAST, percent * factor));
}

/** How a turn of the wheel (in CSS pixels) enlarges. */
export function wheelFactor(deltaY: number): number {
  return Math.exp(-Math.max(-100, Math.min(100, deltaY)) / 200);
}

/**
 * Where to scroll so that what lies under `point` stays there. `scroll` and `point` are on one axis, in CSS pixels;
 * a picture smaller than its place is centred and does not scroll.
 */
export function scrollTo(
  scroll: number,
  point: number,
  place: number,
  before: number,
  after: number,
): number {
  const margin = Math.max(0, (place - before) / 2);
  const share = (scroll + point - margin) / before;
  return Math.max(0, share * after + Math.max(0, (place - after) / 2) - point);
}
