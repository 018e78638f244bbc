import { expect, test } from "vitest";
import { NO_DETAILS } from "./line-stats";
import { type LineSigns, type Weakness, weaknessOf } from "./weakness";

const good: LineSigns = {
  quality: "good",
  uploadLimited: false,
  pictureLowered: false,
  paused: false,
  details: { ...NO_DETAILS, lossUp: 0, lossDown: 0, delay: 30, route: "udp" },
};
const weak: LineSigns = { ...good, quality: "weak" };

test.each<[string, LineSigns, Weakness | null]>([
  ["all is well", good, null],
  ["nothing is known", { ...good, quality: "unknown", details: NO_DETAILS }, null],
  ["the encoder saves some bits, but the line is good", { ...good, uploadLimited: true }, null],
  [
    "the encoder lowers our picture before anything gets lost",
    { ...good, uploadLimited: true, pictureLowered: true },
    "upload",
  ],
  ["the upload is too slow", { ...weak, uploadLimited: true }, "upload"],
  ["pictures are held back", { ...good, paused: true }, "download"],
  ["both", { ...weak, uploadLimited: true, paused: true }, "upload"],
  ["packets get lost on the way in", { ...weak, details: { ...weak.details, lossDown: 8 } }, "loss"],
  ["packets get lost on the way out", { ...weak, details: { ...weak.details, lossUp: 4 } }, "loss"],
  ["a good line has some loss", { ...good, details: { ...good.details, lossUp: 5 } }, null],
  ["answers take long", { ...weak, details: { ...weak.details, delay: 600 } }, "delay"],
  ["over TCP", { ...weak, details: { ...weak.details, route: "tcp" } }, "tcp"],
  ["over a relay by TLS", { ...weak, details: { ...weak.details, route: "relay_tls" } }, "tcp"],
  ["over a relay by UDP", { ...weak, details: { ...weak.details, route: "relay_udp" } }, "unknown"],
  ["lost, and nobody knows why", { ...weak, quality: "lost", details: NO_DETAILS }, "unknown"],
])("%s", (_, signs, weakness) => expect(weaknessOf(signs)).toBe(weakness));
