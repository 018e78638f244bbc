import { useSyncExternalStore } from "react";

export type Width = "phone" | "tablet" | "desktop";

const tablet = window.matchMedia("(min-width: 640px)");
const desktop = window.matchMedia("(min-width: 1120px)");

function subscribe(listener: () => void): () => void {
  tablet.addEventListener("change", listener);
  desktop.addEventListener("change", listener);
  return () => {
    tablet.removeEventListener("change", listener);
    desktop.removeEventListener("change", listener);
  };
}

function width(): Width {
  if (desktop.matches) return "desktop";
  return tablet.matches ? "tablet" : "phone";
}

/** How much room the control bar has. */
export function useWidth(): Width {
  return useSyncExternalStore(subscribe, width);
}
