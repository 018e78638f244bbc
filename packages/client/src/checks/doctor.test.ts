import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CHECKS } from "./check";

const DOCTOR = new URL("../../../../crates/heydok/src/doctor/check.rs", import.meta.url);

test("what the page and `heydok doctor` both check has one name", () => {
  const ids = readFileSync(DOCTOR, "utf8").split("impl State")[0] ?? "";
  const names = [...ids.matchAll(/Self::\w+ => "(\w+)"/g)].flatMap(([, name]) => name ?? []);
  const page: readonly string[] = CHECKS;
  expect(names.filter((name) => page.includes(name))).toEqual([
    "signalling",
    "udp",
    "tcp",
    "turn_udp",
    "turn_tls",
    "three_party_media",
  ]);
  const own = ["disk", "database", "clock", "tls", "advertised_address", "turn_tcp"];
  expect(names.filter((name) => !page.includes(name))).toEqual(own);
});
