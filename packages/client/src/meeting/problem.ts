import { ApiError, NetworkError, TimeoutError } from "../api/errors";
import type { MeetingInfo } from "./types";

/** Why nobody gets further at this moment. Each kind has its own words and its own way on. */
export type MeetingProblem =
  | { readonly kind: "unknown" }
  | { readonly kind: "expired"; readonly until: Date | null }
  | { readonly kind: "ended" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "locked" }
  | { readonly kind: "full"; readonly max: number | null }
  | { readonly kind: "removed" }
  | { readonly kind: "hostLinkInvalid" }
  | { readonly kind: "passwordRequired" }
  | { readonly kind: "passwordWrong" }
  | { readonly kind: "rateLimited"; readonly seconds: number }
  | { readonly kind: "busy"; readonly seconds: number }
  | { readonly kind: "createForbidden" }
  | { readonly kind: "network" }
  | { readonly kind: "server"; readonly reference: string };

export type ProblemKind = MeetingProblem["kind"];

/** Used where a 429 or 503 names no time, in seconds. */
const RETRY_SECONDS = 60;

/** Tells a failure by its class and code. */
export function problemOf(error: unknown, meeting: MeetingInfo | null = null): MeetingProblem {
  if (error instanceof NetworkError || error instanceof TimeoutError) return { kind: "network" };
  if (!(error instanceof ApiError)) return { kind: "server", reference: "client" };
  switch (error.code) {
    case "meeting_not_found":
    case "not_found":
    case "invalid_meeting_id":
      return { kind: "unknown" };
    case "meeting_expired":
      return { kind: "expired", until: meeting?.expiresAt ?? null };
    case "meeting_ended":
      return { kind: "ended" };
    case "meeting_cancelled":
      return { kind: "cancelled" };
    case "meeting_locked":
      return { kind: "locked" };
    case "meeting_full":
      return { kind: "full", max: meeting?.maxParticipants ?? null };
    case "participant_removed":
      return { kind: "removed" };
    case "host_key_invalid":
      return { kind: "hostLinkInvalid" };
    case "password_required":
      return { kind: "passwordRequired" };
    case "password_wrong":
      return { kind: "passwordWrong" };
    case "feature_disabled":
      return { kind: "createForbidden" };
    case "rate_limited":
      return { kind: "rateLimited", seconds: error.retryAfterSeconds ?? RETRY_SECONDS };
    case "capacity":
    case "maintenance":
      return { kind: "busy", seconds: error.retryAfterSeconds ?? RETRY_SECONDS };
    default:
      return { kind: "server", reference: error.requestId ?? error.code };
  }
}

/** The problem that the meeting's own data tells before anybody tries to join. */
export function problemOfInfo(meeting: MeetingInfo): MeetingProblem | null {
  switch (meeting.status) {
    case "ended":
      return { kind: "ended" };
    case "cancelled":
      return { kind: "cancelled" };
    case "expired":
      return { kind: "expired", until: meeting.expiresAt };
    default:
      return meeting.participantCount >= meeting.maxParticipants
        ? { kind: "full", max: meeting.maxParticipants }
        : null;
  }
}

const retriable: ReadonlySet<ProblemKind> = new Set([
  "locked",
  "full",
  "rateLimited",
  "busy",
  "network",
  "server",
]);

/** Whether the same may go well in a while. */
export function mayBeRetried(problem: MeetingProblem): boolean {
  return retriable.has(problem.kind);
}

/** Where a person can go instead: enter another code, create a meeting, or just to the start. */
export type WayOn = "otherCode" | "newMeeting" | "start";

/** `creation`: whether a meeting can be created here. */
export function wayOnFrom(problem: MeetingProblem, creation: boolean): WayOn {
  switch (problem.kind) {
    case "unknown":
      return "otherCode";
    case "expired":
    case "ended":
    case "cancelled":
      return creation ? "newMeeting" : "start";
    default:
      return "start";
  }
}

const operators: ReadonlySet<ProblemKind> = new Set(["busy", "network", "server"]);

/** Whether only those who run the server can mend it, if it lasts. */
export function needsSupport(problem: MeetingProblem): boolean {
  return operators.has(problem.kind);
}

const passing: ReadonlySet<ProblemKind> = new Set([
  "hostLinkInvalid",
  "passwordRequired",
  "passwordWrong",
  "rateLimited",
  "busy",
  "network",
  "server",
]);

/** A passing problem is told beside the form and tried again; any other takes the whole screen. */
export function isPassing(problem: MeetingProblem): boolean {
  return passing.has(problem.kind);
}

/** Whether the password is what is missing. */
export function asksPassword(problem: MeetingProblem): boolean {
  return problem.kind === "passwordRequired" || problem.kind === "passwordWrong";
}
