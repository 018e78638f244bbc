import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NetworkError } from "../api/errors";
import type { ServerConfig } from "../api/meetings";
import { fakeApi, settle } from "../testing";
import { OffersViewModel } from "./offers";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const closed: ServerConfig = {
  anonymousCreate: false,
  supportUrl: "mailto:help@meet.example",
  linkSeconds: 3_600,
};

test("nothing is offered or withheld before the server has answered, and it is asked once", async () => {
  const config = vi.fn(() => Promise.resolve(closed));
  const offers = new OffersViewModel(fakeApi({ config }));
  offers.ask();
  offers.ask();
  expect(offers.current.value).toEqual({ creation: null, support: null, linkSeconds: null });
  await settle();
  offers.ask();
  expect(config).toHaveBeenCalledOnce();
  expect(offers.current.value).toEqual({
    creation: false,
    support: { url: "mailto:help@meet.example", name: "help@meet.example" },
    linkSeconds: 3_600,
  });
});

test("a server that is slow keeps nobody waiting, and its late answer still counts", async () => {
  let answer: (config: ServerConfig) => void = () => undefined;
  const config = () => new Promise<ServerConfig>((resolve) => (answer = resolve));
  const offers = new OffersViewModel(fakeApi({ config }));
  offers.ask();
  await vi.advanceTimersByTimeAsync(1_999);
  expect(offers.current.value.creation).toBeNull();
  await vi.advanceTimersByTimeAsync(1);
  expect(offers.current.value.creation).toBe(true);
  answer(closed);
  await settle();
  expect(offers.current.value.creation).toBe(false);
});

test("after a failure nothing is withheld, and the next screen asks again", async () => {
  const config = vi.fn<() => Promise<ServerConfig>>(() => Promise.reject(new NetworkError("x")));
  const offers = new OffersViewModel(fakeApi({ config }));
  offers.ask();
  await settle();
  expect(offers.current.value).toEqual({ creation: true, support: null, linkSeconds: null });
  config.mockResolvedValue(closed);
  offers.ask();
  await settle();
  expect(offers.current.value.creation).toBe(false);
});

test("the end of patience takes nothing back of what is known", async () => {
  const offers = new OffersViewModel(fakeApi({ config: () => Promise.resolve(closed) }));
  offers.ask();
  await settle();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(offers.current.value.creation).toBe(false);
});

test.each([
  ["https://help.meet.example/heydok?from=app", "help.meet.example"],
  ["https://meet.example:8443/", "meet.example:8443"],
  ["mailto:help@meet.example?subject=heydok", "help@meet.example"],
  ["javascript:alert(1)", null],
  ["somewhere", null],
  [null, null],
])("the support at %s is called %s", async (supportUrl, name) => {
  const offers = new OffersViewModel(fakeApi({ config: () => Promise.resolve({ ...closed, supportUrl }) }));
  offers.ask();
  await settle();
  expect(offers.current.value.support?.name ?? null).toBe(name);
});
