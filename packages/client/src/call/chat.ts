import { type RemoteParticipant, type Room, RoomEvent } from "livekit-client";
import { Cell } from "../state/behavior";
import type { CallBackend, Surroundings } from "./backend";
import {
  type Addressing,
  type ChatEvent,
  type ChatItem,
  type ChatLog,
  EMPTY_CHAT,
  nextChat,
  type StoredMessage,
  TEXT_MAX,
  TO_EVERYBODY,
} from "./chat-log";
import { parseMessage } from "./chat-wire";
import type { Self } from "./people";

/** The topic on which the server tells of stored messages. */
const TOPIC = "chat";
/** The topic on which other LiveKit clients chat among themselves. */
const FOREIGN_TOPIC = "lk.chat";
const PAUSES_MS = [500, 1500];
const CATCH_UP_AGAIN_MS = 2_000;
const FAILURES_MAX = 10;
/** Refusals that pass by themselves: the server learns a moment later that we are in. */
const PASSING = ["forbidden", "unauthenticated"];
/** The server answers in pages; nobody reads further back than this many. */
const PAGES_MAX = 40;

export interface ChatHooks {
  /** The token that proves who we are, fresh at each call. */
  token(): string;
  /** A message by somebody else arrived now (not from history). */
  onHeard(senderName: string, text: string, panelOpen: boolean, isPrivate: boolean): void;
}

/** The meeting's chat: sends through the API, hears of new messages through the room. */
export class Chat {
  readonly log = new Cell<ChatLog>(EMPTY_CHAT);
  private room: Room | null = null;
  private cut = false;
  private panelOpen = false;
  private caughtUp = false;
  /** Everything up to this position has been fetched or heard. */
  private completeTo = 0;
  private catching: Promise<void> | null = null;
  private catchAgain = false;
  private failures = 0;
  private flushing = false;
  private heardCount = 0;

  constructor(
    private readonly self: Self,
    private readonly backend: CallBackend,
    private readonly hooks: ChatHooks,
    private readonly surroundings: Surroundings,
  ) {}

  bind(room: Room): void {
    if (this.room !== room) this.listen(room);
    void this.catchUp().then(() => this.flush());
  }

  unbind(): void {
    this.room = null;
  }

  setOpen(open: boolean): void {
    this.panelOpen = open;
    this.apply(open ? { type: "opened" } : { type: "divider-seen" });
  }

  send(text: string, { to, replyTo }: Addressing = TO_EVERYBODY): void {
    const trimmed = text.trim().slice(0, TEXT_MAX);
    if (trimmed === "") return;
    this.apply({
      type: "drafted",
      clientId: crypto.randomUUID(),
      text: trimmed,
      to,
      replyTo,
      senderId: this.self.id,
      senderName: this.self.name,
      at: this.surroundings.now(),
      online: this.online,
    });
    void this.flush();
  }

  readonly retry = (clientId: string): void => {
    this.apply({ type: "queued", clientId });
    void this.flush();
  };

  /** The line is cut or back: what is not sent yet waits, or goes. */
  lineChanged(cut: boolean): void {
    this.cut = cut;
    if (this.online) void this.flush();
    else this.queueAll();
  }

  /** A room takes a line that only fell silent for a good one. */
  private get online(): boolean {
    return !this.cut && this.room !== null && this.room.state === "connected";
  }

  private apply(event: ChatEvent): void {
    this.log.update((log) => nextChat(log, event));
  }

  private listen(room: Room): void {
    this.room = room;
    room.on(
      RoomEvent.DataReceived,
      (payload: Uint8Array, from?: RemoteParticipant, _kind?: unknown, topic?: string) => {
        // Only the server has no participant behind it: others could pretend any sender.
        if (topic !== TOPIC || from !== undefined) return;
        const message = parseMessage(payload);
        if (message === null) void this.catchUp();
        else this.hear(message);
      },
    );
    room.registerTextStreamHandler(FOREIGN_TOPIC, async (reader, { identity }) => {
      const sender = room.remoteParticipants.get(identity);
      const text = await reader.readAll().catch(() => "");
      if (text === "") return;
      this.heardCount += 1;
      const senderName = sender?.name || identity;
      const key = `${FOREIGN_TOPIC}-${this.heardCount}`;
      const at = this.surroundings.now();
      this.apply({ type: "heard", key, senderId: identity, senderName, text, at, panelOpen: this.panelOpen });
      this.hooks.onHeard(senderName, text, this.panelOpen, false);
    });
  }

  /** Takes messages that arrived now; a gap before them is closed by asking. */
  private hear(message: StoredMessage): void {
    const known = this.log.value.items.some((item) => item.id === message.id);
    if (!known && message.seq <= this.completeTo) {
      this.apply({ type: "conference-changed" });
      this.completeTo = 0;
    }
    this.apply({ type: "stored", messages: [message], ownId: this.self.id, panelOpen: this.panelOpen });
    if (message.seq === this.completeTo + 1) this.completeTo = message.seq;
    else if (message.seq > this.completeTo && this.caughtUp) void this.catchUp();
    if (known || message.senderId === this.self.id) return;
    this.hooks.onHeard(message.senderName, message.text, this.panelOpen, message.to !== null);
  }

  /** Fetches what was said while we did not hear; asked again meanwhile, it looks once more. */
  private catchUp(): Promise<void> {
    if (this.catching !== null) {
      this.catchAgain = true;
      return this.catching;
    }
    this.catching = this.fetchMissed().finally(() => {
      this.catching = null;
    });
    return this.catching;
  }

  private async fetchMissed(): Promise<void> {
    for (let page = 0; page < PAGES_MAX; page += 1) {
      this.catchAgain = false;
      const messages = await this.backend.messagesAfter(this.hooks.token(), this.completeTo);
      if (messages === null) return this.catchUpLater();
      this.failures = 0;
      const history = !this.caughtUp;
      this.apply({ type: "stored", messages, ownId: this.self.id, panelOpen: this.panelOpen, history });
      this.completeTo = messages.reduce((most, message) => Math.max(most, message.seq), this.completeTo);
      if (messages.length === 0 && !this.catchAgain) {
        this.caughtUp = true;
        return;
      }
    }
  }

  /** The server may not have heard yet that we are in. */
  private catchUpLater(): void {
    this.failures += 1;
    if (this.failures > FAILURES_MAX) return;
    setTimeout(() => {
      if (this.room !== null) void this.catchUp();
    }, CATCH_UP_AGAIN_MS);
  }

  /** Sends what waits, one after the other, so that the order stays. */
  private async flush(): Promise<void> {
    if (this.flushing) return;
    this.flushing = true;
    try {
      for (;;) {
        const next = this.log.value.items.find(
          (item) => item.delivery === "queued" || item.delivery === "sending",
        );
        if (next === undefined) return;
        if (!this.online) {
          this.queueAll();
          return;
        }
        await this.sendOne(next);
      }
    } finally {
      this.flushing = false;
    }
  }

  private queueAll(): void {
    for (const item of this.log.value.items) {
      if (item.delivery === "sending") this.apply({ type: "queued", clientId: item.key });
    }
  }

  private async sendOne({ key: clientId, text, to, replyTo }: ChatItem): Promise<void> {
    this.apply({ type: "sending", clientId });
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.backend.sendMessage(this.hooks.token(), clientId, text, { to, replyTo });
      if (outcome.kind === "stored") {
        // The server names the sender; the key we chose finds the draft it confirms.
        return this.hear({ ...outcome.message, clientId, senderId: this.self.id });
      }
      const pause = PAUSES_MS[attempt];
      if (outcome.kind === "unreachable" && !this.online) return this.apply({ type: "queued", clientId });
      const final = outcome.kind === "refused" && !PASSING.includes(outcome.code);
      if (final || pause === undefined) return this.apply({ type: "failed", clientId });
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
