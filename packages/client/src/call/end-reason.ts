import { DisconnectReason } from "livekit-client";
import type { LeftReason } from "../meeting/types";

/** Why somebody is no longer in the call, as the page after it tells it. */
export type EndReason = LeftReason;

/** What a closed room asks for: tell the person, or come back by ourselves. */
export type AfterDisconnect = { next: "end"; reason: EndReason } | { next: "rejoin" };

/**
 * Reads the reason a room was closed. Only what a person or the host decided is final; all else is
 * the line or the server, and ends by itself.
 */
export function afterDisconnect(reason: DisconnectReason | undefined): AfterDisconnect {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return { next: "end", reason: "left" };
    case DisconnectReason.DUPLICATE_IDENTITY:
      return { next: "end", reason: "other_device" };
    case DisconnectReason.PARTICIPANT_REMOVED:
      return { next: "end", reason: "removed" };
    // A closed room may be an ended meeting or one that emptied while we were away: joining tells.
    default:
      return { next: "rejoin" };
  }
}

/** Codes of the join answer that make further tries pointless, with what to tell. */
const FINAL_CODES: Readonly<Record<string, EndReason>> = {
  participant_removed: "removed",
  meeting_ended: "ended",
  meeting_expired: "ended",
  meeting_cancelled: "ended",
  meeting_not_found: "ended",
};

/** The end reason in a refused join, or `null` if trying again may help. */
export function finalRefusal(code: string | null): EndReason | null {
  return code === null ? null : (FINAL_CODES[code] ?? null);
}
