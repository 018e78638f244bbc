import { readFile } from "node:fs/promises";
import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, test } from "vitest";

const read = (name: string) => readFile(new URL(name, import.meta.url), "utf8");

/** The server's tests hold `openapi.json` against the handlers; this one holds the types against `openapi.json`. */
test("the generated types are those of the committed document", async () => {
  const fresh = COMMENT_HEADER + astToString(await openapiTS(await read("../../openapi.json")));
  const committed = await read("./schema.d.ts");
  expect(committed === fresh, "run `npm run codegen` and commit schema.d.ts").toBe(true);
});
