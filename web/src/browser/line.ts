import { type LinePorts, openTestRoom } from "@heydok/client";

/** How this page tests its line; the client for it comes only when it is needed. */
export const browserLine: LinePorts = {
  openRoom: openTestRoom,
  openProbe: async (request) => {
    try {
      const { openProbe } = await import("@heydok/client/probe");
      return await openProbe(request);
    } catch {
      return { failed: "signalling" };
    }
  },
};
