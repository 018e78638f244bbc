import { describe, expect, test } from "vitest";
import { hostKeyFromFragment, parseMeetingCode, parseMeetingReference } from "./code";

describe("a meeting code is read from whatever people paste", () => {
  test.each([
    ["abc-defg-hij"],
    ["ABCDEFGHIJ"],
    ["abc defg hij"],
    ["  Abc.Defg.Hij "],
    ["abc–defg–hij"],
    ["https://meet.example.org/meeting/abc-defg-hij"],
    ["meet.example.org/meeting/abc-defg-hij?lang=de"],
    ["http://localhost:8000/meeting/ABC-DEFG-HIJ/"],
    ["https://meet.example.org/meeting.html?id=abc-defg-hij&lang=de"],
    ["https://meet.example.org/m/abcdefghij"],
    ["/meeting/abc-defg-hij"],
    ["https://meet.example.org/meeting/abc%2Ddefg%2Dhij#host=x"],
  ])("%s", (input) => expect(parseMeetingCode(input)).toBe("abc-defg-hij"));

  test.each([
    [""],
    ["abc"],
    ["abc-defg-hijk"],
    ["äbc-defg-hij"],
    ["https://meet.example.org/"],
    ["https://meet.example.org/meeting/%E0%A4%A"],
    ["https://"],
    ["join us at abc-defg-hij"],
    ["x".repeat(100_000)],
  ])("nothing in %s", (input) => expect(parseMeetingCode(input)).toBeNull());

  test("digits of imported codes are kept", () =>
    expect(parseMeetingCode("a0c-1efg-h2j")).toBe("a0c-1efg-h2j"));
});

test("the host key is read from a pasted host link", () => {
  const key = "A".repeat(43);
  expect(parseMeetingReference(`https://h.example/meeting/abc-defg-hij#host=${key}`)).toEqual({
    code: "abc-defg-hij",
    hostKey: key,
  });
});

test.each([["#host="], ["#host=short"], ["#host=with space and more of it"], ["#other=1"], [""]])(
  "no host key in %s",
  (fragment) => expect(hostKeyFromFragment(fragment)).toBeNull(),
);
