import { expect, test } from "vitest";
import { CODE, fakeApi, meetingInfo } from "../testing";
import { askEarly } from "./ask-early";

function counting() {
  const asked: string[] = [];
  const api = fakeApi({
    info: async (code) => {
      asked.push(code);
      return meetingInfo({ code });
    },
  });
  return { asked, api };
}

test("the meeting of the address is asked about once, and the answer serves the first who asks", async () => {
  const { asked, api } = counting();
  const early = askEarly(api, CODE);
  expect(asked).toEqual([CODE]);
  expect((await early.info(CODE)).code).toBe(CODE);
  expect(asked).toEqual([CODE]);
  await early.info(CODE);
  expect(asked).toEqual([CODE, CODE]);
});

test("another meeting is asked about by itself, and without an address nothing is", async () => {
  const { asked, api } = counting();
  expect((await askEarly(api, CODE).info("zzz-zzzz-zzz")).code).toBe("zzz-zzzz-zzz");
  askEarly(api, null);
  expect(asked).toEqual([CODE, "zzz-zzzz-zzz"]);
});

test("a failure waits for whoever asks", async () => {
  const api = fakeApi({ info: () => Promise.reject(new Error("no answer")) });
  await expect(askEarly(api, CODE).info(CODE)).rejects.toThrow("no answer");
});
