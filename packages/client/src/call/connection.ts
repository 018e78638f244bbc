/** The state of the line between this page and the meeting; times in milliseconds of one clock. */
export type Connection =
  /** `busy`: the server is at its limit and has refused us. */
  | { status: "connecting"; since: number; busy: boolean }
  | { status: "connected"; notice: BackNotice | null }
  | { status: "interrupted"; since: number; cause: OutageCause }
  | { status: "ended" };

/** The line broke, the server said that it restarts, or it is at its limit and has refused us. */
export type OutageCause = "line" | "restart" | "busy";

/** "Connected again": shown for a few seconds after an outage that was noticed. */
export interface BackNotice {
  missedSeconds: number;
  at: number;
}

export type ConnectionEvent =
  | { type: "connected"; at: number }
  | { type: "interrupted"; at: number; cause?: OutageCause }
  /** An attempt to connect came to nothing. */
  | { type: "failed"; busy: boolean }
  | { type: "notice-read" }
  | { type: "ended" };

/** Until then an outage only shows as still pictures. */
export const BANNER_AFTER_MS = 2_000;
/** From then on the banner tells the time and what to check. */
export const ADVICE_AFTER_MS = 10_000;
/** From then on the end screen stands in front, and goes on trying. */
export const GIVE_UP_AFTER_MS = 60_000;

export function nextConnection(state: Connection, event: ConnectionEvent): Connection {
  if (state.status === "ended") return state;
  switch (event.type) {
    case "connected":
      return { status: "connected", notice: backNotice(state, event.at) };
    case "interrupted":
      return interrupted(state, event.at, event.cause);
    case "failed":
      return failed(state, event.busy);
    case "notice-read":
      return state.status === "connected" ? { status: "connected", notice: null } : state;
    case "ended":
      return { status: "ended" };
  }
}

function interrupted(state: Connection, at: number, cause: OutageCause | undefined): Connection {
  if (state.status === "connected") return { status: "interrupted", since: at, cause: cause ?? "line" };
  // The reason may be told after the socket has closed; it never changes back.
  if (state.status !== "interrupted" || cause !== "restart" || state.cause === cause) return state;
  return { ...state, cause };
}

function failed(state: Connection, busy: boolean): Connection {
  if (state.status === "connecting") return state.busy === busy ? state : { ...state, busy };
  if (state.status !== "interrupted" || busy === (state.cause === "busy")) return state;
  return { ...state, cause: busy ? "busy" : "line" };
}

function backNotice(state: Connection, at: number): BackNotice | null {
  if (state.status === "connected") return state.notice;
  if (state.status !== "interrupted" || at - state.since < BANNER_AFTER_MS) return null;
  return { missedSeconds: Math.round((at - state.since) / 1000), at };
}

/** What the page shows of the line right now. */
export type ConnectionPhase =
  | "connecting"
  | "connected"
  | "frozen"
  | "reconnecting"
  | "reconnecting-long"
  | "lost"
  | "ended";

export function connectionPhase(state: Connection, now: number): ConnectionPhase {
  if (state.status !== "interrupted") return state.status;
  const outage = now - state.since;
  // Who knows the reason need not wait whether it passes.
  if (outage < BANNER_AFTER_MS && state.cause === "line") return "frozen";
  if (outage < ADVICE_AFTER_MS) return "reconnecting";
  return outage < GIVE_UP_AFTER_MS ? "reconnecting-long" : "lost";
}

/** How long the SDK's own resume may try before a fresh connection is made, in milliseconds. */
export const RESUME_FOR_MS = 8_000;

/**
 * Pause before the SDK's next attempt; `null` hands over to a fresh connection. A restarted server answers a
 * resume with "join anew", and that too waits for this pause: so it never grows above a second.
 */
export function resumeDelay(attempt: number, elapsedMs: number, random: number): number | null {
  if (elapsedMs > RESUME_FOR_MS) return null;
  const base = [50, 300, 600][attempt] ?? 800;
  return Math.round(base * (0.75 + random / 2));
}

/**
 * Pause before the next fresh connection: quick at first, never above 2.5 s, so that a restarted
 * server has everybody back within 15 s; spread by `random` (0 to 1) so that not all come at once.
 */
export function rejoinDelay(attempt: number, random: number): number {
  const base = Math.min(2_500, 400 * 1.5 ** attempt);
  return Math.round(base * (0.6 + random * 0.4));
}

/** Pause before a server that is at its limit is asked again, in milliseconds; spread like {@link rejoinDelay}. */
export function busyDelay(random: number): number {
  return Math.round(8_000 * (0.6 + random * 0.4));
}
