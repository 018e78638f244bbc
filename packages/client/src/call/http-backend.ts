import type { HttpClient } from "../api/client";
import { ApiError, apiErrorFrom } from "../api/errors";
import type { MeetingApi } from "../api/meetings";
import { isBusy } from "./attempt";
import type { CallBackend, JoinOutcome, SendOutcome } from "./backend";
import type { Addressing, StoredMessage } from "./chat-log";
import { readMessage } from "./chat-wire";
import type { Role } from "./participants";

export interface HttpBackendOptions {
  http: HttpClient;
  meetings: MeetingApi;
  code: string;
  displayName: string;
  hostKey: string | null;
}

/** A sign of life that takes longer than this is none, in milliseconds. */
const SIGN_OF_LIFE_MS = 1_500;

const ROLES: readonly Role[] = ["host", "guest", "external"];

/** Answers of the server itself that a later try may turn into a good one. */
function passing(status: number): boolean {
  return status >= 500 || status === 408;
}

/** The call's part of the API over HTTP. A failure is an outcome here, never an exception. */
export class HttpCallBackend implements CallBackend {
  readonly isBusy = isBusy;

  constructor(private readonly options: HttpBackendOptions) {}

  async join(rejoinToken: string): Promise<JoinOutcome> {
    const { meetings, code, displayName, hostKey } = this.options;
    try {
      // Who comes back needs no password.
      const request = { displayName, password: null, hostKey, rejoinToken };
      return { kind: "granted", join: await meetings.join(code, request) };
    } catch (error) {
      if (!(error instanceof ApiError) || passing(error.status)) return { kind: "unreachable" };
      return { kind: "refused", code: error.code, retryAfterSeconds: error.retryAfterSeconds };
    }
  }

  async sendMessage(
    token: string,
    clientId: string,
    text: string,
    { to, replyTo }: Addressing,
  ): Promise<SendOutcome> {
    try {
      const { data, error, response } = await this.options.http.POST("/api/v1/meetings/{meeting_id}/chat", {
        params: this.path(),
        headers: bearer(token),
        body: { text, client_id: clientId, to, reply_to: replyTo },
      });
      const message = readMessage(data);
      if (response.ok && message !== null) return { kind: "stored", message };
      if (passing(response.status)) return { kind: "unreachable" };
      return { kind: "refused", code: apiErrorFrom(response, error).code };
    } catch {
      return { kind: "unreachable" };
    }
  }

  async messagesAfter(token: string, afterSeq: number): Promise<readonly StoredMessage[] | null> {
    try {
      const { data, response } = await this.options.http.GET("/api/v1/meetings/{meeting_id}/chat", {
        params: { ...this.path(), query: { after_seq: afterSeq } },
        headers: bearer(token),
      });
      if (!response.ok || data === undefined) return null;
      return data.messages.flatMap((message) => readMessage(message) ?? []);
    } catch {
      return null;
    }
  }

  async roles(token: string): Promise<ReadonlyMap<string, Role> | null> {
    try {
      const { data, response } = await this.options.http.GET("/api/v1/meetings/{meeting_id}/participants", {
        params: this.path(),
        headers: bearer(token),
      });
      if (!response.ok || data === undefined) return null;
      return new Map(data.participants.map((person) => [person.participant_id, readRole(person.role)]));
    } catch {
      return null;
    }
  }

  async endMeeting(hostKey: string): Promise<boolean> {
    try {
      await this.options.meetings.end(this.options.code, hostKey);
      return true;
    } catch {
      return false;
    }
  }

  async reachable(): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(SIGN_OF_LIFE_MS);
      return (await this.options.http.GET("/health", { signal, cache: "no-store" })).response.ok;
    } catch {
      return false;
    }
  }

  private path(): { path: { meeting_id: string } } {
    return { path: { meeting_id: this.options.code } };
  }
}

function bearer(token: string): { Authorization: string } {
  return { Authorization: `Bearer ${token}` };
}

function readRole(role: string): Role {
  return ROLES.find((known) => known === role) ?? "unknown";
}
