import { type RefObject, useEffect, useState } from "react";

/** A picture that stands still for longer than this is called weak, in milliseconds. */
const FROZEN_AFTER_MS = 2_000;
const LOOK_EVERY_MS = 500;

/** Whether the pictures of a running video have stopped coming. */
export function useFrozen(video: RefObject<HTMLVideoElement | null>, running: boolean): boolean {
  const [frozen, setFrozen] = useState(false);
  useEffect(() => {
    const element = video.current;
    setFrozen(false);
    if (!running || element === null || !("requestVideoFrameCallback" in element)) return;
    let lastFrame: number | null = null;
    let request = 0;
    const onFrame = () => {
      lastFrame = performance.now();
      request = element.requestVideoFrameCallback(onFrame);
    };
    request = element.requestVideoFrameCallback(onFrame);
    const timer = setInterval(() => {
      // A hidden page draws nothing, which says nothing about the line.
      if (document.hidden) lastFrame = null;
      const still = lastFrame !== null && performance.now() - lastFrame > FROZEN_AFTER_MS;
      setFrozen(still);
    }, LOOK_EVERY_MS);
    return () => {
      clearInterval(timer);
      element.cancelVideoFrameCallback(request);
    };
  }, [video, running]);
  return frozen;
}
