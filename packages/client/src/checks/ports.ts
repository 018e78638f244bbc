import type { Route } from "../call/line-stats";
import type { DevicePort, OpenLevelMeter } from "../prejoin/ports";
import type { PathId } from "./check";

/** The server's own participant in a test room, who sends and receives as the page does. */
export interface Third {
  readonly connected: boolean;
  /** Of how many connections of the page a picture has reached it. */
  readonly pictures: number;
}

/** A room on the server that is only there for one test (`POST /api/v1/selftest`). */
export interface TestRoom {
  readonly livekitUrl: string;
  /** One for each connection of the page; good again after its connection is closed. */
  readonly tokens: readonly [string, string];
  /** Where media is expected; `null` where there is no such port or it is not known. */
  readonly udpPort: number | null;
  readonly tcpPort: number | null;
  third(): Promise<Third>;
  /** Frees the server's place; nobody waits for it. */
  close(): void;
}

export type TestRoomAnswer =
  | { readonly kind: "open"; readonly room: TestRoom }
  /** The server has no place for a test right now. */
  | { readonly kind: "busy" }
  /** It knows of no such test. */
  | { readonly kind: "absent" }
  /** It answers with an error of its own, or of the media server behind it. */
  | { readonly kind: "faulty" }
  | { readonly kind: "unreachable" };

/** What a connection of the page may use. */
export type PathPolicy = "any" | PathId;

/** What a connection has measured since it was last asked; rates in kbit/s, loss in percent, delay in milliseconds. */
export interface ProbeFigures {
  readonly up: number | null;
  readonly down: number | null;
  readonly loss: number | null;
  readonly delay: number | null;
  readonly route: Route | null;
}

/** An open connection to the test room. */
export interface Probe {
  /** Until the server answered, and until media could flow, from the beginning. */
  readonly signalMs: number;
  readonly mediaMs: number;
  /** Which kinds of relay the server offers. */
  readonly relays: ReadonlySet<PathId>;
  /** Sends a moving picture of up to that many kbit/s. */
  publish(kbits: number): Promise<void>;
  figures(): Promise<ProbeFigures>;
  /** Of how many others a picture has arrived. */
  picturesFrom(): Promise<number>;
  close(): void;
}

/**
 * Why there is no connection: no answer to the signalling, a server at its limit, a part of the page that did not load,
 * or no way for media.
 */
export type ProbeFailure =
  | { readonly failed: "signalling" | "busy" | "page" }
  | { readonly failed: "media"; readonly signalMs: number; readonly relays: ReadonlySet<PathId> };

export interface ProbeRequest {
  readonly url: string;
  readonly token: string;
  readonly policy: PathPolicy;
  /** For media to flow, after the server has answered, in milliseconds. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** Opens a connection; a failure is an answer, never an exception. */
export type OpenProbe = (request: ProbeRequest) => Promise<Probe | ProbeFailure>;

export interface LinePorts {
  openRoom(signal: AbortSignal): Promise<TestRoomAnswer>;
  readonly openProbe: OpenProbe;
}

export interface CheckPorts extends LinePorts {
  /** Whether the browser may give camera and microphone to this page. */
  readonly secure: boolean;
  /** Whether the browser has what a call needs. */
  readonly capable: boolean;
  readonly devices: DevicePort;
  readonly openLevelMeter: OpenLevelMeter;
}
