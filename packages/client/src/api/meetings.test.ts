import { expect, test } from "vitest";
import { CODE } from "../testing";
import { ApiError, NetworkError, TimeoutError } from "./errors";
import { createMeetingApi } from "./meetings";

const BASE = "https://meet.example";

function answering(status: number, body: unknown, headers: Record<string, string> = {}) {
  const requests: Request[] = [];
  const api = createMeetingApi({
    baseUrl: BASE,
    fetch: (request) => {
      requests.push(request);
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return Promise.resolve(new Response(text, { status, headers }));
    },
  });
  return { api, requests };
}

const joined = {
  token: "t",
  meeting_id: CODE,
  livekit_url: "wss://meet.example",
  participant_id: "guest-1",
  role: "host",
  room_name: `meeting-${CODE}`,
  rejoin_token: "r",
  expires_at: "2026-01-01T00:00:00Z",
};

test("a join sends the name, and keys only where there are any", async () => {
  const { api, requests } = answering(200, joined, { "content-type": "application/json" });
  const result = await api.join(CODE, {
    displayName: "Anna",
    password: null,
    hostKey: null,
    rejoinToken: null,
  });
  expect(result).toMatchObject({ role: "host", livekitUrl: "wss://meet.example" });
  expect(requests[0]?.url).toBe(`${BASE}/api/v1/meetings/${CODE}/join`);
  expect(await requests[0]?.json()).toEqual({ display_name: "Anna" });
});

test.each([
  [false, "mailto:help@meet.example"],
  [true, null],
])("the server says whether guests may create (%s), and who helps: %s", async (allowed, supportUrl) => {
  const limits = { meeting_ttl_seconds: 86_400 };
  const body = { features: { anonymous_create: allowed }, limits, support_url: supportUrl };
  const { api, requests } = answering(200, body, { "content-type": "application/json" });
  expect(await api.config()).toEqual({ anonymousCreate: allowed, supportUrl, linkSeconds: 86_400 });
  expect(requests[0]?.url).toBe(`${BASE}/api/v1/config`);
});

test("a role that is not known yet has no rights here", async () => {
  const { api } = answering(200, { ...joined, role: "emperor" });
  expect(
    (await api.join(CODE, { displayName: "A", password: null, hostKey: "k", rejoinToken: "r" })).role,
  ).toBe("guest");
});

test("a problem document becomes an error with its code", async () => {
  const body = { code: "rate_limited", status: 429, detail: "Rate limit exceeded", request_id: "req-7" };
  const { api } = answering(429, body, { "content-type": "application/problem+json", "Retry-After": "12" });
  const error = await api.info(CODE).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ code: "rate_limited", requestId: "req-7", retryAfterSeconds: 12 });
});

test.each([
  [502, "<html>Bad Gateway</html>", { "X-Request-Id": "p-1" }, { code: "http_502", requestId: "p-1" }],
  [500, "", {}, { code: "http_500", requestId: null }],
  [429, "{}", { "Retry-After": "9999999" }, { code: "http_429", retryAfterSeconds: 3_600 }],
])("an answer %i that is no problem document: %s", async (status, body, headers, expected) => {
  const { api } = answering(status, body, headers as unknown as Record<string, string>);
  await expect(api.info(CODE)).rejects.toMatchObject(expected);
});

test("no answer at all is a network error", async () => {
  const api = createMeetingApi({
    baseUrl: BASE,
    fetch: () => Promise.reject(new TypeError("Failed to fetch")),
  });
  await expect(api.info(CODE)).rejects.toBeInstanceOf(NetworkError);
});

test("an answer that takes too long is a timeout", async () => {
  const api = createMeetingApi({
    baseUrl: BASE,
    timeoutMs: 5,
    fetch: () => new Promise(() => undefined),
  });
  await expect(api.info(CODE)).rejects.toBeInstanceOf(TimeoutError);
});
