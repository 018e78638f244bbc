import type { Stage } from "@heydok/client/call";
import { type RefObject, useLayoutEffect } from "react";

/** Tells the stage how large its element and the window are, and when somebody points at it. */
export function useStageSize(area: RefObject<HTMLElement | null>, stage: Stage): void {
  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    const measure = () => {
      const { width, height } = element.getBoundingClientRect();
      stage.resize({ width, height }, { width: window.innerWidth, height: window.innerHeight });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    const touch = () => stage.touch(false);
    element.addEventListener("pointermove", touch);
    element.addEventListener("focusout", touch);
    const endSwipes = onSwipe(element, (by) => stage.turnPage(by));
    return () => {
      endSwipes();
      observer.disconnect();
      element.removeEventListener("pointermove", touch);
      element.removeEventListener("focusout", touch);
    };
  }, [area, stage]);
}

/** A finger has to move this far, and more sideways than up or down. */
const SWIPE_PX = 60;

/** Turns the page by a finger: to the left for the next one. */
function onSwipe(element: HTMLElement, turn: (by: 1 | -1) => void): () => void {
  let start: Touch | null = null;
  const onStart = (event: TouchEvent) => {
    start = event.touches.length === 1 ? (event.touches[0] ?? null) : null;
  };
  const onEnd = (event: TouchEvent) => {
    const end = event.changedTouches[0];
    if (start === null || end === undefined) return;
    const across = end.clientX - start.clientX;
    const along = end.clientY - start.clientY;
    start = null;
    if (Math.abs(across) > SWIPE_PX && Math.abs(across) > 2 * Math.abs(along)) turn(across < 0 ? 1 : -1);
  };
  element.addEventListener("touchstart", onStart, { passive: true });
  element.addEventListener("touchend", onEnd);
  return () => {
    element.removeEventListener("touchstart", onStart);
    element.removeEventListener("touchend", onEnd);
  };
}
