import { describe, expect, test } from "vitest";
import { hear, nextSpeaker, type SpeakerView, type SpeechLog, speakingFor } from "./speech";

/** One character per 500 ms: who speaks (`-` nobody). Gives who the speaker view shows after each. */
function shownOver(timeline: string, others = ["a", "b", "c"]): string {
  let log: SpeechLog = new Map();
  let view: SpeakerView = { shown: null, shownSince: 0 };
  let shown = "";
  [...timeline].forEach((id, index) => {
    const now = 10_000 + index * 500;
    log = hear(log, id === "-" ? [] : [id], now);
    view = nextSpeaker(view, log, others, now);
    shown += view.shown ?? "-";
  });
  return shown;
}

describe("the speaker view", () => {
  test.each([
    { situation: "nobody speaks: the first who joined", timeline: "----", shown: "aaaa" },
    { situation: "one second of speech brings somebody to the front", timeline: "-bbb-", shown: "aaabb" },
    { situation: "a cough does not", timeline: "-b--c--", shown: "aaaaaaa" },
    { situation: "a speaker is held for three seconds", timeline: "bbbcccccccc", shown: "aabbbbbbccc" },
    { situation: "whoever still speaks stays", timeline: "bbbbbbbbbbbb", shown: "aabbbbbbbbbb" },
  ])("$situation", ({ timeline, shown }) => {
    expect(shownOver(timeline)).toBe(shown);
  });

  test("goes on to somebody else when the shown person leaves", () => {
    const log = hear(new Map(), ["b"], 0);
    expect(nextSpeaker({ shown: "b", shownSince: 0 }, log, ["a", "c"], 100).shown).toBe("a");
  });

  test("nobody is shown to whoever is alone", () => {
    expect(nextSpeaker({ shown: null, shownSince: 0 }, new Map(), [], 0).shown).toBeNull();
  });
});

test("a breath does not end an utterance, a pause does", () => {
  let log = hear(new Map(), ["a"], 0);
  log = hear(log, [], 500);
  expect(speakingFor(log, "a", 500)).toBe(500);
  log = hear(log, [], 1_000);
  expect(speakingFor(log, "a", 1_000)).toBe(0);
  expect(log.get("a")?.lastSpokeAt).toBe(0);
});
