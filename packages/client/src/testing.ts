import { ApiError } from "./api/errors";
import type { MeetingApi } from "./api/meetings";
import type { JoinResult, MeetingInfo } from "./meeting/types";
import type { KeyValueStore } from "./preferences/preferences";

/** Fakes shared by the view models' tests. */

export const CODE = "abc-defg-hij";

export function meetingInfo(part: Partial<MeetingInfo> = {}): MeetingInfo {
  return {
    code: CODE,
    url: `https://meet.example/meeting/${CODE}`,
    name: null,
    status: "active",
    expiresAt: new Date("2026-11-22T10:00:00Z"),
    participantCount: 0,
    maxParticipants: 20,
    passwordRequired: false,
    ...part,
  };
}

export function joinResult(part: Partial<JoinResult> = {}): JoinResult {
  return {
    token: "token",
    livekitUrl: "wss://meet.example",
    code: CODE,
    participantId: "guest-12345678",
    role: "guest",
    roomName: `meeting-${CODE}`,
    rejoinToken: "rejoin-1",
    ...part,
  };
}

export function apiError(code: string, status = 400, retryAfterSeconds: number | null = null): ApiError {
  return new ApiError({ code, status, requestId: "req-1", retryAfterSeconds, detail: null });
}

/** A server on which nothing was asked for yet; tests replace what they need. */
export function fakeApi(part: Partial<MeetingApi> = {}): MeetingApi {
  const unexpected = (name: string) => () => Promise.reject(new Error(`${name} was not expected`));
  return {
    config: unexpected("config"),
    create: unexpected("create"),
    info: () => Promise.resolve(meetingInfo()),
    participants: () => Promise.resolve([]),
    join: () => Promise.resolve(joinResult()),
    end: unexpected("end"),
    ...part,
  };
}

export function memoryStore(initial: Readonly<Record<string, string>> = {}): KeyValueStore {
  const values = new Map(Object.entries(initial));
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

/** Lets everything that is already resolved run on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
