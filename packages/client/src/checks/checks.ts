import { type Behavior, Cell } from "../state/behavior";
import {
  CHECKS,
  type Check,
  type CheckId,
  type CheckResult,
  failed,
  freshChecks,
  passed,
  withCheck,
} from "./check";
import { testDevice } from "./device-test";
import { type LineTest, QUICK, testQuickly, testThoroughly } from "./line-test";
import type { CheckPorts, LinePorts } from "./ports";
import { type Verdict, verdictOf } from "./verdict";

/** Devices that the person has chosen before; `null` for the system's choice. */
export interface WishedDevices {
  readonly microphoneId: string | null;
  readonly cameraId: string | null;
}

/** The page that tests device and connection: all checks, from the first to the verdict. */
export class ChecksViewModel {
  readonly #checks = new Cell<readonly Check[]>(freshChecks(CHECKS));
  readonly #verdict = new Cell<Verdict | null>(null);
  #abort = new AbortController();

  constructor(
    private readonly ports: CheckPorts,
    private readonly wished: WishedDevices,
  ) {}

  get checks(): Behavior<readonly Check[]> {
    return this.#checks;
  }

  /** `null` while checks run. */
  get verdict(): Behavior<Verdict | null> {
    return this.#verdict;
  }

  readonly start = async (): Promise<void> => {
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#checks.set(freshChecks(CHECKS));
    this.#verdict.set(null);
    try {
      await this.#run(abort.signal);
      abort.signal.throwIfAborted();
      this.#verdict.set(verdictOf(this.#checks.value));
    } catch (error) {
      if (!abort.signal.aborted) throw error;
    }
  };

  end(): void {
    this.#abort.abort();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { secure, capable } = this.ports;
    this.#tell("secure_page", secure ? passed("secure") : failed("insecure"));
    this.#tell("browser", capable ? passed("browserGood") : failed("browserOld"));
    const tell = (id: CheckId, result: CheckResult | "running") => {
      if (!signal.aborted) this.#tell(id, result);
    };
    const test: LineTest = { ports: this.ports, signal, tell };
    // The line is not held up by a question about the camera that nobody answers.
    await Promise.all([this.#devices(test), capable ? testThoroughly(test) : undefined]);
  }

  /** One after the other: browsers ask for each. */
  async #devices({ signal, tell }: LineTest): Promise<void> {
    for (const kind of ["microphone", "camera"] as const) {
      tell(kind, "running");
      const wished = kind === "camera" ? this.wished.cameraId : this.wished.microphoneId;
      tell(kind, await testDevice(kind, wished, this.ports, signal));
    }
  }

  #tell(id: CheckId, result: CheckResult | "running"): void {
    const next = result === "running" ? ({ state: "running", note: null } as const) : result;
    this.#checks.update((checks) => withCheck(checks, id, next));
  }
}

/** The page is busy with cameras and pictures at first; the line can wait that long, in milliseconds. */
const BEGIN_AFTER_MS = 800;

/** The quick check before joining. It runs by itself, and gives way to joining. */
export class LineCheckViewModel {
  readonly #verdict = new Cell<Verdict | null>(null);
  readonly #abort = new AbortController();

  constructor(private readonly ports: LinePorts) {}

  /** `null` while it runs. */
  get verdict(): Behavior<Verdict | null> {
    return this.#verdict;
  }

  begin(): void {
    const timer = setTimeout(() => void this.#run(), BEGIN_AFTER_MS);
    this.#abort.signal.addEventListener("abort", () => clearTimeout(timer));
  }

  /** Ends it at once, with or without a verdict. */
  end(): void {
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    let checks = freshChecks(QUICK);
    const tell: LineTest["tell"] = (id, result) => {
      if (result !== "running") checks = withCheck(checks, id, result);
    };
    try {
      await testQuickly({ ports: this.ports, signal, tell });
      if (!signal.aborted) this.#verdict.set(verdictOf(checks));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
