import { AccessToken } from "livekit-server-sdk";
import { expect, test } from "vitest";

import { ANNA } from "../harness/people.ts";
import { joinRequest } from "../harness/rough-client.ts";
import { SdkClient } from "./client.ts";
import { roomName, target, token } from "./meeting.ts";

const http = target.url.replace(/^ws/, "http");

async function signedWith(key: string, secret: string): Promise<string> {
  const access = new AccessToken(key, secret, { identity: "Anna" });
  access.addGrant({ roomJoin: true, room: roomName() });
  return await access.toJwt();
}

async function expired(): Promise<string> {
  return await token(roomName(), "Anna", {}, -600);
}

const REFUSED: [string, () => Promise<string>][] = [
  ["no token", () => Promise.resolve("")],
  ["garbage", () => Promise.resolve("garbage")],
  ["three parts of garbage", () => Promise.resolve("e30.e30.e30")],
  ["a wrong secret", () => signedWith(target.apiKey, "another secret that is long enough for it")],
  ["an unknown key", () => signedWith("APIunknown", target.apiSecret)],
  ["an expired token", expired],
  ["a token that may not join", () => token(roomName(), "Anna", { roomJoin: false })],
];

test.each(REFUSED)("%s is refused with 401 where browsers look", async (_, make) => {
  for (const path of ["/rtc/validate?", `/rtc/v1/validate?join_request=${joinRequest()}&`]) {
    const response = await fetch(`${http}${path}access_token=${encodeURIComponent(await make())}`);
    expect(response.status).toBe(401);
    // A browser has to be able to read the reason.
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  }
});

test.each(REFUSED)("a client with %s does not get in", async (_, make) => {
  await expect(SdkClient.join(target.url, await make(), ANNA)).rejects.toThrow();
});

test("a good token is valid", async () => {
  const good = await token(roomName(), "Anna");
  const response = await fetch(`${http}/rtc/validate?access_token=${good}`);
  expect([response.status, await response.text()]).toEqual([200, "success"]);
  const bearer = await fetch(`${http}/rtc/validate`, { headers: { authorization: `Bearer ${good}` } });
  expect(bearer.status).toBe(200);
});
