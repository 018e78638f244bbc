import { createServer, type Server } from "node:http";

/** A webhook as it arrived: nothing of it is believed before a test has verified it. */
export interface Delivery {
  readonly authorization: string;
  readonly contentType: string;
  readonly body: string;
}

/**
 * Receives webhooks (`POST /`) and gives them out again in order (`GET /`), so that the one server of a suite can
 * serve all its tests.
 */
export class WebhookInbox {
  private readonly deliveries: Delivery[] = [];

  private constructor(private readonly server: Server) {}

  static async open(): Promise<WebhookInbox> {
    const server = createServer();
    const inbox = new WebhookInbox(server);
    server.on("request", (request, response) => {
      if (request.method === "GET") {
        response.setHeader("content-type", "application/json").end(JSON.stringify(inbox.deliveries));
        return;
      }
      let body = "";
      request.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on("end", () => {
        const { authorization = "", "content-type": contentType = "" } = request.headers;
        inbox.deliveries.push({ authorization, contentType, body });
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return inbox;
  }

  get url(): string {
    const address = this.server.address();
    if (typeof address !== "object" || address === null) throw new Error("the inbox is closed");
    return `http://127.0.0.1:${address.port}/`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
