/// <reference types="vite/client" />
import { describe, expect, test } from "vitest";
import type { CountedText, Messages, Text } from "../i18n/translate";

/** Every file beside this one, and those of the call, whatever they are called. */
const modules = import.meta.glob<Record<string, unknown>>(
  ["./*.ts", "../call/**/*messages*.ts", "!./*.test.ts", "!../**/*.test.ts"],
  { eager: true },
);

function isText(value: unknown): value is Text {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === "string");
}

function textsOf(entry: Text | CountedText): readonly Text[] {
  return "other" in entry ? [entry.one, entry.other] : [entry];
}

/** The count may be written as a word in one language ("one person") and as a number in the other. */
function placeholders(text: string): string[] {
  const names = [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  return names.filter((name) => name !== "n").sort();
}

const catalogues = Object.entries(modules).flatMap(([path, exported]) =>
  Object.entries(exported).map(([name, value]) => [`${path} ${name}`, value as Messages] as const),
);

test("there are catalogues to look at", () => expect(catalogues.length).toBeGreaterThan(4));

describe.each(catalogues)("%s", (_, messages) => {
  test.each(Object.entries(messages))("%s is whole in English and German", (_key, entry) => {
    for (const text of textsOf(entry)) {
      expect(isText(text)).toBe(true);
      expect(text[0].trim()).not.toBe("");
      expect(text[1].trim()).not.toBe("");
      expect(placeholders(text[1])).toEqual(placeholders(text[0]));
    }
  });
});
