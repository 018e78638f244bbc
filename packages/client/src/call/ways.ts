import { EngineEvent, type Room } from "livekit-client";
import type { PathId } from "../checks/check";
import type { PathPolicy } from "../checks/ports";

/** A relay is asked for over UDP, or over TCP with or without TLS (RFC 7065, `transport`). */
export function relayOf(url: string): PathId | null {
  if (/^turns:/i.test(url)) return "turn_tls";
  if (!/^turn:/i.test(url)) return null;
  return /[?&]transport=tcp\b/i.test(url) ? "turn_tls" : "turn_udp";
}

/** The kinds of relay that the server has told a connecting room of. */
export function relaysOf(room: Room): ReadonlySet<PathId> {
  const servers = (room as Partial<Room>).engine?.latestJoinResponse?.iceServers ?? [];
  const kinds = servers.flatMap(({ urls }) => urls.map(relayOf));
  return new Set(kinds.flatMap((kind) => kind ?? []));
}

/** Whether media may go to a candidate of the server (RFC 8839, section 5.1), as `candidate:…` or `a=candidate:…`. */
export function allows(policy: PathPolicy, candidate: string): boolean {
  if (policy !== "udp" && policy !== "tcp") return true;
  return candidate.split(" ")[2]?.toLowerCase() === policy;
}

/** The description without candidates that are not allowed. */
export function withoutOthers(policy: PathPolicy, sdp: string): string {
  const wanted = (line: string) => !line.startsWith("a=candidate:") || allows(policy, line);
  return sdp.split("\r\n").filter(wanted).join("\r\n");
}

/** The servers that a way may use: all, those of one kind of relay, or none where no relay may carry it. */
export function serversFor(policy: PathPolicy, servers: readonly RTCIceServer[]): RTCIceServer[] {
  if (policy === "any") return [...servers];
  return servers.flatMap((server) => {
    const urls = [server.urls].flat().filter((url) => relayOf(url) === policy);
    return urls.length === 0 ? [] : [{ ...server, urls }];
  });
}

/** What of livekit-client's inner parts is used here, all of it private there. */
interface Engine {
  on(event: EngineEvent, listener: (...transports: (Transport | undefined)[]) => void): void;
  makeRTCConfiguration(response?: unknown): RTCConfiguration;
}
interface Transport {
  setRemoteDescription(description: RTCSessionDescriptionInit, id: number): Promise<boolean>;
  addIceCandidate(candidate: RTCIceCandidateInit): Promise<void>;
}

function isEngine(engine: Partial<Engine> | undefined): engine is Engine {
  return typeof engine?.makeRTCConfiguration === "function" && typeof engine.on === "function";
}

/** Keeps a room that is not connected yet to one way for media, for as long as that `holds`. */
export function restrictTo(room: Room, policy: PathPolicy, holds: () => boolean = () => true): void {
  const engine = (room as Partial<Room>).engine as unknown as Partial<Engine> | undefined;
  if (policy === "any" || !isEngine(engine)) return;
  const make = engine.makeRTCConfiguration.bind(engine);
  engine.makeRTCConfiguration = (response) => {
    const made = make(response);
    if (!holds()) return made;
    const relayed = policy === "turn_udp" || policy === "turn_tls";
    const servers = serversFor(policy, made.iceServers ?? []);
    return { ...made, iceServers: servers, ...(relayed ? { iceTransportPolicy: "relay" } : {}) };
  };
  engine.on(EngineEvent.TransportsCreated, (...transports) => {
    for (const transport of transports) if (transport !== undefined) filter(transport, policy, holds);
  });
}

function filter(transport: Transport, only: PathPolicy, holds: () => boolean): void {
  const policy = () => (holds() ? only : "any");
  const describe = transport.setRemoteDescription.bind(transport);
  const add = transport.addIceCandidate.bind(transport);
  transport.setRemoteDescription = (description, id) =>
    describe({ ...description, sdp: withoutOthers(policy(), description.sdp ?? "") }, id);
  transport.addIceCandidate = async (candidate) => {
    if (allows(policy(), candidate.candidate ?? "")) await add(candidate);
  };
}
