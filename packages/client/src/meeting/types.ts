/** What anybody with the code may know about a meeting (`GET …/info`). */
export interface MeetingInfo {
  /** `xxx-xxxx-xxx`. */
  readonly code: string;
  readonly url: string;
  readonly name: string | null;
  readonly status: MeetingStatus;
  readonly expiresAt: Date | null;
  readonly participantCount: number;
  readonly maxParticipants: number;
  /** Whether guests need its password. */
  readonly passwordRequired: boolean;
}

export type MeetingStatus = "active" | "scheduled" | "ended" | "expired" | "cancelled";

/** The admission to a room (`POST …/join`). */
export interface JoinResult {
  /** LiveKit access token. */
  readonly token: string;
  /** WebSocket address for livekit-client. */
  readonly livekitUrl: string;
  readonly code: string;
  readonly participantId: string;
  readonly role: "host" | "guest" | "cohost" | "member" | "viewer";
  readonly roomName: string;
  /** Sent with the next join it brings back the same participant. */
  readonly rejoinToken: string;
}

/** As whom to join: as this tab was before, in the place of another tab of this browser, or as one more person. */
export type JoinAs = "before" | "otherTab" | "newcomer";

/** What the person chose before joining. `null` as device id means the system's choice. */
export interface DeviceChoice {
  readonly displayName: string;
  readonly microphoneOn: boolean;
  readonly cameraOn: boolean;
  readonly microphoneId: string | null;
  readonly cameraId: string | null;
  readonly speakerId: string | null;
}

/** Why a call is over; each has its own screen. */
export type LeftReason =
  | "left"
  | "removed"
  | "ended"
  | "other_device"
  | "connection"
  | "room_deleted"
  | "server_stopped"
  | "server_busy"
  | "no_answer"
  | "never_connected";

/** A line of chat as somebody may keep it. */
export interface ChatLine {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly name: string;
  readonly text: string;
  /** Between two people only. */
  readonly isPrivate: boolean;
}

export interface LeftDetails {
  /** From the first connection to the end; 0 if there was none. */
  readonly durationSeconds: number;
  /** For what keeps people from a call, and `connection`: the error's code as the person may report it. */
  readonly code?: string;
  readonly chat?: readonly ChatLine[];
}

/** What the pre-join screen hands to the lazily loaded call screen. */
export interface CallScreenProps {
  readonly meeting: MeetingInfo;
  readonly join: JoinResult;
  readonly devices: DeviceChoice;
  /** The host key of this meeting if this person has one (header `X-Host-Key`); not the same as the role. */
  readonly hostKey: string | null;
  readonly onLeft: (reason: LeftReason, details: LeftDetails) => void;
}
