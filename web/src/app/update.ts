import { programOf, UpdateWatch } from "@heydok/client";

const LOOK_EVERY_MS = 30 * 60_000;

/** Whether the server has a newer build than the page that runs. */
export const updates = new UpdateWatch(
  document.querySelector('script[type="module"][src]') === null
    ? null
    : programOf(document.documentElement.outerHTML),
  {
    fetchPage: async () => {
      const answer = await fetch("/", { cache: "no-store" }).catch(() => null);
      return answer?.ok ? await answer.text().catch(() => null) : null;
    },
    now: () => Date.now(),
  },
);

const RELOADED = "heydok.reloaded-for-update";

/** Looks now and then, when the page comes to the front, and when the network is back. Call once. */
export function watchForUpdates(): void {
  const look = () => {
    if (!document.hidden) void updates.check();
  };
  setInterval(look, LOOK_EVERY_MS);
  document.addEventListener("visibilitychange", look);
  window.addEventListener("online", look);
  // A part of the page that a newer server no longer has: only the new page can go on. Once, so that a server
  // without that part at all does not make the page load for ever.
  window.addEventListener("vite:preloadError", () => {
    try {
      if (sessionStorage.getItem(RELOADED) !== null) return;
      sessionStorage.setItem(RELOADED, "1");
      location.reload();
    } catch {
      // Without storage a loop could not be noticed: the error is shown instead.
    }
  });
}
