import { EngineEvent, type Room } from "livekit-client";
import { expect, test, vi } from "vitest";
import type { PathPolicy } from "../checks/ports";
import { allows, relayOf, restrictTo, serversFor, withoutOthers } from "./ways";

const UDP = "candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host";
const TCP = "candidate:2 1 TCP 1671430143 192.0.2.1 7881 typ host tcptype passive";

test.each<[PathPolicy, boolean, boolean]>([
  ["any", true, true],
  ["udp", true, false],
  ["tcp", false, true],
  ["turn_udp", true, true],
  ["turn_tls", true, true],
])("the policy %s lets UDP candidates through: %s, TCP ones: %s", (policy, udp, tcp) => {
  expect([allows(policy, UDP), allows(policy, TCP)]).toEqual([udp, tcp]);
});

test("a description keeps all but the other candidates", () => {
  const sdp = ["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", `a=${UDP}`, `a=${TCP}`, "a=end-of-candidates", ""];
  expect(withoutOthers("tcp", sdp.join("\r\n")).split("\r\n")).toEqual(
    sdp.filter((line) => line !== `a=${UDP}`),
  );
  expect(withoutOthers("any", sdp.join("\r\n"))).toBe(sdp.join("\r\n"));
});

test.each([
  ["turn:meet.example:3478", "turn_udp"],
  ["turn:meet.example:3478?transport=udp", "turn_udp"],
  ["turn:meet.example:7881?transport=tcp", "turn_tls"],
  ["turns:meet.example:443?transport=tcp", "turn_tls"],
  ["TURNS:meet.example", "turn_tls"],
  ["stun:meet.example:3478", null],
])("%s is %s", (url, kind) => expect(relayOf(url)).toBe(kind));

test("of the servers only those of the wanted relay stay, with their credentials", () => {
  const servers = [
    { urls: ["turn:a:3478", "turns:a:443?transport=tcp"], username: "u", credential: "c" },
    { urls: "stun:a:3478" },
  ];
  expect(serversFor("turn_tls", servers)).toEqual([
    { urls: ["turns:a:443?transport=tcp"], username: "u", credential: "c" },
  ]);
  expect(serversFor("any", servers)).toEqual(servers);
  // Over a relay it would not be the way that is asked for.
  expect([serversFor("udp", servers), serversFor("tcp", servers)]).toEqual([[], []]);
});

test("a room is kept to its way: by the relay's servers, or by the server's candidates", async () => {
  const describe = vi.fn(async (_: RTCSessionDescriptionInit) => true);
  const add = vi.fn(async () => undefined);
  const transport = { setRemoteDescription: describe, addIceCandidate: add };
  let created: (publisher: typeof transport, subscriber?: typeof transport) => void = () => undefined;
  const engine = {
    makeRTCConfiguration: (): RTCConfiguration => ({ iceServers: [{ urls: ["turn:a", "turns:a"] }] }),
    on: (event: EngineEvent, listener: typeof created) => {
      if (event === EngineEvent.TransportsCreated) created = listener;
    },
  };
  restrictTo({ engine } as unknown as Room, "turn_tls");
  expect(engine.makeRTCConfiguration()).toEqual({
    iceServers: [{ urls: ["turns:a"] }],
    iceTransportPolicy: "relay",
  });
  restrictTo({ engine } as unknown as Room, "udp");
  created(transport, undefined);
  await transport.setRemoteDescription({ type: "answer", sdp: `a=${UDP}\r\na=${TCP}\r\n` });
  expect(describe.mock.calls[0]?.[0]).toEqual({ type: "answer", sdp: `a=${UDP}\r\n` });
  await (transport.addIceCandidate as (candidate: RTCIceCandidateInit) => Promise<void>)({ candidate: TCP });
  expect(add).not.toHaveBeenCalled();
});

test("a room is not kept to its way for ever: a later repair may take any", async () => {
  let holds = true;
  const describe = vi.fn(async (_: RTCSessionDescriptionInit) => true);
  const transport = { setRemoteDescription: describe, addIceCandidate: vi.fn(async () => undefined) };
  let created: (publisher: typeof transport) => void = () => undefined;
  const engine = {
    makeRTCConfiguration: (): RTCConfiguration => ({ iceServers: [{ urls: ["turns:a"] }] }),
    on: (_: EngineEvent, listener: typeof created) => {
      created = listener;
    },
  };
  restrictTo({ engine } as unknown as Room, "tcp", () => holds);
  created(transport);
  const sdp = `a=${UDP}\r\na=${TCP}\r\n`;
  await transport.setRemoteDescription({ type: "answer", sdp });
  expect(engine.makeRTCConfiguration()).toEqual({ iceServers: [] });
  holds = false;
  await transport.setRemoteDescription({ type: "answer", sdp });
  expect(engine.makeRTCConfiguration()).toEqual({ iceServers: [{ urls: ["turns:a"] }] });
  expect(describe.mock.calls.map(([given]) => given.sdp)).toEqual([`a=${TCP}\r\n`, sdp]);
});
