import { ConnectionQuality, type RemoteTrack, type Room, RoomEvent } from "livekit-client";
import { Cell } from "../state/behavior";
import { AudioSink } from "./audio-sink";
import type { Surroundings } from "./backend";
import type { LocalMediaState } from "./media-state";
import { mergeParticipants, type ParticipantView, STALE_FOR_MS, withoutLine } from "./participants";
import { qualityOf, remoteViews, subscribeTo, VIEW_EVENTS } from "./room-view";

/** Who I am before and between rooms. */
export interface Self {
  id: string;
  name: string;
}

/**
 * livekit-client keeps events back while it connects anew. Those of the time between its "connected again" and the end
 * of that attempt, about two seconds, it never tells: so the room is looked at without an event, too.
 */
const LOOK_EVERY_MS = 1_000;
/** Video that left the page is fetched this much longer, in case the page is turned back. */
const UNSUBSCRIBE_AFTER_MS = 3_000;

const NOBODY: ReadonlySet<string> = new Set();

/** Everybody in the call, oneself included, kept over outages. Also plays the others' sound. */
export class People {
  readonly list: Cell<readonly ParticipantView[]>;
  /** The browser waits for a press before it plays sound. */
  readonly soundBlocked = new Cell(false);
  readonly sink: AudioSink;
  private room: Room | null = null;
  private looking = false;
  private staleUntil = 0;
  private visible: ReadonlySet<string> | null = null;
  private wantedNow: ReadonlySet<string> | null = null;
  private timers = new Set<ReturnType<typeof setTimeout>>();
  private clock: ReturnType<typeof setInterval> | null = null;
  /** Nobody can be heard or seen, though the room may not know it yet. */
  private cut = false;
  private joinedAt: number;
  private joined = false;
  private noPictures = false;

  constructor(
    private readonly self: Self,
    private media: { readonly value: LocalMediaState },
    private readonly surroundings: Surroundings,
    document: Document,
  ) {
    this.joinedAt = surroundings.now();
    this.sink = new AudioSink(document);
    this.list = new Cell<readonly ParticipantView[]>([this.selfView()]);
  }

  bind(room: Room): void {
    if (this.room !== room) this.listen(room);
    if (!this.joined) this.joinedAt = room.localParticipant.joinedAt?.getTime() ?? this.joinedAt;
    this.joined = true;
    this.cut = false;
    this.clock ??= setInterval(() => {
      if (!this.cut) this.look();
    }, LOOK_EVERY_MS);
    // People who were here before get some seconds to come back before their tile goes.
    this.staleUntil = this.surroundings.now() + STALE_FOR_MS;
    this.later(STALE_FOR_MS + 50, () => this.look());
    this.look();
    this.soundBlocked.set(!room.canPlaybackAudio);
  }

  unbind(): void {
    this.room = null;
    this.sink.stopAll();
    this.interrupted();
  }

  /** Shows at once that nobody else can be heard or seen. */
  interrupted(): void {
    this.cut = true;
    this.list.update(withoutLine);
  }

  /** Which cameras are on the page. */
  show(ids: ReadonlySet<string>): void {
    const before = this.visible;
    this.visible = before === null ? ids : new Set([...before, ...ids]);
    this.subscribe();
    this.later(UNSUBSCRIBE_AFTER_MS, () => {
      if (this.wantedNow !== ids) return;
      this.visible = ids;
      this.subscribe();
    });
    this.wantedNow = ids;
  }

  /** Fetches nobody's camera while on; shared screens and sound still come. */
  withoutPictures(on: boolean): void {
    this.noPictures = on;
    this.subscribe();
  }

  /** To be called from a press: browsers ask for one before they play sound. */
  async turnSoundOn(): Promise<void> {
    await this.room?.startAudio().catch(() => undefined);
    this.soundBlocked.set(this.room !== null && !this.room.canPlaybackAudio);
  }

  /** The local media changed. */
  refresh(): void {
    this.look();
  }

  dispose(): void {
    for (const timer of this.timers) clearTimeout(timer);
    if (this.clock !== null) clearInterval(this.clock);
    this.room = null;
    this.sink.dispose();
  }

  private listen(room: Room): void {
    this.room = room;
    for (const event of VIEW_EVENTS) room.on(event, () => this.lookSoon(room));
    room.on(RoomEvent.TrackPublished, () => this.subscribe());
    room.on(RoomEvent.AudioPlaybackStatusChanged, () => this.soundBlocked.set(!room.canPlaybackAudio));
    room.on(RoomEvent.TrackSubscribed, () => this.listenTo(room));
    room.on(RoomEvent.TrackUnsubscribed, (track: RemoteTrack) => this.sink.stop(track));
    this.listenTo(room);
  }

  /** Plays all sound of the room; what plays already goes on. */
  private listenTo(room: Room): void {
    if (this.room !== room) return;
    for (const participant of room.remoteParticipants.values()) {
      for (const publication of participant.getTrackPublications()) {
        const track = publication.track;
        if (track !== undefined) this.sink.play(track as RemoteTrack, participant.identity);
      }
    }
  }

  private lookSoon(room: Room): void {
    if (this.looking || this.room !== room) return;
    this.looking = true;
    queueMicrotask(() => {
      this.looking = false;
      this.look();
    });
  }

  private look(): void {
    const room = this.room;
    if (room === null || room.state !== "connected") {
      this.list.update((views) => views.map((view) => (view.isLocal ? this.selfView() : view)));
      return;
    }
    this.listenTo(room);
    const keepMissing = this.surroundings.now() < this.staleUntil;
    this.list.update((previous) => {
      const before = keepMissing ? previous.filter((view) => view.stale || present(room, view.id)) : previous;
      const merged = mergeParticipants(before, [this.selfView(), ...remoteViews(room)], { keepMissing });
      return merged.length === previous.length && merged.every((view, index) => view === previous[index])
        ? previous
        : merged;
    });
  }

  private subscribe(): void {
    if (this.room === null) return;
    if (this.noPictures) subscribeTo(this.room, NOBODY);
    else if (this.visible !== null) subscribeTo(this.room, this.visible);
  }

  private selfView(): ParticipantView {
    const media = this.media.value;
    const local = this.room?.localParticipant;
    return {
      id: this.self.id,
      name: this.self.name,
      isLocal: true,
      joinedAt: this.joinedAt,
      microphoneOn: media.microphoneOn,
      cameraOn: media.cameraOn,
      camera: media.camera,
      screen: media.screen,
      paused: false,
      speaking: media.microphoneOn && (local?.isSpeaking ?? false),
      quality: qualityOf(local?.connectionQuality ?? ConnectionQuality.Unknown),
      stale: false,
    };
  }

  private later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, ms);
    this.timers.add(timer);
  }
}

function present(room: Room, id: string): boolean {
  return room.remoteParticipants.has(id) || room.localParticipant.identity === id;
}
