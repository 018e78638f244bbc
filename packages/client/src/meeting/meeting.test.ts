import { describe, expect, test, vi } from "vitest";
import { NetworkError, TimeoutError } from "../api/errors";
import { apiError, CODE, fakeApi, joinResult, meetingInfo, memoryStore } from "../testing";
import { MeetingKeys } from "./keys";
import { MeetingViewModel } from "./meeting";
import { cleanDisplayName } from "./name";
import { isPassing, problemOf } from "./problem";
import type { DeviceChoice } from "./types";

const devices: DeviceChoice = {
  displayName: "Anna",
  microphoneOn: true,
  cameraOn: true,
  microphoneId: null,
  cameraId: null,
  speakerId: null,
};

function meeting(api = fakeApi(), store = memoryStore()) {
  const keys = new MeetingKeys(store);
  return { model: new MeetingViewModel(api, keys, CODE), keys };
}

test("from the link to the call, out of it, and back as the same person", async () => {
  const join = vi.fn(() => Promise.resolve(joinResult()));
  const { model } = meeting(fakeApi({ join }));
  await model.load();
  expect(model.stage.value.stage).toBe("preJoin");
  expect(await model.join(devices)).toBeNull();
  expect(model.stage.value.stage).toBe("call");
  model.left("left", { durationSeconds: 60 });
  expect(model.stage.value).toMatchObject({ stage: "left", reason: "left", rejoining: false });
  await model.rejoin();
  expect(model.stage.value.stage).toBe("call");
  expect(join.mock.calls).toEqual([
    [CODE, { displayName: "Anna", password: null, hostKey: null, rejoinToken: null }, expect.anything()],
    [
      CODE,
      { displayName: "Anna", password: null, hostKey: null, rejoinToken: "rejoin-1" },
      expect.anything(),
    ],
  ]);
});

test("the host key goes with the join", async () => {
  const join = vi.fn(() => Promise.resolve(joinResult({ role: "host" })));
  const { model, keys } = meeting(fakeApi({ join }));
  keys.keepHostKey(CODE, "key");
  await model.load();
  await model.join(devices);
  expect(join).toHaveBeenCalledWith(CODE, expect.objectContaining({ hostKey: "key" }), expect.anything());
});

test("a passing problem leaves the form where it is", async () => {
  const { model } = meeting(fakeApi({ join: () => Promise.reject(apiError("token_failed", 500)) }));
  await model.load();
  expect(await model.join(devices)).toEqual({ kind: "server", reference: "req-1" });
  expect(model.stage.value.stage).toBe("preJoin");
});

test.each([
  ["meeting_locked", { kind: "locked" }],
  ["meeting_full", { kind: "full", max: 20 }],
  ["meeting_ended", { kind: "ended" }],
  ["participant_removed", { kind: "removed" }],
])("%s while joining takes the whole screen", async (code, problem) => {
  const { model } = meeting(fakeApi({ join: () => Promise.reject(apiError(code)) }));
  await model.load();
  expect(await model.join(devices)).toBeNull();
  expect(model.stage.value).toEqual({ stage: "problem", problem });
});

test("a host link for another meeting is said and forgotten, and the person joins as a guest", async () => {
  const join = vi.fn(() => Promise.resolve(joinResult()));
  const info = () => Promise.resolve(meetingInfo({ passwordRequired: true }));
  const { model, keys } = meeting(fakeApi({ join, info }));
  keys.keepHostKey(CODE, "another meeting's");
  await model.load();
  expect(model.hostKey.value).toBe("another meeting's");
  join.mockRejectedValueOnce(apiError("host_key_invalid", 403));
  expect(await model.join(devices)).toEqual({ kind: "hostLinkInvalid" });
  expect([model.hostKey.value, keys.hostKey(CODE)]).toEqual([null, null]);
  expect(model.stage.value.stage).toBe("preJoin");
  expect(model.passwordWanted.value).toBe(true);
  expect(await model.join(devices, "pine cone")).toBeNull();
  expect(join).toHaveBeenLastCalledWith(CODE, expect.objectContaining({ hostKey: null }), expect.anything());
});

test("guests are asked for a password, hosts and who was in are not", async () => {
  const api = fakeApi({ info: () => Promise.resolve(meetingInfo({ passwordRequired: true })) });
  const stranger = meeting(api);
  await stranger.model.load();
  expect(stranger.model.passwordWanted.value).toBe(true);
  const host = meeting(api);
  host.keys.keepHostKey(CODE, "key");
  await host.model.load();
  expect(host.model.passwordWanted.value).toBe(false);
  const returning = meeting(api);
  returning.keys.keepRejoinToken(CODE, "rejoin-1");
  await returning.model.load();
  expect(returning.model.passwordWanted.value).toBe(false);
});

test("a wrong password is told beside the form, and the right one joins", async () => {
  const join = vi.fn(() => Promise.resolve(joinResult()));
  const { model } = meeting(fakeApi({ join }));
  await model.load();
  join.mockRejectedValueOnce(apiError("password_wrong", 403));
  expect(await model.join(devices, "guessed")).toEqual({ kind: "passwordWrong" });
  expect(model.stage.value.stage).toBe("preJoin");
  expect(await model.join(devices, "right")).toBeNull();
  expect(join).toHaveBeenLastCalledWith(
    CODE,
    expect.objectContaining({ password: "right" }),
    expect.anything(),
  );
});

test("a way back that a password bars leads to the form that asks for it", async () => {
  const join = vi.fn(() => Promise.resolve(joinResult()));
  const { model } = meeting(fakeApi({ join }));
  await model.load();
  await model.join(devices);
  model.left("left", { durationSeconds: 60 });
  join.mockRejectedValueOnce(apiError("password_required", 403));
  await model.rejoin();
  expect(model.stage.value.stage).toBe("preJoin");
  expect(model.passwordWanted.value).toBe(true);
});

test("a full meeting shows so at once, except to who was in it", async () => {
  const api = fakeApi({ info: () => Promise.resolve(meetingInfo({ participantCount: 20 })) });
  const stranger = meeting(api);
  await stranger.model.load();
  expect(stranger.model.stage.value).toEqual({ stage: "problem", problem: { kind: "full", max: 20 } });
  const seated = meeting(api);
  seated.keys.keepRejoinToken(CODE, "rejoin-1");
  await seated.model.load();
  expect(seated.model.stage.value.stage).toBe("preJoin");
});

test("a failed way back says so and can be tried again", async () => {
  const join = vi.fn(() => Promise.resolve(joinResult()));
  const { model } = meeting(fakeApi({ join }));
  await model.load();
  await model.join(devices);
  model.left("connection", { durationSeconds: 5 });
  join.mockRejectedValueOnce(new NetworkError("x"));
  await model.rejoin();
  expect(model.stage.value).toMatchObject({ stage: "left", rejoining: false, problem: { kind: "network" } });
  await model.rejoin();
  expect(model.stage.value.stage).toBe("call");
});

test("an answer after the page is gone changes nothing", async () => {
  const { model } = meeting();
  const loading = model.load();
  model.end();
  await loading;
  expect(model.stage.value).toEqual({ stage: "loading" });
});

describe("problems are told by code", () => {
  test.each([
    [apiError("meeting_not_found", 404), "unknown", false],
    [apiError("meeting_cancelled", 410), "cancelled", false],
    [apiError("rate_limited", 429), "rateLimited", true],
    [apiError("capacity", 503, 9), "busy", true],
    [apiError("http_502", 502), "server", true],
    [new NetworkError("x"), "network", true],
    [new TimeoutError("x"), "network", true],
    [new TypeError("a bug of ours"), "server", true],
  ])("%s", (error, kind, passing) => {
    const problem = problemOf(error);
    expect(problem.kind).toBe(kind);
    expect(isPassing(problem)).toBe(passing);
  });
});

test.each([
  ["  Anna   Berg ", "Anna Berg"],
  ["An\u200bna\u202e", "Anna"],
  ["\u200b\u0000 ", ""],
  ["e\u0301", "é"],
  ["😀".repeat(60), "😀".repeat(50)],
])("the name %j is sent as %j", (typed, sent) => expect(cleanDisplayName(typed)).toBe(sent));
