import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";

/** Ports where everything is swallowed: nothing is refused, and nothing is ever answered. */
export interface Firewall {
  readonly udpPort: number;
  readonly tcpPort: number;
  close(): void;
}

/** Stands for a firewall: servers tell browsers these ports in place of their own. */
export async function openFirewall(): Promise<Firewall> {
  const udp = createSocket("udp4");
  udp.bind(0);
  await once(udp, "listening");
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    socket.resume();
  });
  tcp.listen(0);
  await once(tcp, "listening");
  const address = tcp.address();
  if (typeof address !== "object" || address === null) throw new Error("the firewall has no port");
  const close = () => {
    udp.close();
    tcp.close();
    for (const socket of sockets) socket.destroy();
  };
  return { udpPort: udp.address().port, tcpPort: address.port, close };
}
