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
    return () => {
      observer.disconnect();
      element.removeEventListener("pointermove", touch);
      element.removeEventListener("focusout", touch);
    };
  }, [area, stage]);
}
