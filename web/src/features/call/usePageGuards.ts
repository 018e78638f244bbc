import { useEffect } from "react";
import { useBehavior } from "../../app/useBehavior";
import { useCall } from "./context";

/** Closing the tab asks only while sharing; the screen of a phone stays awake while the call is seen. */
export function usePageGuards(): void {
  const { session } = useCall();
  const sharing = useBehavior(session.media.state).screen !== null;
  useEffect(() => {
    if (!sharing) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [sharing]);
  useEffect(() => {
    if (!("wakeLock" in navigator)) return;
    let lock: WakeLockSentinel | null = null;
    let over = false;
    const hold = async () => {
      if (document.hidden) return;
      lock = await navigator.wakeLock.request("screen").catch(() => null);
      if (over) await lock?.release();
    };
    void hold();
    // The browser lets go of the lock whenever the page is hidden.
    document.addEventListener("visibilitychange", hold);
    return () => {
      over = true;
      document.removeEventListener("visibilitychange", hold);
      void lock?.release();
    };
  }, []);
}
