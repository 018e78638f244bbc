import { type Behavior, Cell } from "@heydok/client";

const online = new Cell(navigator.onLine);
window.addEventListener("online", () => online.set(true));
window.addEventListener("offline", () => online.set(false));

/** Whether the browser has any network at all. */
export const networkOnline: Behavior<boolean> = online;
