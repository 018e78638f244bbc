import { type Behavior, Cell } from "../state/behavior";
import type { Surroundings } from "./backend";
import {
  arrange,
  type Corner,
  firstPageSize,
  LAYOUTS,
  type LayoutChoice,
  type StageInput,
  type StageLayout,
} from "./layout";
import type { ParticipantView } from "./participants";
import { hear, nextSpeaker, type SpeakerView, type SpeechLog } from "./speech";
import { nextOrder, togglePin } from "./tile-order";

/** Nobody moves for this long after pointer or focus were on the grid, in milliseconds. */
export const STILL_FOR_MS = 5_000;
const TICK_MS = 250;

export interface Size {
  width: number;
  height: number;
}

export interface Share {
  /** The person who shares. */
  id: string;
  name: string;
  isLocal: boolean;
}

export interface StageState extends StageLayout {
  choice: LayoutChoice;
  corner: Corner;
  pinned: readonly string[];
  /** People whose tile I do not want to see. */
  hidden: readonly string[];
  shares: readonly Share[];
}

/** Where everybody is on the stage: applies the rules of order, speaker and layout over time. */
export class Stage {
  /** There are fewer tiles than there is room for, which was not told yet; true at most once. */
  readonly fewerNotice = new Cell(false);
  private readonly cell: Cell<StageState>;
  private order: readonly string[] = [];
  private log: SpeechLog = new Map();
  private speaker: SpeakerView = { shown: null, shownSince: 0 };
  private pinned: readonly string[] = [];
  private hidden: readonly string[] = [];
  private page = 0;
  private sparing = false;
  private toldFewer = false;
  private corner: Corner = "bottom-right";
  private size: Size = { width: 0, height: 0 };
  private windowSize: Size = { width: 0, height: 0 };
  private touchedAt = Number.NEGATIVE_INFINITY;
  private resting = false;
  private timer: ReturnType<typeof setInterval> | null = null;
  private unsubscribe: (() => void) | null = null;

  constructor(
    private readonly people: Behavior<readonly ParticipantView[]>,
    private readonly selfId: string,
    private choice: LayoutChoice,
    private readonly surroundings: Surroundings,
    /** Told whose cameras are on the page. */
    private readonly onVisible: (ids: ReadonlySet<string>) => void,
  ) {
    this.cell = new Cell(this.compute());
  }

  get state(): Behavior<StageState> {
    return this.cell;
  }

  start(): void {
    this.unsubscribe = this.people.subscribe(() => this.refresh());
    this.timer = setInterval(() => this.refresh(), TICK_MS);
    this.refresh();
  }

  stop(): void {
    this.unsubscribe?.();
    if (this.timer !== null) clearInterval(this.timer);
  }

  resize(size: Size, windowSize: Size): void {
    this.size = size;
    this.windowSize = windowSize;
    this.refresh();
  }

  choose(choice: LayoutChoice): void {
    this.choice = choice;
    this.page = 0;
    this.refresh();
  }

  nextLayout(): LayoutChoice {
    const next = LAYOUTS[(LAYOUTS.indexOf(this.choice) + 1) % LAYOUTS.length] ?? "auto";
    this.choose(next);
    return next;
  }

  turnPage(by: number): void {
    this.page = Math.max(0, this.cell.value.page + by);
    this.refresh();
  }

  pin(id: string): void {
    this.pinned = togglePin(this.pinned, id);
    this.refresh();
  }

  /** Takes somebody's tile off my stage, or brings it back; they are still heard and listed. */
  hide(id: string, hidden: boolean): void {
    const others = this.hidden.filter((other) => other !== id);
    this.hidden = hidden && id !== this.selfId ? [...others, id] : others;
    if (hidden) this.pinned = this.pinned.filter((other) => other !== id);
    this.refresh();
  }

  moveSelf(corner: Corner): void {
    this.corner = corner;
    this.refresh();
  }

  /** Shows fewer tiles a page while the processor is short of time. */
  spare(sparing: boolean): void {
    this.sparing = sparing;
    this.refresh();
  }

  fewerNoticeRead(): void {
    this.fewerNotice.set(false);
  }

  /** The pointer or the focus is on a tile (`resting`), or was just now. */
  touch(resting: boolean): void {
    this.resting = resting;
    this.touchedAt = this.surroundings.now();
  }

  private refresh(): void {
    const next = this.compute();
    const before = this.cell.value;
    if (sameStage(before, next)) return;
    this.cell.set(next);
    // Without a size nothing is on the page yet, which is no wish to see nobody.
    if (this.size.width > 0) this.onVisible(new Set(next.tiles.map((tile) => tile.id)));
  }

  private compute(): StageState {
    const now = this.surroundings.now();
    const everybody = this.people.value;
    this.hidden = this.hidden.filter((id) => everybody.some((view) => view.id === id));
    const people = everybody.filter((view) => !this.hidden.includes(view.id));
    const speaking = people.filter((view) => view.speaking).map((view) => view.id);
    this.log = hear(this.log, speaking, now);
    const others = people.filter((view) => !view.isLocal).map((view) => view.id);
    this.speaker = nextSpeaker(this.speaker, this.log, others, now);
    this.pinned = this.pinned.filter((id) => people.some((view) => view.id === id));
    const input = this.input(this.order);
    this.order = nextOrder(this.order, people, {
      pinned: this.pinned,
      speech: this.log,
      pageSize: firstPageSize(this.input(people.map((view) => view.id))),
      now,
      still: this.resting || now - this.touchedAt < STILL_FOR_MS || this.page > 0,
    });
    const layout = arrange({ ...input, order: this.order });
    this.page = layout.page;
    this.tellFewer({ ...input, order: this.order }, layout);
    return {
      ...layout,
      choice: this.choice,
      corner: this.corner,
      pinned: this.pinned,
      hidden: this.hidden,
      shares: sharesOf(everybody),
    };
  }

  /** Says it once, and only where somebody is missed: in a small call nothing changes. */
  private tellFewer(input: StageInput, layout: StageLayout): void {
    if (!input.sparing || this.toldFewer) return;
    if (layout.pages <= arrange({ ...input, sparing: false }).pages) return;
    this.toldFewer = true;
    this.fewerNotice.set(true);
  }

  private input(order: readonly string[]): StageInput {
    const shares = sharesOf(this.people.value);
    const others = shares.some((share) => !share.isLocal);
    return {
      choice: this.choice,
      width: this.size.width,
      height: this.size.height,
      windowWidth: this.windowSize.width,
      windowHeight: this.windowSize.height,
      order,
      selfId: this.selfId,
      pinned: this.pinned,
      speaker: this.speaker.shown,
      sharing: others,
      ownShare: !others && shares.some((share) => share.isLocal),
      sparing: this.sparing,
      page: this.page,
      selfCorner: this.corner,
    };
  }
}

function sharesOf(people: readonly ParticipantView[]): Share[] {
  return people
    .filter((view) => view.screen !== null)
    .map(({ id, name, isLocal }) => ({ id, name, isLocal }));
}

/** Boxes are numbers computed from the same inputs, so text is an honest and short comparison. */
function sameStage(a: StageState, b: StageState): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
