import { createSocket } from "node:dgram";

import { ClientInfo_SDK, JoinRequest, SignalResponse, WrappedJoinRequest } from "@livekit/protocol";
import { WebSocket } from "ws";

/** A LiveKit client without manners: it sends any bytes, says nothing, or vanishes. */
export class RoughClient {
  readonly messages: SignalResponse[] = [];
  private ended = false;

  private constructor(private readonly socket: WebSocket) {
    socket.on("message", (data: Buffer) => this.messages.push(SignalResponse.fromBinary(data)));
    socket.on("close", () => {
      this.ended = true;
    });
    socket.on("error", () => undefined);
  }

  /** Opens the signal connection as clients with one peer connection do, but without an offer. */
  static connect(url: string, token: string): Promise<RoughClient> {
    return RoughClient.connectAt(`${url}/rtc/v1?access_token=${token}&join_request=${joinRequest()}`);
  }

  /** Opens any address; fails with the HTTP status when that is refused. */
  static connectAt(address: string): Promise<RoughClient> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(address);
      const client = new RoughClient(socket);
      socket.once("open", () => resolve(client));
      socket.once("unexpected-response", (_request, response) => {
        response.resume();
        reject(new Error(`refused with ${response.statusCode}`));
      });
      socket.once("error", reject);
    });
  }

  get closed(): boolean {
    return this.ended;
  }

  /** The kinds of messages so far. */
  get kinds(): string[] {
    return this.messages.map(({ message }) => message.case ?? "unknown");
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.send(bytes);
  }

  sendText(text: string): void {
    this.socket.send(text);
  }

  /** Ends the TCP connection without a word. */
  vanish(): void {
    this.socket.terminate();
  }
}

export function joinRequest(fields: ConstructorParameters<typeof JoinRequest>[0] = {}): string {
  const clientInfo = { sdk: ClientInfo_SDK.JS, protocol: 17, version: "2.23.0" };
  const request = new JoinRequest({ clientInfo, connectionSettings: { autoSubscribe: true }, ...fields });
  const wrapped = new WrappedJoinRequest({ joinRequest: request.toBinary() });
  // As livekit-client writes it: the alphabet for addresses, padding kept.
  const padded = Buffer.from(wrapped.toBinary()).toString("base64");
  return encodeURIComponent(padded.replaceAll("+", "-").replaceAll("/", "_"));
}

/** A repeatable stream of bytes that mean nothing. */
export function garbage(length: number, seed: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(length);
  let state = seed + 1;
  for (let index = 0; index < length; index += 1) {
    state = (state * 48_271) % 2_147_483_647;
    bytes[index] = state & 0xff;
  }
  return bytes;
}

/** Sends datagrams that begin like STUN, DTLS, RTP and RTCP, and go on with nonsense. */
export async function floodWithGarbage(port: number, count: number): Promise<void> {
  const socket = createSocket("udp4");
  const beginnings = [
    [0x00, 0x01, 0x00, 0x08, 0x21, 0x12, 0xa4, 0x42],
    [0x01, 0x01],
    [0x16, 0xfe, 0xfd],
    [0x17, 0xfe, 0xfd],
    [0x80, 0x60],
    [0x80, 0xc8],
    [],
  ];
  for (let sent = 0; sent < count; sent += 1) {
    const beginning = Buffer.from(beginnings[sent % beginnings.length] ?? []);
    const datagram = Buffer.concat([beginning, garbage(sent % 1_400, sent)]);
    await new Promise<void>((resolve) => socket.send(datagram, port, "127.0.0.1", () => resolve()));
  }
  socket.close();
}
