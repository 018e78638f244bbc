import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

import type { Conditions } from "./link.ts";
import { SEED } from "./random.ts";
import { UdpRelay } from "./udp-relay.ts";

/** The ports of a server on this machine. */
export interface ServerPorts {
  readonly http: number;
  readonly udp: number;
}

const REFUSAL = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const asksForSignalling = (request: Buffer) => /^GET \/rtc\b/.test(request.toString("latin1", 0, 16));

/**
 * One person's line to a server, in the place of a provider, a router and the cable between them: pages and signalling
 * go over `url`, media over the UDP port. TCP is as good as this machine's, unless the line is unplugged.
 */
export class Line {
  private readonly sockets = new Set<Socket>();
  private plugged = true;
  /** Whether signalling is refused, as by a server above 90 % of its processor. */
  full = false;
  private conditions: Conditions = {};

  private constructor(
    private readonly front: Server,
    private readonly relay: UdpRelay,
    private readonly httpPort: number,
  ) {
    front.on("connection", (client) => this.carry(client));
  }

  /** `number` tells the lines of a test apart: each has other luck. */
  static async open({ http, udp }: ServerPorts, number: number): Promise<Line> {
    const front = createServer({ pauseOnConnect: true });
    front.listen(0, "127.0.0.1");
    await once(front, "listening");
    return new Line(front, await UdpRelay.open(udp, 1_000 * SEED + number), http);
  }

  /** What takes the place of the server's own address. */
  get url(): string {
    const address = this.front.address();
    if (typeof address !== "object" || address === null) throw new Error("the line is closed");
    return `http://localhost:${address.port}`;
  }

  get udpPort(): number {
    return this.relay.port;
  }

  /** Conditions for UDP in both directions. */
  become(conditions: Conditions): void {
    this.conditions = conditions;
    if (this.plugged) this.relay.become(conditions);
  }

  /** Nothing passes any more, and no connection is closed. */
  unplug(): void {
    this.plugged = false;
    this.relay.become({ dead: true });
    for (const socket of this.sockets) socket.pause();
  }

  plugIn(): void {
    this.plugged = true;
    this.relay.become(this.conditions);
    for (const socket of this.sockets) socket.resume();
  }

  /** The router forgets what it knew: from now on all UDP comes from other ports than before. */
  async rebind(): Promise<void> {
    await this.relay.rebind();
  }

  /** What both directions did with media so far, for messages and comparisons. */
  get counters() {
    return { up: { ...this.relay.up.counters }, down: { ...this.relay.down.counters } };
  }

  close(): void {
    this.relay.close();
    this.front.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private carry(client: Socket): void {
    const server = connect(this.httpPort, "127.0.0.1");
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(one);
      one.setNoDelay(true);
      one.on("data", (chunk) => {
        if (one === client && this.full && asksForSignalling(chunk)) client.end(REFUSAL);
        else if (!other.write(chunk)) one.pause();
      });
      one.on("drain", () => this.plugged && other.resume());
      one.on("end", () => other.end());
      // Whatever the reason: the other half cannot go on alone.
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.sockets.delete(one);
        other.end();
      });
      if (this.plugged) one.resume();
      else one.pause();
    }
  }
}
