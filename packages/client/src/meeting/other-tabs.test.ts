import { expect, test, vi } from "vitest";
import type { MeetingApi } from "../api/meetings";
import { apiError, CODE, fakeApi, joinResult, meetingInfo, memoryStore } from "../testing";
import { MeetingKeys } from "./keys";
import { MeetingViewModel } from "./meeting";
import { OtherTabs, type TabChannel } from "./other-tabs";
import type { DeviceChoice } from "./types";

const devices: DeviceChoice = {
  displayName: "Anna",
  microphoneOn: true,
  cameraOn: true,
  microphoneId: null,
  cameraId: null,
  speakerId: null,
};

/** A browser whose tabs hear each other at once. */
class FakeBrowser {
  readonly sent: unknown[] = [];
  readonly #tabs = new Map<TabChannel, (message: unknown) => void>();

  open(): TabChannel {
    const tab: TabChannel = {
      send: (message) => this.say(message, tab),
      listen: (listener) => void this.#tabs.set(tab, listener),
      close: () => void this.#tabs.delete(tab),
    };
    return tab;
  }

  say(message: unknown, from?: TabChannel): void {
    this.sent.push(message);
    for (const [tab, hear] of [...this.#tabs]) if (tab !== from) hear(message);
  }
}

/** A tab at the pre-join, with what it asked the server. */
async function tab(browser: FakeBrowser, rejoinToken = "rejoin-1", part: Partial<MeetingApi> = {}) {
  const join = vi.fn<MeetingApi["join"]>(() => Promise.resolve(joinResult({ rejoinToken })));
  const keys = new MeetingKeys(memoryStore());
  const model = new MeetingViewModel(fakeApi({ join, ...part }), keys, CODE, browser.open());
  await model.load();
  const sentToken = () => join.mock.lastCall?.[1].rejoinToken;
  return { model, join, keys, sentToken };
}

test("where nobody answers, this tab joins as before", async () => {
  const browser = new FakeBrowser();
  const waiting = await tab(browser);
  const { model, sentToken } = await tab(browser);
  expect([model.inOtherTab.value, waiting.model.inOtherTab.value]).toEqual([false, false]);
  await model.join(devices);
  expect(sentToken()).toBeNull();
});

test("a tab that is in answers at once, and its place can be taken", async () => {
  const browser = new FakeBrowser();
  const first = await tab(browser);
  await first.model.join(devices);
  const { model, sentToken } = await tab(browser, "rejoin-2");
  expect(model.inOtherTab.value).toBe(true);
  await model.join(devices, null, "otherTab");
  expect(sentToken()).toBe("rejoin-1");
});

test("one more device joins as somebody new, also from a copy of the tab", async () => {
  const browser = new FakeBrowser();
  await (await tab(browser)).model.join(devices);
  const { model, keys, sentToken } = await tab(browser, "rejoin-2");
  keys.keepRejoinToken(CODE, "rejoin-1");
  await model.join(devices, null, "newcomer");
  expect(sentToken()).toBeNull();
  expect(keys.rejoinToken(CODE)).toBe("rejoin-2");
});

test("an answer that comes late still counts", async () => {
  const browser = new FakeBrowser();
  const { model } = await tab(browser);
  const changed = vi.fn();
  model.inOtherTab.subscribe(changed);
  await (await tab(browser)).model.join(devices);
  expect(changed).toHaveBeenCalledOnce();
  expect(model.inOtherTab.value).toBe(true);
});

test.each([
  ["leaves", (model: MeetingViewModel) => model.left("left", { durationSeconds: 1 })],
  ["is closed", (model: MeetingViewModel) => model.hide()],
  ["goes to another page of ours", (model: MeetingViewModel) => model.end()],
])("when the other tab %s, the choice goes", async (_, go) => {
  const browser = new FakeBrowser();
  const first = await tab(browser);
  await first.model.join(devices);
  const { model, sentToken } = await tab(browser);
  go(first.model);
  expect(model.inOtherTab.value).toBe(false);
  await model.join(devices, null, "otherTab");
  expect(sentToken()).toBeNull();
});

test("of two tabs that are in, the second is found when the first leaves", async () => {
  const browser = new FakeBrowser();
  const first = await tab(browser, "rejoin-1");
  await first.model.join(devices);
  const second = await tab(browser, "rejoin-2");
  await second.model.join(devices, null, "newcomer");
  const third = await tab(browser, "rejoin-3");
  second.model.left("left", { durationSeconds: 1 });
  expect(third.model.inOtherTab.value).toBe(true);
  await third.model.join(devices, null, "otherTab");
  expect(third.sentToken()).toBe("rejoin-1");
});

test("a key that opens nothing any more leads to the form that asks for the password", async () => {
  const browser = new FakeBrowser();
  browser.say({ type: "in", rejoinKey: "early" });
  const { model, join } = await tab(browser);
  expect(model.inOtherTab.value).toBe(false);
  browser.say({ type: "in", rejoinKey: "stale" });
  join.mockRejectedValueOnce(apiError("password_required", 403));
  expect(await model.join(devices, null, "otherTab")).toEqual({ kind: "passwordRequired" });
  expect(model.inOtherTab.value).toBe(false);
  expect(model.passwordWanted.value).toBe(true);
  expect(await model.join(devices, "pine cone")).toBeNull();
  expect(join).toHaveBeenLastCalledWith(
    CODE,
    expect.objectContaining({ password: "pine cone", rejoinToken: null }),
    expect.anything(),
  );
});

test("a full meeting has room for who is in it in another tab", async () => {
  const browser = new FakeBrowser();
  await (await tab(browser)).model.join(devices);
  const info = () => Promise.resolve(meetingInfo({ participantCount: 20 }));
  const { model } = await tab(browser, "rejoin-2", { info });
  expect(model.stage.value.stage).toBe("preJoin");
});

test.each([
  [null],
  ["in"],
  [42],
  [[]],
  [{}],
  [{ type: "in" }],
  [{ type: "in", rejoinKey: "" }],
  [{ type: "in", rejoinKey: 7 }],
  [{ type: "in", rejoinKey: "x".repeat(257) }],
  [{ type: "hello", rejoinKey: "rejoin-1" }],
])("junk on the channel is ignored: %j", async (junk) => {
  const browser = new FakeBrowser();
  const { model } = await tab(browser);
  const before = browser.sent.length;
  browser.say(junk);
  expect(model.inOtherTab.value).toBe(false);
  expect(browser.sent).toHaveLength(before + 1);
});

test("a browser without such a channel leaves every tab alone", () => {
  const tabs = new OtherTabs(null);
  tabs.ask();
  tabs.enter("rejoin-1");
  tabs.close();
  expect(tabs.present.value).toBe(false);
});
