import { ConnectionState, DisconnectReason, RoomEvent } from "livekit-client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type FakeServer, grant, pass, type Stuck, setUp } from "./line.testing";

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
