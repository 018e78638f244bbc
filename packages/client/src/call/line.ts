import { DisconnectReason, Room, VideoPresets } from "livekit-client";
import type { JoinResult } from "../meeting/types";
import { Cell } from "../state/behavior";
import { watchAttempt } from "./attempt";
import type { CallBackend, Surroundings } from "./backend";
import {
  busyDelay,
  type Connection,
  type ConnectionEvent,
  nextConnection,
  rejoinDelay,
  resumeDelay,
} from "./connection";
import { type AfterDisconnect, afterDisconnect, type EndReason, finalRefusal } from "./end-reason";
import { watchRoom } from "./room-watch";
import { keepStreamStates } from "./stream-states";
import { WayChoice } from "./way-choice";
import { restrictTo } from "./ways";

/** A first connection that takes longer than this will not come, in milliseconds. */
const FIRST_CONNECTION_MS = 40_000;
/** So long a server at its limit is asked for a place in it, in milliseconds. */
const BUSY_FOR_MS = 120_000;
/** So long a room is kept to a way tried alone; after it, livekit-client's own repairs may take any, in milliseconds. */
const RESTRICTED_FOR_MS = 60_000;
/** For the server's answer to the signalling, in milliseconds. */
const SIGNAL_MS = 12_000;

export interface LineEvents {
  /** A room is connected and may be published to; also after each new connection. */
  onRoom(room: Room): void;
  /** The room is closed and will not come back; another may follow. */
  onRoomGone(): void;
  onEnd(reason: EndReason, code: string | null): void;
}

/** Makes a room; replaced in tests. */
export type MakeRoom = (surroundings: Surroundings) => Room;

export const makeRoom: MakeRoom = (surroundings) => {
  const room = new Room({
    adaptiveStream: { pixelDensity: "screen" },
    dynacast: true,
    // Devices belong to the page (see LocalMedia), not to one connection.
    stopLocalTrackOnUnpublish: false,
    disconnectOnPageLeave: true,
    publishDefaults: {
      videoCodec: "vp8",
      simulcast: true,
      videoSimulcastLayers: [VideoPresets.h180, VideoPresets.h360],
      screenShareEncoding: { maxBitrate: 2_500_000, maxFramerate: 15 },
      dtx: true,
      red: true,
    },
    reconnectPolicy: {
      nextRetryDelayInMs: ({ retryCount, elapsedMs }) =>
        resumeDelay(retryCount, elapsedMs, surroundings.random()),
    },
  });
  keepStreamStates(room);
  return room;
};

/**
 * The line to the meeting. Within one room livekit-client repairs what it can; when that room is
 * lost, this asks for a new token and connects a fresh one, until the meeting or the person ends it.
 */
export class Line {
  readonly connection: Cell<Connection>;
  private room: Room | null = null;
  private stopped = false;
  private wake: (() => void) | null = null;
  private everConnected = false;
  private problem: string | null = null;
  /** Why the last attempt came to nothing. */
  private obstacle: "no_answer" | "server_busy" | "never_connected" = "no_answer";
  private readonly ways = new WayChoice();
  private readonly startedAt: number;

  constructor(
    private grant: JoinResult,
    private readonly backend: CallBackend,
    private readonly events: LineEvents,
    private readonly surroundings: Surroundings,
    private readonly newRoom: MakeRoom = makeRoom,
  ) {
    this.startedAt = surroundings.now();
    this.connection = new Cell<Connection>({ status: "connecting", since: this.startedAt, busy: false });
  }

  /** The token that proves who we are to the API. */
  get token(): string {
    return this.grant.token;
  }

  /** Connects, and keeps connected until the end. */
  async run(): Promise<void> {
    for (let attempt = 0; !this.stopped; attempt += 1) {
      const held = await this.hold();
      if (this.stopped) return;
      if (held.connected) attempt = 0;
      if (held.after.next === "end") return this.finish(held.after.reason, null);
      this.problem = held.problem;
      this.tell({ type: "failed", busy: this.busy });
      if (!(await this.renew(attempt))) return;
    }
  }

  /** Tries at once instead of at the end of the present pause. */
  retryNow(): void {
    this.wake?.();
  }

  /** Leaves for good. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.tell({ type: "ended" });
    this.wake?.();
    const room = this.room;
    this.room = null;
    await room?.disconnect(false).catch(() => undefined);
  }

  noticeRead(): void {
    this.tell({ type: "notice-read" });
  }

  private get busy(): boolean {
    return this.obstacle === "server_busy";
  }

  private tell(event: ConnectionEvent): void {
    this.connection.update((state) => nextConnection(state, event));
  }

  private finish(reason: EndReason, code: string | null): void {
    this.stopped = true;
    this.tell({ type: "ended" });
    this.events.onEnd(reason, code);
  }

  /** One room from connecting to its end. */
  private async hold(): Promise<{ connected: boolean; after: AfterDisconnect; problem: string | null }> {
    const room = this.newRoom(this.surroundings);
    this.room = room;
    const watch = watchRoom(room, this.surroundings, () => this.backend.reachable(), {
      interrupted: (at, cause) => this.tell({ type: "interrupted", at, cause }),
      repaired: () => {
        this.tell({ type: "connected", at: this.surroundings.now() });
        this.events.onRoom(room);
      },
    });
    const problem = await this.connect(room);
    if (problem !== null) {
      watch.stop();
      await room.disconnect(false).catch(() => undefined);
      return { connected: false, after: { next: "rejoin" }, problem };
    }
    if (this.stopped) {
      await room.disconnect(false).catch(() => undefined);
      return { connected: true, after: { next: "end", reason: "left" }, problem };
    }
    this.everConnected = true;
    this.tell({ type: "connected", at: this.surroundings.now() });
    watch.connected();
    this.events.onRoom(room);
    const reason = await watch.closed;
    watch.stop();
    this.room = null;
    this.events.onRoomGone();
    const cause = reason === DisconnectReason.SERVER_SHUTDOWN ? "restart" : "line";
    this.tell({ type: "interrupted", at: this.surroundings.now(), cause });
    return { connected: true, after: afterDisconnect(reason), problem };
  }

  /** Connects over the way whose turn it is; resolves to the name of the error, if any. */
  private async connect(room: Room): Promise<string | null> {
    const now = this.surroundings.now();
    const { policy, patienceMs } = this.ways.next(now);
    restrictTo(room, policy, () => this.surroundings.now() < now + RESTRICTED_FOR_MS);
    const attempt = watchAttempt(room);
    const { livekitUrl, token } = this.grant;
    this.obstacle = "no_answer";
    try {
      await room.connect(livekitUrl, token, {
        maxRetries: 0,
        // On a line that does not carry all pictures, a few good ones are better than all that stutter.
        subscriberAllowPause: true,
        websocketTimeout: SIGNAL_MS,
        peerConnectionTimeout: patienceMs,
      });
      this.ways.succeeded(policy, this.surroundings.now());
      return null;
    } catch (error) {
      const { relays, wayFailed } = attempt;
      if (relays !== null) {
        this.obstacle = "never_connected";
        this.ways.failed(relays, wayFailed);
      } else if (await this.backend.isBusy(error, livekitUrl, token)) this.obstacle = "server_busy";
      return error instanceof Error ? error.name : "unknown";
    }
  }

  /** Gets a new token, as often as it takes; `false` when the meeting is over for us. */
  private async renew(firstAttempt: number): Promise<boolean> {
    for (let attempt = firstAttempt; !this.stopped; attempt += 1) {
      const tried = this.surroundings.now() - this.startedAt;
      if (!this.everConnected && tried > (this.busy ? BUSY_FOR_MS : FIRST_CONNECTION_MS)) {
        this.finish(this.obstacle, this.problem);
        return false;
      }
      const random = this.surroundings.random();
      if (this.busy) await this.pause(busyDelay(random));
      // The first try after a loss is free: often only the room was closed.
      else if (attempt > 0) await this.pause(rejoinDelay(attempt - 1, random));
      if (this.stopped) return false;
      const outcome = await this.backend.join(this.grant.rejoinToken);
      if (this.stopped) return false;
      if (outcome.kind === "granted") {
        this.grant = { ...outcome.join, livekitUrl: outcome.join.livekitUrl || this.grant.livekitUrl };
        return true;
      }
      if (outcome.kind === "unreachable") continue;
      const final = finalRefusal(outcome.code);
      if (final !== null) {
        this.finish(final, outcome.code);
        return false;
      }
      if (outcome.retryAfterSeconds !== null)
        await this.pause(Math.min(30, outcome.retryAfterSeconds) * 1000);
    }
    return false;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.wake = done;
    });
  }
}
