import type { Product } from "./product.ts";

export interface CreatedMeeting {
  readonly meeting_id: string;
  readonly host_key: string;
}

export interface Admission {
  readonly token: string;
  readonly livekit_url: string;
  readonly participant_id: string;
  readonly room_name: string;
}

/** The product's HTTP API, as a program without a browser uses it. */
export class Api {
  constructor(private readonly product: Pick<Product, "home">) {}

  async create(body?: Record<string, unknown>): Promise<CreatedMeeting> {
    return (await this.call("POST", "create", body)) as CreatedMeeting;
  }

  async join(code: string, name: string): Promise<Admission> {
    return (await this.call("POST", `${code}/join`, { display_name: name })) as Admission;
  }

  async end({ meeting_id, host_key }: CreatedMeeting): Promise<void> {
    await this.call("DELETE", meeting_id, undefined, { "x-host-key": host_key });
  }

  /** Names of the participants in a meeting now, sorted. */
  async participants(code: string): Promise<string[]> {
    const answer = (await this.call("GET", `${code}/participants`)) as {
      participants: { display_name: string }[];
    };
    return answer.participants.map(({ display_name }) => display_name).sort();
  }

  private async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<unknown> {
    const response = await fetch(`${this.product.home}/api/v1/meetings/${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as unknown;
  }
}
