import type { Behavior } from "@heydok/client";
import { useSyncExternalStore } from "react";

/** The current value of a view model's behavior; the component renders again when it changes. */
export function useBehavior<T>(behavior: Behavior<T>): T {
  return useSyncExternalStore(behavior.subscribe, () => behavior.value);
}
