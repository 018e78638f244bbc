import type { Route } from "../call/line-stats";
import type { PathId } from "./check";
import type { LinePorts, PathPolicy, Probe, ProbeFailure, ProbeRequest, TestRoomAnswer } from "./ports";

/** A server and the network before it, as a test wants them. */
export interface FakeNetwork {
  answer: TestRoomAnswer["kind"];
  /** How connections are answered, if at all. */
  signalling: "good" | Exclude<ProbeFailure["failed"], "media">;
  /** Connections of the second seat fail. */
  secondFails: boolean;
  /** Ways that carry media. */
  open: ReadonlySet<PathId>;
  relays: readonly PathId[];
  tcpPort: number | null;
  /** Connections that choose their way themselves fail all the same. */
  anyFails: boolean;
  up: number;
  down: number;
  loss: number;
  /** Whether the server's own participant comes in. */
  third: boolean;
  /** Pictures that arrive at each of the three. */
  pictures: readonly [first: number, second: number, third: number];
}

export const GOOD_NETWORK: FakeNetwork = {
  answer: "open",
  signalling: "good",
  secondFails: false,
  open: new Set(["udp", "tcp"]),
  relays: [],
  tcpPort: 7881,
  anyFails: false,
  up: 1_000,
  down: 980,
  loss: 0,
  third: true,
  pictures: [2, 2, 2],
};

const ROUTES: Record<PathId, Route> = {
  udp: "udp",
  tcp: "tcp",
  turn_udp: "relay_udp",
  turn_tls: "relay_tls",
};

/** The ports of such a network, what was asked of it, and how many connections are open. */
export function fakeLine(change: Partial<FakeNetwork> = {}) {
  const network = { ...GOOD_NETWORK, ...change };
  const log = { asked: [] as string[], opened: 0, closed: 0, roomClosed: false };
  const wayOf = (policy: PathPolicy): PathId | null => {
    const ways = ["udp", "turn_udp", "tcp", "turn_tls"] as const;
    if (policy !== "any") return network.open.has(policy) ? policy : null;
    return network.anyFails ? null : (ways.find((way) => network.open.has(way)) ?? null);
  };
  const probe = (way: PathId, seat: 0 | 1): Probe => {
    let closed = false;
    return {
      signalMs: 40.4,
      mediaMs: 160.2,
      relays: new Set(network.relays),
      publish: async (kbits) => void log.asked.push(`publish ${kbits}`),
      figures: async () => ({
        up: network.up,
        down: network.down,
        loss: network.loss,
        delay: 21,
        route: ROUTES[way],
      }),
      picturesFrom: async () => network.pictures[seat],
      close: () => {
        if (!closed) log.closed += 1;
        closed = true;
      },
    };
  };
  const openProbe = async ({ token, policy }: ProbeRequest): Promise<Probe | ProbeFailure> => {
    log.asked.push(`${token} ${policy}`);
    if (network.signalling !== "good") return { failed: network.signalling };
    const way = wayOf(policy);
    if (way === null || (network.secondFails && token === "two"))
      return { failed: "media", signalMs: 40.4, relays: new Set(network.relays) };
    log.opened += 1;
    return probe(way, token === "one" ? 0 : 1);
  };
  const ports: LinePorts = {
    openProbe,
    openRoom: async () => {
      if (network.answer !== "open") return { kind: network.answer };
      return {
        kind: "open",
        room: {
          livekitUrl: "wss://meet.example",
          tokens: ["one", "two"],
          udpPort: 7882,
          tcpPort: network.tcpPort,
          third: async () => ({ connected: network.third, pictures: network.pictures[2] }),
          close: () => {
            log.roomClosed = true;
          },
        },
      };
    },
  };
  return { ports, log };
}
