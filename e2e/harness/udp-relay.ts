import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";

import { type Conditions, Link } from "./link.ts";
import { seededRandom } from "./random.ts";
import { Schedule } from "./schedule.ts";

/** More sockets than a test's clients open, candidates of all their reconnections included. */
const MOST_CLIENTS = 256;

interface Client {
  readonly inside: RemoteInfo;
  /** What the server sees the client as. */
  outside: Socket;
}

/**
 * A NAT with bad lines: each client's datagrams to its port go on to the server from a socket of their own, and back,
 * as the conditions of both directions let them.
 */
export class UdpRelay {
  readonly up: Link;
  readonly down: Link;
  private readonly clients = new Map<string, Client>();
  private readonly schedule = new Schedule();

  private constructor(
    private readonly inside: Socket,
    private readonly serverPort: number,
    seed: number,
  ) {
    this.up = new Link(seededRandom(2 * seed));
    this.down = new Link(seededRandom(2 * seed + 1));
    inside.on("message", (datagram, from) => this.fromClient(datagram, from));
  }

  /** A relay on a free port to a port of this machine. */
  static async open(serverPort: number, seed: number): Promise<UdpRelay> {
    return new UdpRelay(await boundSocket(), serverPort, seed);
  }

  get port(): number {
    return this.inside.address().port;
  }

  /** Sets the conditions of both directions. */
  become(conditions: Conditions): void {
    this.up.become(conditions);
    this.down.become(conditions);
  }

  /** Gives every client a new address towards the server; what comes to the old one is lost. */
  async rebind(): Promise<void> {
    for (const client of this.clients.values()) {
      const outside = this.listening(await boundSocket(), client.inside);
      client.outside.close();
      client.outside = outside;
    }
  }

  close(): void {
    this.schedule.clear();
    this.inside.close();
    for (const { outside } of this.clients.values()) outside.close();
    this.clients.clear();
  }

  private fromClient(datagram: Buffer, from: RemoteInfo): void {
    const times = this.up.arrivals(performance.now(), datagram.length);
    const client = this.clients.get(nameOf(from)) ?? this.admit(from);
    for (const time of times) {
      this.schedule.at(time, () => client?.outside.send(datagram, this.serverPort, "127.0.0.1"));
    }
  }

  private admit(inside: RemoteInfo): Client | undefined {
    if (this.clients.size >= MOST_CLIENTS) return undefined;
    const outside = createSocket("udp4");
    // Datagrams that are sent before it is bound wait in the socket.
    outside.bind(0, "127.0.0.1");
    const client = { inside, outside: this.listening(outside, inside) };
    this.clients.set(nameOf(inside), client);
    return client;
  }

  private listening(outside: Socket, client: RemoteInfo): Socket {
    return outside.on("message", (datagram: Buffer, from: RemoteInfo) => {
      if (from.port !== this.serverPort) return;
      for (const time of this.down.arrivals(performance.now(), datagram.length)) {
        this.schedule.at(time, () => this.inside.send(datagram, client.port, client.address));
      }
    });
  }
}

const nameOf = ({ address, port }: RemoteInfo) => `${address}:${port}`;

async function boundSocket(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}
