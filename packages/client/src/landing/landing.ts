import type { CreatedMeeting, MeetingApi } from "../api/meetings";
import { type MeetingReference, parseMeetingReference } from "../meeting/code";
import type { MeetingKeys } from "../meeting/keys";
import { isPassing, type MeetingProblem, problemOf, problemOfInfo } from "../meeting/problem";
import { type Behavior, Cell } from "../state/behavior";

/** What the page knows about the typed code. */
export type CodeCheck =
  | { readonly status: "idle" }
  | { readonly status: "checking"; readonly code: string }
  | { readonly status: "open"; readonly code: string; readonly name: string | null; readonly present: number }
  | { readonly status: "problem"; readonly code: string; readonly problem: MeetingProblem }
  /** Something is typed that holds no code; told only after a press of "Join". */
  | { readonly status: "notACode" };

export type Creation =
  | { readonly status: "idle" }
  | { readonly status: "creating" }
  | { readonly status: "created"; readonly meeting: CreatedMeeting }
  | { readonly status: "failed"; readonly problem: MeetingProblem };

const IDLE = { status: "idle" } as const;

/** After the last key, before the server is asked. */
const CHECK_DELAY_MS = 300;

export class LandingViewModel {
  readonly #api: MeetingApi;
  readonly #keys: MeetingKeys;
  readonly #open: (code: string) => void;
  readonly #typed = new Cell("");
  readonly #check = new Cell<CodeCheck>(IDLE);
  readonly #creation = new Cell<Creation>(IDLE);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort = new AbortController();

  /** `open` goes to the meeting's own address. */
  constructor(api: MeetingApi, keys: MeetingKeys, open: (code: string) => void) {
    this.#api = api;
    this.#keys = keys;
    this.#open = open;
  }

  get typed(): Behavior<string> {
    return this.#typed;
  }

  get check(): Behavior<CodeCheck> {
    return this.#check;
  }

  get creation(): Behavior<Creation> {
    return this.#creation;
  }

  readonly type = (text: string): void => {
    this.#typed.set(text);
    clearTimeout(this.#timer);
    this.#abort.abort();
    const code = parseMeetingReference(text)?.code ?? null;
    if (code === null) {
      this.#check.set(IDLE);
      return;
    }
    this.#check.set({ status: "checking", code });
    this.#timer = setTimeout(() => void this.#look(code), CHECK_DELAY_MS);
  };

  async #look(code: string): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    let next: CodeCheck;
    try {
      const info = await this.#api.info(code, abort.signal);
      const problem = problemOfInfo(info);
      next = problem
        ? { status: "problem", code, problem }
        : { status: "open", code, name: info.name, present: info.participantCount };
    } catch (error) {
      next = { status: "problem", code, problem: problemOf(error) };
    }
    if (!abort.signal.aborted) this.#check.set(next);
  }

  /** Returns false if there is nothing to join, so that the view puts the focus on the field. */
  readonly join = (): boolean => {
    const reference = parseMeetingReference(this.#typed.value);
    const check = this.#check.value;
    if (reference === null) {
      this.#check.set({ status: "notACode" });
      return false;
    }
    if (check.status === "problem" && !isPassing(check.problem)) return false;
    this.#enter(reference);
    return true;
  };

  #enter({ code, hostKey }: MeetingReference): void {
    if (hostKey !== null) this.#keys.keepHostKey(code, hostKey);
    this.#open(code);
  }

  readonly create = async (): Promise<CreatedMeeting | null> => {
    if (this.#creation.value.status === "creating") return null;
    this.#creation.set({ status: "creating" });
    try {
      const meeting = await this.#api.create();
      this.#keys.keepHostKey(meeting.code, meeting.hostKey);
      this.#creation.set({ status: "created", meeting });
      return meeting;
    } catch (error) {
      this.#creation.set({ status: "failed", problem: problemOf(error) });
      return null;
    }
  };

  readonly joinCreated = (): void => {
    const creation = this.#creation.value;
    if (creation.status === "created") this.#open(creation.meeting.code);
  };

  end(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }
}
