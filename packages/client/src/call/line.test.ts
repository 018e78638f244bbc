import {
  ConnectionState,
  DisconnectReason,
  type Room,
  type RoomConnectOptions,
  RoomEvent,
} from "livekit-client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { JoinResult } from "../meeting/types";
import type { CallBackend, JoinOutcome } from "./backend";
import { Line } from "./line";

interface FakeServer {
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
type Stuck = Extract<RTCIceConnectionState, "checking" | "connected" | "failed">;

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

const grant = (token: string): JoinResult => ({
  token,
  livekitUrl: "ws://server.test",
  code: "abc-defg-hij",
  participantId: "guest-12345678",
  role: "guest",
  roomName: "meeting-abc-defg-hij",
  rejoinToken: `rejoin-${token}`,
});

/** A line to a server that the test switches on and off. */
function setUp({ join, ...change }: Partial<FakeServer> & { join?: () => JoinOutcome } = {}) {
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

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

test.each<Stuck>(["connected", "failed"])(
  "where ICE is %s and no media comes, the next attempt takes TCP alone",
  async (stuck) => {
    const { events, last, rooms } = setUp({ stuck });
    await pass(10);
    expect([rooms[0]?.restricted, rooms[0]?.patience]).toEqual([false, [7_000]]);
    expect(rooms).toHaveLength(2);
    expect(last().restricted).toBe(true);
    expect(events.onRoom).toHaveBeenCalledTimes(1);
    // It worked, so it is taken at once after an outage.
    last().emit(RoomEvent.Disconnected, DisconnectReason.STATE_MISMATCH);
    await pass(10);
    expect(last().restricted).toBe(true);
  },
);

test.each<[string, Partial<FakeServer>]>([
  ["is too busy for media", { stuck: "checking" }],
  ["dies while we connect", { stuck: "connected", dies: true }],
])("a server that %s says nothing about the way", async (_, change) => {
  const { events, rooms, server } = setUp(change);
  await pass(10);
  server.stuck = null;
  await pass(5_000);
  expect(events.onRoom).toHaveBeenCalledTimes(1);
  expect(rooms.map((room) => room.restricted)).toEqual(rooms.map(() => false));
  expect(rooms[1]?.patience).toEqual([12_000]);
});

test("the server may hold pictures back that the line does not carry", async () => {
  const { last } = setUp();
  await pass(0);
  expect(last().mayPause).toBe(true);
});

test("a server that does not answer says nothing about the way", async () => {
  const { rooms } = setUp({ reachable: false });
  await pass(5_000);
  expect(rooms.some((room) => room.restricted)).toBe(false);
});

describe("a server at its limit", () => {
  test("is told as such, and asked again within reason until there is a place", async () => {
    const { events, joins, line, server } = setUp({ busy: true });
    await pass(100);
    expect(line.connection.value).toMatchObject({ status: "connecting", busy: true });
    await pass(60_000);
    expect(joins.length).toBeGreaterThan(6);
    expect(joins.length).toBeLessThan(13);
    expect(events.onEnd).not.toHaveBeenCalled();
    server.busy = false;
    await pass(8_000);
    expect(line.connection.value.status).toBe("connected");
  });

  test("is the reason that is told where none came free", async () => {
    const { events } = setUp({ busy: true });
    await pass(119_000);
    expect(events.onEnd).not.toHaveBeenCalled();
    await pass(10_000);
    expect(events.onEnd).toHaveBeenCalledExactlyOnceWith("server_busy", "Error");
  });

  test("that no longer answers is not told as busy", async () => {
    const { line, server } = setUp({ busy: true, join: () => ({ kind: "granted", join: grant("another") }) });
    await pass(100);
    server.reachable = false;
    await pass(8_000);
    expect(line.connection.value).toMatchObject({ status: "connecting", busy: false });
  });

  test("is told of in a call that it does not take back yet, which goes on trying", async () => {
    const { events, last, line, server } = setUp();
    await pass(0);
    server.busy = true;
    last().emit(RoomEvent.Disconnected, undefined);
    await pass(600_000);
    expect(line.connection.value).toMatchObject({ status: "interrupted", cause: "busy" });
    expect(events.onEnd).not.toHaveBeenCalled();
    server.busy = false;
    await pass(8_000);
    expect(line.connection.value.status).toBe("connected");
  });
});

describe("a room that is lost", () => {
  test("is replaced at once with a new token for the same participant", async () => {
    const { events, joins, last, line, rooms } = setUp();
    await pass(0);
    last().emit(RoomEvent.Disconnected, DisconnectReason.STATE_MISMATCH);
    await pass(10);
    expect(joins).toEqual(["rejoin-token-0"]);
    expect(rooms).toHaveLength(2);
    expect(last().tokens).toEqual(["token-1"]);
    expect(line.token).toBe("token-1");
    expect(events.onRoomGone).toHaveBeenCalledTimes(1);
    expect(events.onRoom).toHaveBeenCalledTimes(2);
    expect(line.connection.value).toEqual({ status: "connected", notice: null });
  });

  test("comes back within five seconds of the server, however long that was away", async () => {
    const { last, line, server } = setUp();
    await pass(0);
    server.reachable = false;
    last().emit(RoomEvent.Disconnected, undefined);
    await pass(600_000);
    expect(line.connection.value.status).toBe("interrupted");
    server.reachable = true;
    await pass(5_000);
    expect(line.connection.value).toMatchObject({
      status: "connected",
      notice: { missedSeconds: expect.any(Number) },
    });
  });

  test("is retried at once when asked to", async () => {
    const { joins, last, line, server } = setUp();
    await pass(0);
    server.reachable = false;
    last().emit(RoomEvent.Disconnected, undefined);
    await pass(20_000);
    server.reachable = true;
    const before = joins.length;
    line.retryNow();
    await pass(1);
    expect(joins.length).toBe(before + 1);
    expect(line.connection.value.status).toBe("connected");
  });
});

describe("a server that restarts", () => {
  test("is told by its leave message, and nobody is thrown out", async () => {
    const { events, joins, last, line } = setUp();
    await pass(0);
    const client = last().engine.client;
    client.onLeave({ reason: DisconnectReason.SERVER_SHUTDOWN });
    expect(line.connection.value).toMatchObject({ status: "interrupted", cause: "restart" });
    expect(client.heard).toEqual([DisconnectReason.SERVER_SHUTDOWN]);
    last().emit(RoomEvent.Disconnected, DisconnectReason.SERVER_SHUTDOWN);
    await pass(10);
    expect(events.onEnd).not.toHaveBeenCalled();
    expect(joins).toHaveLength(1);
    expect(line.connection.value.status).toBe("connected");
  });

  test("any other leave message is left to livekit-client", async () => {
    const { last, line } = setUp();
    await pass(0);
    last().engine.client.onLeave({ reason: DisconnectReason.STATE_MISMATCH });
    expect(line.connection.value.status).toBe("connected");
  });
});

describe("a room that repairs itself", () => {
  test("keeps its clock and hands the room over again", async () => {
    const { events, joins, last, line } = setUp();
    await pass(0);
    last().emit(RoomEvent.ConnectionStateChanged, ConnectionState.SignalReconnecting);
    expect(line.connection.value.status).toBe("interrupted");
    await pass(3_000);
    last().emit(RoomEvent.ConnectionStateChanged, ConnectionState.Connected);
    last().emit(RoomEvent.Reconnected);
    expect(line.connection.value).toMatchObject({ notice: { missedSeconds: 3 } });
    expect(events.onRoom).toHaveBeenCalledTimes(2);
    expect(joins).toEqual([]);
  });

  test("is given up when the repair hangs", async () => {
    const { joins, last, rooms } = setUp();
    await pass(0);
    last().emit(RoomEvent.ConnectionStateChanged, ConnectionState.Reconnecting);
    await pass(15_000);
    expect(rooms[0]?.disconnected).toBe(true);
    expect(joins).toHaveLength(1);
    expect(rooms).toHaveLength(2);
  });
});

describe("the end", () => {
  test.each([
    [DisconnectReason.PARTICIPANT_REMOVED, "removed"],
    [DisconnectReason.DUPLICATE_IDENTITY, "other_device"],
  ])("%s is told without another try", async (reason, told) => {
    const { events, joins, last } = setUp();
    await pass(0);
    last().emit(RoomEvent.Disconnected, reason);
    await pass(60_000);
    expect(events.onEnd).toHaveBeenCalledExactlyOnceWith(told, null);
    expect(joins).toEqual([]);
  });

  test("a deleted room is an ended meeting once joining says so", async () => {
    const { events, last } = setUp({
      join: () => ({ kind: "refused", code: "meeting_ended", retryAfterSeconds: null }),
    });
    await pass(0);
    last().emit(RoomEvent.Disconnected, DisconnectReason.ROOM_DELETED);
    await pass(10);
    expect(events.onEnd).toHaveBeenCalledExactlyOnceWith("ended", "meeting_ended");
  });

  test("a refusal that may pass is no end", async () => {
    const { events, joins, last } = setUp({
      join: () => ({ kind: "refused", code: "capacity", retryAfterSeconds: 2 }),
    });
    await pass(0);
    last().emit(RoomEvent.Disconnected, undefined);
    await pass(60_000);
    expect(events.onEnd).not.toHaveBeenCalled();
    expect(joins.length).toBeGreaterThan(5);
  });

  test.each<[string, Partial<FakeServer>, string]>([
    ["because nothing answers", { reachable: false }, "no_answer"],
    ["because no media come", { stuck: "checking" }, "never_connected"],
  ])("whoever never got in %s is told so after a while", async (_, change, told) => {
    const { events, line } = setUp(change);
    await pass(60_000);
    expect(events.onEnd).toHaveBeenCalledExactlyOnceWith(told, "Error");
    expect(line.connection.value.status).toBe("ended");
  });

  test("leaving stops all tries", async () => {
    const { events, joins, last, line, server } = setUp();
    await pass(0);
    server.reachable = false;
    last().emit(RoomEvent.Disconnected, undefined);
    await pass(5_000);
    await line.stop();
    const before = joins.length;
    server.reachable = true;
    await pass(60_000);
    expect(joins.length).toBe(before);
    expect(events.onEnd).not.toHaveBeenCalled();
  });
});
