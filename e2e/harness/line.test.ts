import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { eventually } from "./eventually.ts";
import { Line } from "./line.ts";

/** A server that sends each datagram back, and answers HTTP; and one client that counts what comes back. */
async function scene() {
  const echo = createSocket("udp4");
  const ports = new Set<number>();
  echo.on("message", (datagram: Buffer, { port }: RemoteInfo) => {
    ports.add(port);
    echo.send(datagram, port, "127.0.0.1");
  });
  echo.bind(0, "127.0.0.1");
  await once(echo, "listening");
  const asked: string[] = [];
  const web = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end("here");
  });
  web.listen(0, "127.0.0.1");
  await once(web, "listening");
  const { port } = web.address() as AddressInfo;
  const line = await Line.open({ http: port, udp: echo.address().port }, 1);
  const client: Socket = createSocket("udp4");
  const returned: string[] = [];
  client.on("message", (datagram: Buffer) => returned.push(datagram.toString()));
  const send = (text: string) => client.send(text, line.udpPort, "127.0.0.1");
  const close = () => {
    for (const one of [echo, client, line]) one.close();
    web.close();
    web.closeAllConnections();
  };
  return { line, direct: `http://127.0.0.1:${port}`, asked, send, returned, ports, close };
}

describe("a line", () => {
  let here: Awaited<ReturnType<typeof scene>>;
  beforeEach(async () => {
    here = await scene();
  });
  afterEach(() => here.close());

  test("carries datagrams both ways in order, from one address, and counts them", async () => {
    const { line, send, returned, ports } = here;
    line.become({ delayMs: 20, jitterMs: 10 });
    const texts = Array.from({ length: 50 }, (_, index) => `${index}`);
    for (const text of texts) send(text);
    await eventually("all of them", () => returned, texts);
    expect(ports.size).toBe(1);
    expect(line.counters).toMatchObject({ up: { delivered: 50 }, down: { delivered: 50 } });
  });

  test("loses in each direction by itself", async () => {
    const { line, send, returned } = here;
    line.become({ loss: 0.5 });
    for (let index = 0; index < 200; index += 1) send("x");
    await eventually("the last one", () => line.counters.up.offered, 200);
    await eventually("the answers", () => line.counters.down.offered, line.counters.up.delivered);
    await eventually("the arrivals", () => returned.length, line.counters.down.delivered);
    expect(Math.abs(returned.length - 50)).toBeLessThan(30);
  });

  test("has a new address after its router forgot the old one", async () => {
    const { line, send, returned, ports } = here;
    send("before");
    await eventually("an answer", () => returned, ["before"]);
    await line.rebind();
    send("after");
    await eventually("an answer again", () => returned, ["before", "after"]);
    expect(ports.size).toBe(2);
  });

  test("carries nothing while it is unplugged, and goes on afterwards", async () => {
    const { line, direct, asked, send, returned } = here;
    const get = async (address: string) => (await fetch(address)).text();
    expect(await get(`${line.url}/before`)).toBe("here");
    line.unplug();
    send("lost");
    await eventually("the loss", () => line.counters.up.lost, 1);
    const waits = get(`${line.url}/waits`);
    await get(`${direct}/direct`);
    expect(asked).toEqual(["/before", "/direct"]);
    line.plugIn();
    send("there");
    expect(await waits).toBe("here");
    await eventually("what came after", () => returned, ["there"]);
  });
});
