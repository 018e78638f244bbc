import {
  ConnectionState,
  type DisconnectReason,
  type Room,
  type RoomConnectOptions,
  RoomEvent,
} from "livekit-client";
import { expect, vi } from "vitest";
import type { JoinResult } from "../meeting/types";
import type { CallBackend, JoinOutcome } from "./backend";
import { Line } from "./line";

export interface FakeServer {
  reachable: boolean;
  /** At its limit: it refuses everybody. */
  busy: boolean;
  stuck: Stuck | null;
  /** It is gone while a room connects. */
  dies: boolean;
}

interface FakeTransport {
  setRemoteDescription(): Promise<boolean>;
  addIceCandidate(): Promise<void>;
  onIceConnectionStateChange?: (state: RTCIceConnectionState) => void;
}

class FakeSignalClient {
  readonly heard: DisconnectReason[] = [];
  onLeave = (leave: { reason: DisconnectReason }): void => void this.heard.push(leave.reason);
}

/** What the network does with a server that answers: ICE gets this far, and the handshake after it nowhere. */
export type Stuck = Extract<RTCIceConnectionState, "checking" | "connected" | "failed">;

/** The part of livekit-client's room that a line uses, driven by the test. */
class FakeRoom {
  readonly listeners = new Map<string, Set<(...values: unknown[]) => void>>();
  readonly tokens: string[] = [];
  disconnected = false;
  mayPause = false;
  /** The inner part that livekit-client keeps to itself, with what it heard of leave messages. */
  readonly engine = {
    client: new FakeSignalClient(),
    makeRTCConfiguration: () => ({}),
    on: (_: string, listener: (transport: FakeTransport) => void) => void this.onTransports.push(listener),
  };
  private readonly unrestricted = this.engine.makeRTCConfiguration;
  private readonly onTransports: ((transport: FakeTransport) => void)[] = [];
  readonly patience: number[] = [];

  constructor(private readonly server: FakeServer) {}

  /** Whether the room is kept to one way. */
  get restricted(): boolean {
    return this.engine.makeRTCConfiguration !== this.unrestricted;
  }

  on(event: string, listener: (...values: unknown[]) => void) {
    const known = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, known.add(listener));
    return this;
  }
  off(event: string, listener: (...values: unknown[]) => void) {
    this.listeners.get(event)?.delete(listener);
    return this;
  }
  async connect(_url: string, token: string, options: RoomConnectOptions): Promise<void> {
    this.tokens.push(token);
    this.mayPause = options.subscriberAllowPause ?? false;
    this.patience.push(options.peerConnectionTimeout ?? Number.NaN);
    if (!this.server.reachable || this.server.busy) throw new Error("unreachable");
    this.emit(RoomEvent.SignalConnected);
    const { stuck } = this.server;
    // Where the browser chooses badly, another way alone still carries.
    if (stuck === null || (this.restricted && stuck !== "checking")) return;
    const transport: FakeTransport = {
      setRemoteDescription: async () => true,
      addIceCandidate: async () => undefined,
    };
    for (const tell of this.onTransports) tell(transport);
    transport.onIceConnectionStateChange?.(stuck);
    if (this.server.dies) this.emit(RoomEvent.ConnectionStateChanged, ConnectionState.SignalReconnecting);
    throw new Error("no media");
  }
  async disconnect(): Promise<void> {
    this.disconnected = true;
  }
  emit(event: string, ...values: unknown[]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener(...values);
  }
}

export const grant = (token: string): JoinResult => ({
  token,
  livekitUrl: "ws://server.test",
  code: "abc-defg-hij",
  participantId: "guest-12345678",
  role: "guest",
  roomName: "meeting-abc-defg-hij",
  rejoinToken: `rejoin-${token}`,
});

/** A line to a server that the test switches on and off. */
export function setUp({ join, ...change }: Partial<FakeServer> & { join?: () => JoinOutcome } = {}) {
  const server: FakeServer = { reachable: true, busy: false, stuck: null, dies: false, ...change };
  const rooms: FakeRoom[] = [];
  const joins: string[] = [];
  const events = { onRoom: vi.fn(), onRoomGone: vi.fn(), onEnd: vi.fn() };
  const backend = {
    join: async (rejoinToken: string): Promise<JoinOutcome> => {
      joins.push(rejoinToken);
      const answer = join?.();
      if (answer !== undefined) return answer;
      if (!server.reachable) return { kind: "unreachable" };
      return { kind: "granted", join: grant(`token-${joins.length}`) };
    },
    isBusy: async () => server.reachable && server.busy,
  } as unknown as CallBackend;
  const line = new Line(
    grant("token-0"),
    backend,
    events,
    { now: () => Date.now(), random: () => 0.5 },
    () => {
      const room = new FakeRoom(server);
      rooms.push(room);
      return room as unknown as Room;
    },
  );
  void line.run();
  const last = () => rooms[rooms.length - 1] ?? expect.fail("a room was made");
  return { server, rooms, joins, events, line, last };
}

export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
