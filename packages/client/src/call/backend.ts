import type { JoinResult } from "../meeting/types";
import type { Addressing, StoredMessage } from "./chat-log";
import type { Role } from "./participants";

/** What an attempt to join again came to. */
export type JoinOutcome =
  | { kind: "granted"; join: JoinResult }
  /** `code` is the stable code of the refusal. */
  | { kind: "refused"; code: string; retryAfterSeconds: number | null }
  | { kind: "unreachable" };

export type SendOutcome =
  | { kind: "stored"; message: StoredMessage }
  | { kind: "refused"; code: string }
  | { kind: "unreachable" };

/** The part of heydok's API that a call needs, so that tests can stand in for the server. */
export interface CallBackend {
  /** Asks for a new room token for the same participant. */
  join(rejoinToken: string): Promise<JoinOutcome>;
  /** `clientId` makes a repeated send harmless. */
  sendMessage(token: string, clientId: string, text: string, addressing: Addressing): Promise<SendOutcome>;
  /** Messages after `afterSeq`, oldest first; `null` if the server did not answer. */
  messagesAfter(token: string, afterSeq: number): Promise<readonly StoredMessage[] | null>;
  /** Roles by identity; `null` if the server did not answer. */
  roles(token: string): Promise<ReadonlyMap<string, Role> | null>;
  /** Ends the meeting for everybody; whether it worked. */
  endMeeting(hostKey: string): Promise<boolean>;
  /** Whether the media server refused a connection, which failed with `error`, because it is at its limit. */
  isBusy(error: unknown, livekitUrl: string, token: string): Promise<boolean>;
  /** Whether the server gives a sign of life within a moment. */
  reachable(): Promise<boolean>;
}

/** Clock and chance, passed in so that tests own them. */
export interface Surroundings {
  /** Milliseconds since 1970. */
  now(): number;
  /** 0 to 1. */
  random(): number;
}

export const browserSurroundings: Surroundings = { now: () => Date.now(), random: () => Math.random() };
