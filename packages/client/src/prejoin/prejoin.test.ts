import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { MeetingProblem } from "../meeting/problem";
import { settle } from "../testing";
import { faultOf, preJoin } from "./prejoin.testing";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("camera and microphone are asked for with one question", async () => {
  const { model, devices } = await preJoin();
  expect(devices.wishes).toEqual([{ camera: null, microphone: null }]);
  expect(model.camera.state.value.status).toBe("on");
  expect(model.microphone.state.value.status).toBe("on");
  model.end();
  expect(devices.running.size).toBe(0);
});

test("what was off last time is not opened", async () => {
  const { devices } = await preJoin({ stored: { cameraOn: false } });
  expect(devices.wishes).toEqual([{ microphone: null }]);
});

describe("why a camera does not run", () => {
  test.each([
    ["NotAllowedError", "denied", "deniedByBrowser"],
    ["NotAllowedError", "unknown", "deniedByBrowser"],
    ["NotAllowedError", "granted", "deniedBySystem"],
    ["NotFoundError", "granted", "missing"],
    ["NotReadableError", "granted", "inUse"],
    ["AbortError", "granted", "inUse"],
    ["TypeError", "granted", "failed"],
  ] as const)("%s with permission %s: %s", async (name, permission, fault) => {
    const { model } = await preJoin({
      prepare: (devices) => {
        devices.errors.camera = name;
        devices.permissions.camera = permission;
      },
    });
    expect(faultOf(model, "camera")).toBe(fault);
    expect(faultOf(model, "microphone")).toBe("on");
  });

  test("a frame that keeps the right", async () => {
    const { model } = await preJoin({
      prepare: (devices) => {
        devices.errors.camera = "NotAllowedError";
        devices.inFrame = false;
      },
    });
    expect(faultOf(model, "camera")).toBe("deniedByFrame");
  });

  test("plain http", async () => {
    const { model } = await preJoin({
      prepare: (devices) => {
        devices.available = false;
        devices.errors.camera = "NotSupportedError";
        devices.errors.microphone = "NotSupportedError";
      },
    });
    expect([faultOf(model, "camera"), faultOf(model, "microphone")]).toEqual(["insecure", "insecure"]);
  });
});

test("permission given later starts the camera without a press", async () => {
  const { model, devices } = await preJoin({
    prepare: (port) => {
      port.errors.camera = "NotAllowedError";
      port.permissions.camera = "denied";
    },
  });
  await devices.change();
  expect(faultOf(model, "camera")).toBe("deniedByBrowser");
  delete devices.errors.camera;
  devices.permissions.camera = "granted";
  await devices.change();
  expect(faultOf(model, "camera")).toBe("on");
});

test("a camera plugged in later starts, and a busy one is tried again on coming back", async () => {
  const { model, devices } = await preJoin({
    prepare: (port) => {
      port.errors.camera = "NotFoundError";
      port.present = ["mic-1"];
      port.errors.microphone = "NotReadableError";
    },
  });
  devices.present = ["mic-1", "cam-1"];
  delete devices.errors.camera;
  delete devices.errors.microphone;
  await devices.change();
  expect([faultOf(model, "camera"), faultOf(model, "microphone")]).toEqual(["on", "on"]);
});

test("a remembered camera that is gone is replaced and told", async () => {
  const { model } = await preJoin({ stored: { cameraId: "cam-9" } });
  expect(faultOf(model, "camera")).toBe("on");
  expect(model.fellBack.value).toBe("camera");
});

test("a camera unplugged while running is replaced, or missed", async () => {
  const { model, devices } = await preJoin();
  devices.errors.camera = "NotFoundError";
  await devices.unplug();
  expect(faultOf(model, "camera")).toBe("missing");
});

test("switching off while it starts wins, and closes what arrives late", async () => {
  const { model, devices } = await preJoin({ stored: { cameraOn: false, microphoneOn: false } });
  model.toggle("camera");
  model.toggle("camera");
  await settle();
  expect(faultOf(model, "camera")).toBe("off");
  expect(devices.running.size).toBe(0);
});

test("the level says good while somebody speaks, and that a dead microphone is silent", async () => {
  const { model, speak } = await preJoin();
  speak(-20);
  await vi.advanceTimersByTimeAsync(1_600);
  expect(model.level.value).toMatchObject({ word: "good", silentTooLong: false });
  expect(model.level.value.bars).toBeGreaterThan(6);
  speak(-100);
  await vi.advanceTimersByTimeAsync(9_000);
  expect(model.level.value).toEqual({ bars: 0, word: "silent", silentTooLong: true });
});

test("nobody joins without a name", async () => {
  const { model, join } = await preJoin();
  model.rename(" \u200b ");
  expect(model.submit()).toBe("name");
  expect(model.nameMissing.value).toBe(true);
  model.rename("A");
  expect(model.nameMissing.value).toBe(false);
  expect(join).not.toHaveBeenCalled();
});

test("joining takes the name and what really runs, once", async () => {
  const { model, join, preferences } = await preJoin({
    prepare: (port) => {
      port.errors.camera = "NotFoundError";
    },
  });
  model.rename(" Anna ");
  expect([model.submit(), model.submit()]).toEqual([null, null]);
  await settle();
  expect(join).toHaveBeenCalledOnce();
  expect(join).toHaveBeenCalledWith(
    expect.objectContaining({ displayName: "Anna", cameraOn: false, microphoneOn: true }),
    null,
    "before",
  );
  expect(preferences.preferences.value.displayName).toBe("Anna");
});

test("a name in the link goes before the remembered one", async () => {
  const { model } = await preJoin({ stored: { displayName: "Anna" }, prefilled: "Ben" });
  expect(model.name.value).toBe("Ben");
});

test("a failed attempt is told and can be repeated", async () => {
  const problem: MeetingProblem = { kind: "server", reference: "req-1" };
  const { model, join } = await preJoin({ stored: { displayName: "Anna" }, problem });
  model.submit();
  await settle();
  expect(model.attempt.value).toEqual({ status: "failed", problem });
  model.submit();
  await settle();
  expect(join).toHaveBeenCalledTimes(2);
});

test("where a password is wanted nobody joins without one, and a wrong one is told at its field", async () => {
  const { model, join } = await preJoin({ stored: { displayName: "Anna" }, password: true });
  expect(model.submit()).toBe("password");
  expect(model.passwordFault.value).toBe("missing");
  expect(join).not.toHaveBeenCalled();
  join.mockResolvedValueOnce({ kind: "passwordWrong" });
  model.typePassword("guessed");
  expect(model.passwordFault.value).toBeNull();
  expect(model.submit()).toBeNull();
  await settle();
  expect(join).toHaveBeenCalledWith(expect.objectContaining({ displayName: "Anna" }), "guessed", "before");
  expect(model.passwordFault.value).toBe("wrong");
  expect([model.password.value, model.name.value]).toEqual(["guessed", "Anna"]);
  expect(model.attempt.value).toEqual({ status: "idle" });
});

test("a password that only the refusal tells of is asked for at its field", async () => {
  const { model, join, passwordWanted } = await preJoin({ stored: { displayName: "Anna" } });
  join.mockImplementationOnce(() => {
    passwordWanted.set(true);
    return Promise.resolve({ kind: "passwordRequired" });
  });
  model.submit();
  await settle();
  expect(join).toHaveBeenCalledWith(expect.anything(), null, "before");
  expect(model.passwordFault.value).toBe("asked");
});

test("who is in already takes the other tab's place without a password, or is one more device with it", async () => {
  const { model, join, inOtherTab } = await preJoin({ stored: { displayName: "Anna" }, password: true });
  inOtherTab.set(true);
  expect(model.submit(true)).toBe("password");
  expect(join).not.toHaveBeenCalled();
  expect(model.submit()).toBeNull();
  await settle();
  expect(join.mock.lastCall?.[2]).toBe("otherTab");
  model.typePassword("pine cone");
  model.submit(true);
  await settle();
  expect(join.mock.lastCall?.slice(1)).toEqual(["pine cone", "newcomer"]);
  inOtherTab.set(false);
  model.submit();
  await settle();
  expect(join.mock.lastCall?.[2]).toBe("before");
});

test("offline the join waits, and goes when the network is back", async () => {
  const { model, online, join } = await preJoin({ stored: { displayName: "Anna" } });
  online.set(false);
  model.submit();
  expect(model.attempt.value).toEqual({ status: "waiting" });
  expect(join).not.toHaveBeenCalled();
  online.set(true);
  await settle();
  expect(join).toHaveBeenCalledOnce();
});

test("the speaker test asks, because only a person can tell", async () => {
  const { model } = await preJoin();
  await model.speakerTest.play(null);
  expect(model.speakerTest.state.value).toBe("asking");
  model.speakerTest.heard();
  expect(model.speakerTest.state.value).toBe("works");
});
