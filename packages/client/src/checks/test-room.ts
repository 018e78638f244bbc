import type { TestRoom, TestRoomAnswer, Third } from "./ports";

const ADDRESS = "/api/v1/selftest";

/** What other answers than a room mean; any that is not listed is an error. */
const WITHOUT_ROOM: Readonly<Record<number, "busy" | "absent">> = {
  404: "absent",
  405: "absent",
  429: "busy",
  503: "busy",
};

/** Opens a test room on the page's own server. */
export async function openTestRoom(signal: AbortSignal): Promise<TestRoomAnswer> {
  try {
    const answer = await fetch(ADDRESS, { method: "POST", signal });
    if (answer.status === 201) return { kind: "open", room: readRoom(await answer.json()) };
    return { kind: WITHOUT_ROOM[answer.status] ?? "faulty" };
  } catch {
    return { kind: "unreachable" };
  }
}

interface Opened {
  id: string;
  livekit_url: string;
  tokens: [string, string];
  udp_port: number | null;
  tcp_port: number | null;
}

function readRoom(body: Opened): TestRoom {
  const address = `${ADDRESS}/${body.id}`;
  return {
    livekitUrl: body.livekit_url,
    tokens: body.tokens,
    udpPort: body.udp_port,
    tcpPort: body.tcp_port,
    third: () => askThird(address),
    // Also when the page is closed.
    close: () => void fetch(address, { method: "DELETE", keepalive: true }).catch(() => undefined),
  };
}

async function askThird(address: string): Promise<Third> {
  try {
    const answer = await fetch(address);
    const { third } = (await answer.json()) as { third: { connected: boolean; video_streams: number } };
    return { connected: third.connected, pictures: third.video_streams };
  } catch {
    return { connected: false, pictures: 0 };
  }
}
