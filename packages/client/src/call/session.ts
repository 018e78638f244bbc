import { type Room, setLogLevel } from "livekit-client";
import type { ChatLine, JoinResult } from "../meeting/types";
import { type Behavior, Cell } from "../state/behavior";
import { type CallNews, MovementMerger } from "./announcements";
import { browserSurroundings, type CallBackend, type Surroundings } from "./backend";
import { Chat } from "./chat";
import type { Connection } from "./connection";
import type { EndReason } from "./end-reason";
import { Line, type MakeRoom, makeRoom } from "./line";
import { LineMonitor } from "./line-monitor";
import { LocalMedia } from "./local-media";
import type { MediaChoice } from "./media-state";
import type { ParticipantView, Role } from "./participants";
import { People } from "./people";
import type { CallSound } from "./sounds";
import { openMicrophones } from "./voices";

export interface SessionOptions {
  join: JoinResult;
  displayName: string;
  media: MediaChoice;
  speakerId: string | null;
  hostKey: string | null;
  backend: CallBackend;
  document: Document;
  /** Let livekit-client write its log. */
  debug: boolean;
  onNews(news: CallNews): void;
  /** Something that may be heard, with the number of people in the call. */
  onSound(sound: CallSound, people: number): void;
  onEnd(reason: EndReason, details: EndDetails): void;
  surroundings?: Surroundings;
  makeRoom?: MakeRoom;
}

export interface EndDetails {
  durationSeconds: number;
  code: string | null;
  /** What was written while we were in, for whoever wants to keep it. */
  chat: readonly ChatLine[];
}

const ROLES_AFTER_MS = 800;

/** One person's stay in one meeting: what the call screen reads and presses. */
export class CallSession {
  readonly media: LocalMedia;
  readonly people: People;
  readonly chat: Chat;
  readonly roles = new Cell<ReadonlyMap<string, Role>>(new Map());
  readonly monitor: LineMonitor;
  /** Neither sends nor fetches camera pictures, for a line that carries only sound. */
  readonly audioOnly = new Cell(false);
  private readonly line: Line;
  private readonly merger: MovementMerger;
  private readonly surroundings: Surroundings;
  private readonly endings: (() => void)[] = [];
  private rolesTimer: ReturnType<typeof setTimeout> | null = null;
  private startedAt: number | null = null;
  private speakerId: string | null;
  private room: Room | null = null;
  private over = false;

  constructor(private readonly options: SessionOptions) {
    this.surroundings = options.surroundings ?? browserSurroundings;
    if (options.debug) setLogLevel("debug");
    const self = { id: options.join.participantId, name: options.displayName };
    this.speakerId = options.speakerId;
    this.media = new LocalMedia(options.media);
    this.people = new People(self, this.media.state, this.surroundings, options.document);
    this.chat = new Chat(
      self,
      options.backend,
      {
        token: () => this.line.token,
        onHeard: (from, text, panelOpen, isPrivate) => {
          options.onNews({ kind: "message", from, text, isPrivate });
          if (!panelOpen) this.cue("message");
        },
      },
      this.surroundings,
    );
    this.monitor = new LineMonitor(
      {
        voices: (room) => openMicrophones(room, this.selfId, this.media, this.people),
        ownQuality: () => this.people.list.value.find((view) => view.isLocal)?.quality ?? "unknown",
        picturesPaused: () => this.people.list.value.some((view) => view.paused),
      },
      this.surroundings,
    );
    this.merger = new MovementMerger((movement) => options.onNews({ kind: "moved", movement }));
    this.line = new Line(
      options.join,
      options.backend,
      {
        onRoom: (room) => this.bind(room),
        onRoomGone: () => this.unbind(),
        onEnd: (reason, code) => this.end(reason, code),
      },
      this.surroundings,
      options.makeRoom ?? makeRoom,
    );
  }

  get connection(): Behavior<Connection> {
    return this.line.connection;
  }

  /** When this person's call began, in milliseconds since 1970; `null` before the first connection. */
  get since(): number | null {
    return this.startedAt;
  }

  get selfId(): string {
    return this.options.join.participantId;
  }

  /** Whether this page holds the key that ends the meeting for everybody. */
  get mayEnd(): boolean {
    return this.options.hostKey !== null;
  }

  start(): void {
    this.media.open();
    this.endings.push(
      this.media.state.subscribe(() => this.people.refresh()),
      this.media.state.subscribe(this.watchFaults()),
      this.media.state.subscribe(() => {
        // Who turns the camera on wants pictures again; "no cameras are sent" would no longer be true.
        if (this.audioOnly.value && this.media.state.value.cameraOn) this.setAudioOnly(false);
      }),
      this.people.list.subscribe(this.watchPeople()),
      this.line.connection.subscribe(() => {
        const connection = this.line.connection.value;
        const cut = connection.status === "interrupted";
        if (cut) this.people.interrupted();
        if (connection.status === "connected" && connection.notice !== null) this.cue("reconnected");
        this.chat.lineChanged(cut);
      }),
    );
    void this.line.run();
  }

  /** Tries to come back at once. */
  retryNow(): void {
    this.line.retryNow();
  }

  noticeRead(): void {
    this.line.noticeRead();
  }

  setAudioOnly(on: boolean): void {
    if (on) this.media.setCamera(false);
    this.audioOnly.set(on);
    this.people.withoutPictures(on);
  }

  leave(): void {
    this.end("left", null);
  }

  /** Ends the meeting for everybody; `false` if the server did not do it, and we are still in. */
  async endForEveryone(): Promise<boolean> {
    const { hostKey, backend } = this.options;
    if (hostKey === null || !(await backend.endMeeting(hostKey))) return false;
    this.end("ended", null);
    return true;
  }

  async chooseSpeaker(id: string): Promise<void> {
    this.speakerId = id;
    await this.room?.switchActiveDevice("audiooutput", id).catch(() => undefined);
  }

  get speaker(): string | null {
    return this.speakerId;
  }

  /** Stops everything without telling anybody; for a page that goes away. */
  dispose(): void {
    if (this.over) return;
    this.over = true;
    void this.line.stop();
    this.release();
  }

  private bind(room: Room): void {
    this.startedAt ??= this.surroundings.now();
    const fresh = this.room !== room;
    this.room = room;
    if (fresh && this.speakerId !== null) void this.chooseSpeaker(this.speakerId);
    this.people.bind(room);
    this.media.bind(room);
    this.chat.bind(room);
    this.monitor.bind(room);
    this.merger.see(names(this.people.list.value));
    this.fetchRolesSoon();
  }

  private unbind(): void {
    this.room = null;
    this.media.unbind();
    this.people.unbind();
    this.chat.unbind();
    this.monitor.unbind();
  }

  private end(reason: EndReason, code: string | null): void {
    if (this.over) return;
    this.over = true;
    void this.line.stop();
    this.release();
    const now = this.surroundings.now();
    const durationSeconds = Math.round((now - (this.startedAt ?? now)) / 1000);
    const chat = this.chat.log.value.items
      .filter((item) => item.delivery === "sent")
      .map((item) => ({
        at: item.sentAt,
        name: item.senderName,
        text: item.text,
        isPrivate: item.to !== null,
      }));
    this.options.onEnd(reason, { durationSeconds, code, chat });
  }

  private release(): void {
    for (const ending of this.endings.splice(0)) ending();
    if (this.rolesTimer !== null) clearTimeout(this.rolesTimer);
    this.merger.dispose();
    this.monitor.dispose();
    this.media.dispose();
    this.people.dispose();
  }

  private watchPeople(): () => void {
    let known: readonly ParticipantView[] = this.people.list.value;
    return () => {
      const people = this.people.list.value;
      if (this.line.connection.value.status === "connected") {
        // Those already there when we came have not joined; the first look is the start.
        if (known.length > 0) {
          this.merger.see(names(people));
          this.cueMovement(known, people);
        }
        this.tellShares(known, people);
        if (people.length !== known.length) this.fetchRolesSoon();
      }
      known = people;
    };
  }

  private cue(sound: CallSound): void {
    this.options.onSound(sound, this.people.list.value.length);
  }

  private cueMovement(before: readonly ParticipantView[], after: readonly ParticipantView[]): void {
    const ids = (views: readonly ParticipantView[]) => new Set(views.map((view) => view.id));
    const [old, now] = [ids(before), ids(after)];
    if ([...now].some((id) => !old.has(id))) this.cue("joined");
    else if ([...old].some((id) => !now.has(id))) this.cue("left");
  }

  private watchFaults(): () => void {
    let before = this.media.state.value.fault;
    return () => {
      const { fault } = this.media.state.value;
      if (fault !== before && fault === "microphone-muted-by-host") this.cue("muted-by-host");
      before = fault;
    };
  }

  private tellShares(before: readonly ParticipantView[], after: readonly ParticipantView[]): void {
    for (const view of after) {
      const old = before.find((other) => other.id === view.id);
      if (view.isLocal || view.stale || old?.stale === true) continue;
      const was = old?.screen ?? null;
      if (view.screen !== null && was === null)
        this.options.onNews({ kind: "share-started", name: view.name });
      if (view.screen === null && was !== null)
        this.options.onNews({ kind: "share-stopped", name: view.name });
    }
  }

  /** Roles come from the API, never from what a participant says of itself. */
  private fetchRolesSoon(): void {
    this.rolesTimer ??= setTimeout(async () => {
      this.rolesTimer = null;
      const roles = await this.options.backend.roles(this.line.token);
      if (roles !== null && !this.over) this.roles.set(roles);
    }, ROLES_AFTER_MS);
  }
}

function names(people: readonly ParticipantView[]): ReadonlyMap<string, string> {
  return new Map(people.filter((view) => !view.isLocal).map((view) => [view.id, view.name]));
}
