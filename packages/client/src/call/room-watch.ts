import { ConnectionState, DisconnectReason, type Room, RoomEvent } from "livekit-client";
import type { Surroundings } from "./backend";
import type { OutageCause } from "./connection";
import { Pulse } from "./pulse";
import { expectsMedia, sampleRoom, transportBroken } from "./transports";

/** The SDK may hang in an attempt; after this long in an outage its room is given up. */
const HUNG_AFTER_MS = 14_000;

export interface RoomWatch {
  /** Resolves when the room is closed, or hung for so long that it counts as closed. */
  closed: Promise<DisconnectReason | undefined>;
  /** The room is connected for the first time: from now on its pulse is felt. */
  connected(): void;
  stop(): void;
}

export interface RoomNews {
  interrupted(at: number, cause: OutageCause): void;
  repaired(): void;
}

/** Watches one room for everything that interrupts, repairs or closes it. */
export function watchRoom(
  room: Room,
  surroundings: Surroundings,
  reachable: () => Promise<boolean>,
  tell: RoomNews,
): RoomWatch {
  let close: (reason: DisconnectReason | undefined) => void = () => undefined;
  const closed = new Promise<DisconnectReason | undefined>((resolve) => {
    close = resolve;
  });
  let hung: ReturnType<typeof setTimeout> | undefined;
  let pulse: Pulse | undefined;
  const giveUp = () => {
    close(undefined);
    void room.disconnect(false).catch(() => undefined);
  };
  const onState = (state: ConnectionState) => {
    const cut = state === ConnectionState.Reconnecting || state === ConnectionState.SignalReconnecting;
    if (cut) {
      hung ??= setTimeout(giveUp, HUNG_AFTER_MS);
      tell.interrupted(surroundings.now(), "line");
    } else {
      clearTimeout(hung);
      hung = undefined;
    }
  };
  const onLeave = () => tell.interrupted(surroundings.now(), "restart");
  const onRepaired = () => {
    hearShutdown(room, onLeave);
    tell.repaired();
  };
  room.on(RoomEvent.ConnectionStateChanged, onState);
  room.on(RoomEvent.Reconnected, onRepaired);
  room.on(RoomEvent.Disconnected, close);
  return {
    closed,
    connected: () => {
      hearShutdown(room, onLeave);
      pulse = pulseOf(room, surroundings, reachable, tell);
    },
    stop: () => {
      pulse?.stop();
      clearTimeout(hung);
      room.off(RoomEvent.ConnectionStateChanged, onState);
      room.off(RoomEvent.Reconnected, onRepaired);
      room.off(RoomEvent.Disconnected, close);
    },
  };
}

function pulseOf(
  room: Room,
  surroundings: Surroundings,
  reachable: () => Promise<boolean>,
  tell: RoomNews,
): Pulse {
  const line = {
    arrivals: async () => {
      // While the SDK itself repairs, it tells when it is done.
      if (room.state !== ConnectionState.Connected) return null;
      return await sampleRoom(room, surroundings.now());
    },
    expectsMedia: () => expectsMedia(room),
    broken: () => transportBroken(room),
    reachable,
  };
  return new Pulse(line, surroundings, {
    stopped: (since) => tell.interrupted(since, "line"),
    // Signalling anew is what makes livekit-client look for another way (ICE restart) without leaving the room.
    mediaCut: () => void room.simulateScenario("signal-reconnect").catch(() => undefined),
    beatsAgain: tell.repaired,
  });
}

const listening = new WeakSet<object>();

/** A server that stops says so before it asks its clients to come back; livekit-client keeps that reason to itself. */
function hearShutdown(room: Room, onShutdown: () => void): void {
  const client = (room as Partial<Room>).engine?.client;
  const inner = client?.onLeave;
  if (client === undefined || inner === undefined || listening.has(inner)) return;
  const outer: typeof inner = (leave) => {
    if (leave.reason === DisconnectReason.SERVER_SHUTDOWN) onShutdown();
    inner(leave);
  };
  listening.add(outer);
  client.onLeave = outer;
}
