import { type LinePorts, openTestRoom } from "@heydok/client";

/** How this page tests its line; the client for it comes only when it is needed. */
export const browserLine: LinePorts = {
  openRoom: openTestRoom,
  openProbe: async (request) => {
    const part = await import("@heydok/client/probe").catch(() => null);
    return part === null ? { failed: "page" } : part.openProbe(request);
  },
};
