import type { MeetingApi } from "../api/meetings";
import { type Behavior, Cell } from "../state/behavior";
import { Scope } from "../state/scope";
import type { MeetingKeys } from "./keys";
import { OtherTabs, type TabChannel } from "./other-tabs";
import { asksPassword, isPassing, type MeetingProblem, problemOf, problemOfInfo } from "./problem";
import type { DeviceChoice, JoinAs, JoinResult, LeftDetails, LeftReason, MeetingInfo } from "./types";

/** Where a person stands with one meeting: one address, from looking it up to having left. */
export type MeetingStage =
  | { readonly stage: "loading" }
  | { readonly stage: "problem"; readonly problem: MeetingProblem }
  | { readonly stage: "preJoin"; readonly meeting: MeetingInfo }
  | {
      readonly stage: "call";
      readonly meeting: MeetingInfo;
      readonly join: JoinResult;
      readonly devices: DeviceChoice;
    }
  | {
      readonly stage: "left";
      readonly meeting: MeetingInfo;
      readonly devices: DeviceChoice;
      readonly reason: LeftReason;
      readonly details: LeftDetails;
      readonly rejoining: boolean;
      /** Why the last press of "Rejoin" failed. */
      readonly problem: MeetingProblem | null;
    };

export class MeetingViewModel {
  readonly #api: MeetingApi;
  readonly #keys: MeetingKeys;
  readonly #code: string;
  readonly #tabs: OtherTabs;
  readonly #scope = new Scope();
  readonly #abort = new AbortController();
  readonly #stage = new Cell<MeetingStage>({ stage: "loading" });
  readonly #hostKey: Cell<string | null>;
  readonly #passwordWanted = new Cell(false);

  constructor(api: MeetingApi, keys: MeetingKeys, code: string, tabs: TabChannel | null = null) {
    this.#api = api;
    this.#keys = keys;
    this.#code = code;
    this.#tabs = new OtherTabs(tabs);
    this.#hostKey = new Cell(keys.hostKey(code));
    this.#scope.onEnd(() => this.#abort.abort());
    this.#scope.onEnd(() => this.#tabs.close());
  }

  get stage(): Behavior<MeetingStage> {
    return this.#stage;
  }

  /** Whether joining needs the meeting's password: hosts and who was in before come in without it. */
  get passwordWanted(): Behavior<boolean> {
    return this.#passwordWanted;
  }

  /** `null` for guests. */
  get hostKey(): Behavior<string | null> {
    return this.#hostKey;
  }

  /** Whether another tab of this browser is in the meeting. */
  get inOtherTab(): Behavior<boolean> {
    return this.#tabs.present;
  }

  /** Looks the meeting up; also the way on from every problem that may pass. */
  readonly load = async (): Promise<void> => {
    this.#stage.set({ stage: "loading" });
    this.#tabs.ask();
    let next: MeetingStage;
    try {
      next = this.#begin(await this.#api.info(this.#code, this.#abort.signal));
    } catch (error) {
      next = { stage: "problem", problem: problemOf(error) };
    }
    if (!this.#scope.ended) this.#stage.set(next);
  };

  #begin(meeting: MeetingInfo): MeetingStage {
    const problem = problemOfInfo(meeting);
    this.#hostKey.set(this.#keys.hostKey(this.#code));
    this.#passwordWanted.set(this.#needsPassword(meeting));
    // Who was in keeps the seat for a while, so only the server knows whether the meeting is full for them.
    const seated = problem?.kind === "full" && (this.#wasIn || this.#tabs.present.value);
    return problem === null || seated ? { stage: "preJoin", meeting } : { stage: "problem", problem };
  }

  get #wasIn(): boolean {
    return this.#keys.rejoinToken(this.#code) !== null;
  }

  #needsPassword(meeting: MeetingInfo): boolean {
    return meeting.passwordRequired && !this.#wasIn && this.#hostKey.value === null;
  }

  /** Asks for a seat. Resolves to the problem if it may pass; any other problem becomes the page. */
  readonly join = async (
    devices: DeviceChoice,
    password: string | null = null,
    as: JoinAs = "before",
  ): Promise<MeetingProblem | null> => {
    const before = this.#stage.value;
    if (before.stage !== "preJoin" && before.stage !== "left") return null;
    const { meeting } = before;
    try {
      const join = await this.#requestSeat(devices, password, as);
      if (this.#scope.ended) return null;
      this.#stage.set({ stage: "call", meeting, join, devices });
      this.#tabs.enter(join.rejoinToken);
      return null;
    } catch (error) {
      const problem = problemOf(error, meeting);
      if (asksPassword(problem)) this.#askPassword(meeting);
      // The key of the other tab opens nothing any more.
      if (asksPassword(problem) && as === "otherTab") this.#tabs.forget();
      if (problem.kind === "hostLinkInvalid") this.#becomeGuest(meeting);
      if (isPassing(problem)) return problem;
      if (!this.#scope.ended) this.#stage.set({ stage: "problem", problem });
      return null;
    }
  };

  /** Where the way back was barred, the form is the place that has the field. */
  #askPassword(meeting: MeetingInfo): void {
    if (this.#scope.ended) return;
    this.#passwordWanted.set(true);
    if (this.#stage.value.stage === "left") this.#stage.set({ stage: "preJoin", meeting });
  }

  /** A key that opens nothing would bar every further try. */
  #becomeGuest(meeting: MeetingInfo): void {
    this.#keys.forgetHostKey(this.#code);
    this.#hostKey.set(null);
    this.#passwordWanted.set(this.#needsPassword(meeting));
  }

  #rejoinTokenOf(as: JoinAs): string | null {
    if (as === "newcomer") return null;
    const own = this.#keys.rejoinToken(this.#code);
    return as === "otherTab" ? (this.#tabs.rejoinKey ?? own) : own;
  }

  async #requestSeat(devices: DeviceChoice, password: string | null, as: JoinAs): Promise<JoinResult> {
    // A host link may have been opened in this tab since the meeting was looked up.
    this.#hostKey.set(this.#keys.hostKey(this.#code));
    const request = {
      displayName: devices.displayName,
      password,
      hostKey: this.#hostKey.value,
      rejoinToken: this.#rejoinTokenOf(as),
    };
    const join = await this.#api.join(this.#code, request, this.#abort.signal);
    if (join.rejoinToken) this.#keys.keepRejoinToken(this.#code, join.rejoinToken);
    return join;
  }

  readonly left = (reason: LeftReason, details: LeftDetails): void => {
    const before = this.#stage.value;
    if (before.stage !== "call") return;
    const { meeting, devices } = before;
    this.#tabs.leave();
    this.#stage.set({ stage: "left", meeting, devices, reason, details, rejoining: false, problem: null });
  };

  /** Back into the call with the same name and devices. */
  readonly rejoin = async (): Promise<void> => {
    const before = this.#stage.value;
    if (before.stage !== "left" || before.rejoining) return;
    this.#stage.set({ ...before, rejoining: true, problem: null });
    const problem = await this.join(before.devices);
    if (problem === null || this.#scope.ended || this.#stage.value.stage !== "left") return;
    this.#stage.set({ ...before, rejoining: false, problem });
  };

  /** The page goes, and with it the call: no other tab shall offer to take its place. */
  readonly hide = (): void => this.#tabs.leave();

  end(): void {
    this.#scope.end();
  }
}
