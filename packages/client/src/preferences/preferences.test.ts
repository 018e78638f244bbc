import { expect, test } from "vitest";
import { memoryStore } from "../testing";
import { defaultPreferences, PreferencesViewModel } from "./preferences";

const KEY = "heydok.preferences";

test("what was chosen is there again after a reload", () => {
  const store = memoryStore();
  new PreferencesViewModel(store, ["en"]).change({ displayName: "Anna", theme: "dark", cameraOn: false });
  const later = new PreferencesViewModel(store, ["en"]).preferences.value;
  expect(later).toEqual({ ...defaultPreferences, displayName: "Anna", theme: "dark", cameraOn: false });
});

test.each([
  [["de-AT", "en"], null, null, "de"],
  [["fr", "de"], null, null, "de"],
  [["fr"], null, null, "en"],
  [["de"], "en", null, "en"],
  [["de"], "en", "de", "de"],
  [["en"], null, "xx", "en"],
])("wishes %s, stored %s, address %s: %s", (wishes, stored, fixed, language) => {
  const store = memoryStore(stored ? { [KEY]: JSON.stringify({ language: stored }) } : {});
  expect(new PreferencesViewModel(store, wishes, fixed).language.value).toBe(language);
});

test("the address's language is not remembered, a chosen one is", () => {
  const store = memoryStore();
  const model = new PreferencesViewModel(store, ["en"], "de");
  model.change({ displayName: "Anna" });
  expect(new PreferencesViewModel(store, ["en"]).language.value).toBe("en");
  model.change({ language: "de" });
  expect(new PreferencesViewModel(store, ["en"]).language.value).toBe("de");
});

test.each([
  ["not json"],
  ["null"],
  ["[]"],
  ['{"theme":"pink","displayName":7,"cameraId":{}}'],
  ["x".repeat(9_000)],
])("broken storage counts as none: %s", (stored) => {
  const model = new PreferencesViewModel(memoryStore({ [KEY]: stored }), ["en"]);
  expect(model.preferences.value).toEqual(defaultPreferences);
});

test("a forbidden storage does not stop anybody", () => {
  const throws = () => {
    throw new Error("forbidden");
  };
  const model = new PreferencesViewModel({ getItem: throws, setItem: throws, removeItem: throws }, ["en"]);
  model.change({ displayName: "Anna" });
  expect(model.preferences.value.displayName).toBe("Anna");
});
