import { expect, test } from "vitest";
import { isEmbedded, redirectOf, routeOf } from "./router";

const at = (address: string) => {
  const url = new URL(address, "https://meet.example");
  return { pathname: url.pathname, search: url.search };
};

test.each([
  ["/", "landing"],
  ["/meeting/abc-defg-hij", "meeting"],
  ["/meeting/abc-defg-hij/", "meeting"],
  ["/accessibility", "about"],
  ["/embed/abc-defg-hij", "meeting"],
  ["/embed/meeting/abc-defg-hij", "meeting"],
  ["/embed", "notFound"],
  ["/meeting", "notFound"],
  ["/meetings", "notFound"],
])("%s shows %s", (address, screen) => expect(routeOf(at(address)).screen).toBe(screen));

test.each([
  ["/meeting.html?id=abc-defg-hij", "/meeting/abc-defg-hij"],
  ["/meeting.html?id=ABCDEFGHIJ&lang=de", "/meeting/abc-defg-hij?lang=de"],
  ["/meeting.html?lang=de&id=nonsense", "/meeting/nonsense?lang=de"],
  ["/meeting.html", null],
  ["/m/abcdefghij?name=Anna", "/meeting/abc-defg-hij?name=Anna"],
  ["/meeting/ABC-DEFG-HIJ", "/meeting/abc-defg-hij"],
  ["/meeting/abc-defg-hij/", "/meeting/abc-defg-hij"],
  ["/meeting/abc-defg-hij?lang=de", null],
  ["/embed/abc-defg-hij", null],
  ["/meeting/123", null],
  ["/", null],
])("%s is replaced by %s", (address, target) => expect(redirectOf(at(address))).toBe(target));

test("an embedded meeting is told from one with a page of its own, and its code is read as everywhere", () => {
  expect(routeOf(at("/embed/ABCDEFGHIJ?lang=de"))).toEqual({ screen: "meeting", code: "abc-defg-hij" });
  expect(isEmbedded(at("/embed/abc-defg-hij"))).toBe(true);
  expect(isEmbedded(at("/meeting/abc-defg-hij"))).toBe(false);
});
