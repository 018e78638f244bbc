import { expect, test } from "vitest";
import { redirectOf, routeOf } from "./router";

const at = (address: string) => {
  const url = new URL(address, "https://meet.example");
  return { pathname: url.pathname, search: url.search };
};

test.each([
  ["/", "landing"],
  ["/meeting/abc-defg-hij", "meeting"],
  ["/meeting/abc-defg-hij/", "meeting"],
  ["/accessibility", "about"],
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
  ["/meeting/123", null],
  ["/", null],
])("%s is replaced by %s", (address, target) => expect(redirectOf(at(address))).toBe(target));
