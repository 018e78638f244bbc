import {
  type Extent,
  percentOf,
  scrollTo,
  wheelFactor,
  type Zoom,
  zoomBy,
  zoomStep,
} from "@heydok/client/call";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

interface Point {
  readonly x: number;
  readonly y: number;
}

export interface ScreenZoom {
  readonly percent: number;
  readonly fits: boolean;
  /** Size of the picture in CSS pixels; `null` while it fills its place. */
  readonly size: Extent | null;
  step(by: 1 | -1): void;
  fit(): void;
  actual(): void;
}

/** Zooming of a shared screen: buttons, keys, the wheel with Ctrl, two fingers; and moving it with the pointer. */
export function useZoom(scroller: RefObject<HTMLElement | null>, picture: Extent): ScreenZoom {
  const [zoom, setZoom] = useState<Zoom>("fit");
  const place = useExtent(scroller);
  const percent = percentOf(zoom, picture, place);
  const now = useRef({ percent, picture });
  now.current = { percent, picture };
  /** The point that must not move with the next change of size, in the scroller. */
  const anchor = useRef<Point | null>(null);
  const size =
    zoom === "fit" ? null : { width: (picture.width * zoom) / 100, height: (picture.height * zoom) / 100 };
  const before = useRef(percent);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null || before.current === percent) return;
    const { width, height } = now.current.picture;
    const { x, y } = anchor.current ?? { x: element.clientWidth / 2, y: element.clientHeight / 2 };
    const [from, to] = [before.current / 100, percent / 100];
    element.scrollLeft = scrollTo(element.scrollLeft, x, element.clientWidth, width * from, width * to);
    element.scrollTop = scrollTo(element.scrollTop, y, element.clientHeight, height * from, height * to);
    before.current = percent;
    anchor.current = null;
  }, [percent, scroller]);
  const enlarge = useCallback((factor: number, at: Point) => {
    anchor.current = at;
    setZoom(zoomBy(now.current.percent, factor));
  }, []);
  useGestures(scroller, enlarge);
  return {
    percent: Math.round(percent),
    fits: zoom === "fit",
    size,
    step: (by) => setZoom(zoomStep(percent, by)),
    fit: () => setZoom("fit"),
    actual: () => setZoom(100),
  };
}

function useExtent(element: RefObject<HTMLElement | null>): Extent {
  const [extent, setExtent] = useState<Extent>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const target = element.current;
    if (target === null) return;
    const measure = () => setExtent({ width: target.clientWidth, height: target.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return extent;
}

/** Wheel with Ctrl (which is also how touch pads tell a pinch), two fingers, and dragging with a mouse. */
function useGestures(
  scroller: RefObject<HTMLElement | null>,
  enlarge: (factor: number, at: Point) => void,
): void {
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const within = ({ clientX, clientY }: { clientX: number; clientY: number }): Point => {
      const box = element.getBoundingClientRect();
      return { x: clientX - box.left, y: clientY - box.top };
    };
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      enlarge(wheelFactor(event.deltaY), within(event));
    };
    const pointers = new Map<number, PointerEvent>();
    const onDown = (event: PointerEvent) => {
      pointers.set(event.pointerId, event);
      if (event.pointerType === "mouse" && event.button === 0) element.setPointerCapture(event.pointerId);
    };
    const onMove = (event: PointerEvent) => {
      const last = pointers.get(event.pointerId);
      if (last === undefined) return;
      const other = [...pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
      pointers.set(event.pointerId, event);
      if (other !== undefined) {
        const middle = {
          clientX: (event.clientX + other.clientX) / 2,
          clientY: (event.clientY + other.clientY) / 2,
        };
        enlarge(distance(event, other) / Math.max(1, distance(last, other)), within(middle));
      } else if (event.pointerType === "mouse") {
        element.scrollBy(last.clientX - event.clientX, last.clientY - event.clientY);
      }
    };
    const onUp = (event: PointerEvent) => void pointers.delete(event.pointerId);
    const ends = ["pointerup", "pointercancel", "pointerleave"] as const;
    element.addEventListener("wheel", onWheel, { passive: false });
    element.addEventListener("pointerdown", onDown);
    element.addEventListener("pointermove", onMove);
    for (const end of ends) element.addEventListener(end, onUp);
    return () => {
      element.removeEventListener("wheel", onWheel);
      element.removeEventListener("pointerdown", onDown);
      element.removeEventListener("pointermove", onMove);
      for (const end of ends) element.removeEventListener(end, onUp);
    };
  }, [scroller, enlarge]);
}

function distance(a: PointerEvent, b: PointerEvent): number {
  return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
}
