import { useEffect, useState } from "react";
import { useCall } from "./context";

/** The controls leave after this long without a touch, in milliseconds. */
const QUIET_AFTER_MS = 5_000;
/** A phone held sideways, where the bar takes a fifth of the height. */
const SIDEWAYS = "(orientation: landscape) and (max-height: 480px) and (pointer: coarse)";

/**
 * Whether the control bar is out of sight: only in full screen and on a phone held sideways, never while it has the
 * focus, and never for those who want it always.
 */
export function useQuietControls(): boolean {
  const { preferences } = useCall();
  const [quiet, setQuiet] = useState(false);
  const always = preferences.alwaysControls;
  useEffect(() => {
    if (always) return setQuiet(false);
    const sideways = matchMedia(SIDEWAYS);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const rest = () => {
      const inUse =
        document.activeElement?.closest("[role=toolbar], [popover]:popover-open, dialog") !== null;
      const narrow = document.fullscreenElement !== null || sideways.matches;
      if (narrow && !inUse) setQuiet(true);
      else if (narrow) wake();
    };
    const wake = () => {
      setQuiet(false);
      clearTimeout(timer);
      timer = setTimeout(rest, QUIET_AFTER_MS);
    };
    const events = ["pointermove", "pointerdown", "keydown", "focusin"] as const;
    for (const event of events) window.addEventListener(event, wake);
    document.addEventListener("fullscreenchange", wake);
    sideways.addEventListener("change", wake);
    wake();
    return () => {
      clearTimeout(timer);
      for (const event of events) window.removeEventListener(event, wake);
      document.removeEventListener("fullscreenchange", wake);
      sideways.removeEventListener("change", wake);
    };
  }, [always]);
  return quiet;
}
