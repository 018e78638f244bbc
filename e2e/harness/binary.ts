import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;

/** The release binary under test: `HEYDOK_BIN`, else where Cargo leaves it. */
export function binaryPath(): string {
  const target = process.env.CARGO_TARGET_DIR ?? join(REPOSITORY, "target");
  const path = process.env.HEYDOK_BIN ?? join(target, "release", "heydok");
  if (!existsSync(path)) throw new Error(`No binary at ${path}: run "make build", or set HEYDOK_BIN.`);
  return path;
}

/** A folder of its own that a server may use for everything. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "heydok-e2e-"));
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** A running `heydok serve` or `heydok media`. */
export class Binary {
  private output = "";

  private constructor(
    private readonly child: ChildProcess,
    /** `http://127.0.0.1:<port>` as the binary printed it. */
    readonly url: string,
  ) {}

  get websocketUrl(): string {
    return this.url.replace(/^http/, "ws");
  }

  get port(): string {
    return new URL(this.url).port;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** What it has printed so far, for messages of failed tests. */
  get log(): string {
    return this.output;
  }

  /** Starts it in `folder` with these variables only, and waits until it prints its address. */
  static async start(
    command: "serve" | "serve --lan" | "media",
    folder: string,
    variables: Record<string, string>,
  ): Promise<Binary> {
    const child = spawn(binaryPath(), command.split(" "), {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, DATA_DIR: join(folder, "data"), ...variables },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let printed = "";
    const url = await new Promise<string>((resolve, reject) => {
      const fail = (reason: string) => reject(new Error(`heydok ${command} ${reason}\n${printed}`));
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        fail("did not print its address");
      }, START_LIMIT_MS);
      const read = (chunk: Buffer) => {
        printed += chunk.toString();
        const address = /listening on (https?:\/\/[^\s"]+?)\/?["\s]/.exec(printed)?.[1];
        if (address === undefined) return;
        clearTimeout(timer);
        resolve(address);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.once("error", (error) => fail(`did not start: ${error.message}`));
      child.once("exit", (code) => {
        clearTimeout(timer);
        fail(`ended with code ${code} before it listened`);
      });
    });
    const server = new Binary(child, url);
    server.output = printed;
    const keep = (chunk: Buffer) => {
      server.output = (server.output + chunk.toString()).slice(-100_000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    return server;
  }

  /** Asks it to end (SIGTERM), and fails when it does not. */
  async stop(): Promise<void> {
    if (!(await this.end("SIGTERM"))) {
      await this.kill();
      throw new Error(`heydok did not end within ${STOP_LIMIT_MS} ms of SIGTERM\n${this.output}`);
    }
  }

  /** Ends it as a power cut would (SIGKILL). */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Stops it in the middle of whatever it does, as a network that swallows everything would look from outside. */
  freeze(): void {
    this.child.kill("SIGSTOP");
  }

  thaw(): void {
    this.child.kill("SIGCONT");
  }

  /** Whether it still runs: a panic of the whole process is a failure of any test. */
  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  private end(signal: NodeJS.Signals): Promise<boolean> {
    if (!this.running) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), STOP_LIMIT_MS);
      this.child.once("exit", () => {
        clearTimeout(timer);
        resolve(true);
      });
      this.child.kill(signal);
    });
  }
}
