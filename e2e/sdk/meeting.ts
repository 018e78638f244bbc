import { randomUUID } from "node:crypto";

import { AccessToken, RoomServiceClient, type VideoGrant } from "livekit-server-sdk";
import { afterEach, inject } from "vitest";

import type { Person } from "../harness/people.ts";
import { SdkClient } from "./client.ts";

export const target = inject("target");

export const roomService = new RoomServiceClient(
  target.url.replace(/^ws/, "http"),
  target.apiKey,
  target.apiSecret,
);

const clients: SdkClient[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.leave()));
});

export function roomName(): string {
  return `meeting-${randomUUID()}`;
}

/** A token made as an application would make it with the server SDK. */
export async function token(
  room: string,
  identity: string,
  grant: VideoGrant = {},
  ttl: number | string = "10m",
): Promise<string> {
  const access = new AccessToken(target.apiKey, target.apiSecret, { identity, name: identity, ttl });
  access.addGrant({ roomJoin: true, room, canUpdateOwnMetadata: true, ...grant });
  return await access.toJwt();
}

/** Joins under the person's name; the client leaves when the test is over. */
export async function join(
  room: string,
  person: Person,
  grant?: VideoGrant,
  identity = person.name,
): Promise<SdkClient> {
  const client = await SdkClient.join(target.url, await token(room, identity, grant), person);
  clients.push(client);
  return client;
}

/** What each client sees and hears of each other one: `{"Ben": {"Anna": ["Anna", "Anna"], …}, …}` when all is well. */
export function perceptions(group: readonly SdkClient[]): Record<string, Record<string, string[]>> {
  return table(group, (watcher, { person }) => [watcher.sees(person.name), watcher.hears(person.name)]);
}

/** The perceptions of a room in which no track is missing or crossed. */
export function allWell(group: readonly SdkClient[]): Record<string, Record<string, string[]>> {
  return table(group, (_, { person }) => [person.name, person.name]);
}

function table<T>(
  group: readonly SdkClient[],
  cell: (watcher: SdkClient, other: SdkClient) => T,
): Record<string, Record<string, T>> {
  const rows = group.map((watcher) => {
    const others = group.filter((other) => other !== watcher);
    return [
      watcher.person.name,
      Object.fromEntries(others.map((other) => [other.person.name, cell(watcher, other)])),
    ];
  });
  return Object.fromEntries(rows) as Record<string, Record<string, T>>;
}
