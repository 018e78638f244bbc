import { execFile } from "node:child_process";

import { binaryPath } from "./binary.ts";

/** What one check of `heydok doctor` found. */
export interface Finding {
  readonly id: string;
  readonly state: "passed" | "warning" | "failed" | "skipped";
  readonly text: { readonly en: string; readonly de: string };
}

/** `heydok doctor <address>`. That a check fails is an answer, and no error. */
export async function doctor(address: string): Promise<readonly Finding[]> {
  const printed = await new Promise<string>((resolve, reject) => {
    execFile(binaryPath(), ["doctor", address, "--json"], { env: {} }, (error, stdout, stderr) => {
      if (error === null || error.code === 1) resolve(stdout);
      else reject(new Error(`heydok doctor ${address}: ${error.message}\n${stderr}`));
    });
  });
  return (JSON.parse(printed) as { checks: Finding[] }).checks;
}
