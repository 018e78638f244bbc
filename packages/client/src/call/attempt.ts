import {
  ConnectionError,
  ConnectionErrorReason,
  ConnectionState,
  EngineEvent,
  type Room,
  RoomEvent,
} from "livekit-client";
import type { PathId } from "../checks/check";
import { relaysOf } from "./ways";

/** What an attempt to connect has shown of server and network; livekit-client forgets it when the attempt fails. */
export interface Attempt {
  /** The relays that the server offers; `null` before it has answered. */
  readonly relays: ReadonlySet<PathId> | null;
  /**
   * Whether the way for media is at fault: the network let the checks of ICE through and not the handshake after them,
   * or the browser found no way. A server that is too busy to answer shows neither.
   */
  readonly wayFailed: boolean;
}

/** The private part of livekit-client that hears of ICE. */
interface Transport {
  onIceConnectionStateChange?: (state: RTCIceConnectionState) => void;
}

const TELLING: ReadonlySet<RTCIceConnectionState> = new Set(["connected", "completed", "failed"]);

/** Watches a room that is not connected yet. */
export function watchAttempt(room: Room): Attempt {
  let relays: ReadonlySet<PathId> | null = null;
  let cut = false;
  const ice = new Map<Transport, RTCIceConnectionState>();
  room.on(RoomEvent.SignalConnected, () => {
    relays = relaysOf(room);
  });
  // Where the signalling went too, the server is away.
  room.on(RoomEvent.ConnectionStateChanged, (state) => {
    cut ||= state === ConnectionState.SignalReconnecting || state === ConnectionState.Reconnecting;
  });
  room.engine.on(EngineEvent.TransportsCreated, (...transports) => {
    for (const transport of transports as readonly (Transport | undefined)[]) {
      if (transport === undefined) continue;
      const inner = transport.onIceConnectionStateChange;
      transport.onIceConnectionStateChange = (state) => {
        ice.set(transport, state);
        inner?.(state);
      };
    }
  });
  return {
    get relays() {
      return relays;
    },
    get wayFailed() {
      return !cut && [...ice.values()].some((state) => TELLING.has(state));
    },
  };
}

/** Long enough for a server that has just answered, in milliseconds. */
const ANSWER_MS = 2_000;

/**
 * Whether the media server refuses newcomers because it is at its limit. livekit-client asks the same after an upgrade
 * to a WebSocket that was refused, and keeps the answer to itself.
 */
export async function isBusy(error: unknown, livekitUrl: string, token: string): Promise<boolean> {
  const refused = error instanceof ConnectionError && error.reason === ConnectionErrorReason.WebSocket;
  if (!refused) return false;
  try {
    const address = new URL(`${livekitUrl.replace(/^ws/, "http").replace(/\/$/, "")}/rtc/validate`);
    address.searchParams.set("access_token", token);
    return (await fetch(address, { signal: AbortSignal.timeout(ANSWER_MS) })).status === 503;
  } catch {
    return false;
  }
}
