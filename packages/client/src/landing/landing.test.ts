import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NetworkError } from "../api/errors";
import { MeetingKeys } from "../meeting/keys";
import { apiError, CODE, fakeApi, meetingInfo, memoryStore, settle } from "../testing";
import { LandingViewModel } from "./landing";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function landing(api = fakeApi()) {
  const opened: string[] = [];
  const keys = new MeetingKeys(memoryStore());
  return { model: new LandingViewModel(api, keys, (code) => opened.push(code)), opened, keys };
}

test("a typed code is looked up once, 300 ms after the last key", async () => {
  const info = vi.fn(() => Promise.resolve(meetingInfo({ participantCount: 2 })));
  const { model } = landing(fakeApi({ info }));
  model.type("abc-defg-hi");
  model.type("abc-defg-hij");
  expect(model.check.value).toEqual({ status: "checking", code: CODE });
  await vi.advanceTimersByTimeAsync(299);
  expect(info).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(info).toHaveBeenCalledOnce();
  expect(model.check.value).toEqual({ status: "open", code: CODE, name: null, present: 2 });
});

test("a late answer to an earlier code is not shown", async () => {
  let answer: (value: ReturnType<typeof meetingInfo>) => void = () => undefined;
  const info = () => new Promise<ReturnType<typeof meetingInfo>>((resolve) => (answer = resolve));
  const { model } = landing(fakeApi({ info }));
  model.type("abc-defg-hij");
  await vi.advanceTimersByTimeAsync(300);
  model.type("abc");
  answer(meetingInfo());
  await settle();
  expect(model.check.value).toEqual({ status: "idle" });
});

test.each([
  ["unknown", fakeApi({ info: () => Promise.reject(apiError("meeting_not_found", 404)) })],
  ["ended", fakeApi({ info: () => Promise.resolve(meetingInfo({ status: "ended" })) })],
  ["expired", fakeApi({ info: () => Promise.resolve(meetingInfo({ status: "expired" })) })],
  ["cancelled", fakeApi({ info: () => Promise.resolve(meetingInfo({ status: "cancelled" })) })],
  ["full", fakeApi({ info: () => Promise.resolve(meetingInfo({ participantCount: 20 })) })],
])("a meeting that is %s is told at the field and not opened", async (kind, api) => {
  const { model, opened } = landing(api);
  model.type(CODE);
  await vi.advanceTimersByTimeAsync(300);
  expect(model.check.value).toMatchObject({ status: "problem", problem: { kind } });
  expect(model.join()).toBe(false);
  expect(opened).toEqual([]);
});

test("joining does not wait for the check, nor is it stopped by a network that failed", async () => {
  const { model, opened } = landing(fakeApi({ info: () => Promise.reject(new NetworkError("x")) }));
  model.type("ABCDEFGHIJ");
  expect(model.join()).toBe(true);
  await vi.advanceTimersByTimeAsync(300);
  expect(model.join()).toBe(true);
  expect(opened).toEqual([CODE, CODE]);
});

test("what holds no code is told only after a press of Join", () => {
  const { model, opened } = landing();
  model.type("hello");
  expect(model.check.value).toEqual({ status: "idle" });
  expect(model.join()).toBe(false);
  expect(model.check.value).toEqual({ status: "notACode" });
  expect(opened).toEqual([]);
});

test("a pasted host link keeps its key for the meeting", () => {
  const { model, keys } = landing();
  model.type(`https://meet.example/meeting/${CODE}#host=${"k".repeat(43)}`);
  model.join();
  expect(keys.hostKey(CODE)).toBe("k".repeat(43));
});

const created = {
  code: CODE,
  url: "https://meet.example/meeting/abc-defg-hij",
  hostUrl: "https://meet.example/meeting/abc-defg-hij#host=key",
  hostKey: "key",
  expiresAt: new Date(0),
};

test("creating makes the creator host, and pressing twice makes one meeting", async () => {
  const create = vi.fn(() => Promise.resolve(created));
  const { model, keys, opened } = landing(fakeApi({ create }));
  const [first, second] = await Promise.all([model.create(), model.create()]);
  expect(create).toHaveBeenCalledOnce();
  expect([first, second]).toEqual([created, null]);
  expect(keys.hostKey(CODE)).toBe("key");
  model.joinCreated();
  expect(opened).toEqual([CODE]);
});

test.each([
  [apiError("rate_limited", 429, 42), { kind: "rateLimited", seconds: 42 }],
  [apiError("feature_disabled", 403), { kind: "createForbidden" }],
  [apiError("room_create_failed", 502), { kind: "server", reference: "req-1" }],
  [new NetworkError("x"), { kind: "network" }],
])("a failed creation is told: %s", async (error, problem) => {
  const { model } = landing(fakeApi({ create: () => Promise.reject(error) }));
  await model.create();
  expect(model.creation.value).toEqual({ status: "failed", problem });
});
