import type { JoinResult, MeetingInfo, MeetingStatus } from "../meeting/types";
import { type ApiOptions, createHttpClient, type HttpClient, unwrap } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];

/** The server as the view models see it. A fake of this interface builds every screen in every state. */
export interface MeetingApi {
  config(signal?: AbortSignal): Promise<ServerConfig>;
  create(signal?: AbortSignal): Promise<CreatedMeeting>;
  info(code: string, signal?: AbortSignal): Promise<MeetingInfo>;
  participants(code: string, signal?: AbortSignal): Promise<readonly ParticipantSummary[]>;
  join(code: string, request: JoinRequest, signal?: AbortSignal): Promise<JoinResult>;
  /** Ends the meeting for everybody; needs the host key. */
  end(code: string, hostKey: string): Promise<void>;
}

export interface ServerConfig {
  /** Whether people without an account may create meetings. */
  readonly anonymousCreate: boolean;
  /** An https or mailto address. */
  readonly supportUrl: string | null;
  /** How long the link of a new meeting is good. */
  readonly linkSeconds: number;
}

export interface CreatedMeeting {
  readonly code: string;
  readonly url: string;
  readonly hostUrl: string;
  readonly hostKey: string;
  readonly expiresAt: Date;
}

export interface ParticipantSummary {
  readonly id: string;
  readonly displayName: string;
}

export interface JoinRequest {
  readonly displayName: string;
  readonly password: string | null;
  readonly hostKey: string | null;
  readonly rejoinToken: string | null;
}

export function createMeetingApi(options: ApiOptions = {}): MeetingApi {
  return new HttpMeetingApi(createHttpClient(options));
}

class HttpMeetingApi implements MeetingApi {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  async config(signal?: AbortSignal): Promise<ServerConfig> {
    const body = await unwrap(this.#http.GET("/api/v1/config", withSignal(signal)));
    return {
      anonymousCreate: body.features.anonymous_create,
      supportUrl: body.support_url ?? null,
      linkSeconds: body.limits.meeting_ttl_seconds,
    };
  }

  async create(signal?: AbortSignal): Promise<CreatedMeeting> {
    const body = await unwrap(
      this.#http.POST("/api/v1/meetings/create", { body: {}, ...withSignal(signal) }),
    );
    return {
      code: body.meeting_id,
      url: body.meeting_url,
      hostUrl: body.host_url,
      hostKey: body.host_key,
      expiresAt: new Date(body.expires_at),
    };
  }

  async info(code: string, signal?: AbortSignal): Promise<MeetingInfo> {
    const params = { path: { meeting_id: code } };
    return readInfo(
      await unwrap(this.#http.GET("/api/v1/meetings/{meeting_id}/info", { params, ...withSignal(signal) })),
    );
  }

  async participants(code: string, signal?: AbortSignal): Promise<readonly ParticipantSummary[]> {
    const params = { path: { meeting_id: code } };
    const body = await unwrap(
      this.#http.GET("/api/v1/meetings/{meeting_id}/participants", { params, ...withSignal(signal) }),
    );
    return body.participants.map((person) => ({
      id: person.participant_id,
      displayName: person.display_name,
    }));
  }

  async join(code: string, request: JoinRequest, signal?: AbortSignal): Promise<JoinResult> {
    const body = await unwrap(
      this.#http.POST("/api/v1/meetings/{meeting_id}/join", {
        params: { path: { meeting_id: code } },
        body: {
          display_name: request.displayName,
          ...(request.password ? { password: request.password } : {}),
          ...(request.hostKey === null ? {} : { host_key: request.hostKey }),
          ...(request.rejoinToken === null ? {} : { rejoin_token: request.rejoinToken }),
        },
        ...withSignal(signal),
      }),
    );
    return readJoin(body);
  }

  async end(code: string, hostKey: string): Promise<void> {
    const params = { path: { meeting_id: code }, header: { "X-Host-Key": hostKey } };
    await unwrap(this.#http.DELETE("/api/v1/meetings/{meeting_id}", { params }));
  }
}

/** `exactOptionalPropertyTypes` tells a missing signal from an undefined one, and so does `Request`. */
function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

function readInfo(body: Schemas["MeetingInfo"]): MeetingInfo {
  return {
    code: body.meeting_id,
    url: body.meeting_url,
    name: body.name ?? null,
    status: readStatus(body.status),
    expiresAt: body.expires_at ? new Date(body.expires_at) : null,
    participantCount: body.participant_count,
    maxParticipants: body.max_participants,
    passwordRequired: body.password_required,
  };
}

const statuses: readonly MeetingStatus[] = ["active", "scheduled", "ended", "expired", "cancelled"];

/** A status this client does not know yet is treated as open; the join answers for itself. */
function readStatus(status: string): MeetingStatus {
  return statuses.find((known) => known === status) ?? "active";
}

const roles: readonly JoinResult["role"][] = ["host", "cohost", "member", "guest", "viewer"];

function readJoin(body: Schemas["JoinedMeeting"]): JoinResult {
  return {
    token: body.token,
    livekitUrl: body.livekit_url,
    code: body.meeting_id,
    participantId: body.participant_id,
    role: roles.find((known) => known === body.role) ?? "guest",
    roomName: body.room_name,
    rejoinToken: body.rejoin_token,
  };
}
