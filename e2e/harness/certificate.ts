import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate for `localhost` that nobody has signed, and how a browser is told to believe its key. */
export interface TestCertificate {
  readonly settings: Record<string, string>;
  /** Argument of Chromium; unlike "ignore all errors" it is heeded for every connection, those to relays too. */
  readonly chromiumArgument: string;
}

/** Makes one in `folder`. */
export function makeCertificate(folder: string): TestCertificate {
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  execFileSync(
    "openssl",
    [
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
      ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
      ["-out", certificate, "-keyout", key],
    ].flat(),
    { stdio: "pipe" },
  );
  const { publicKey } = new X509Certificate(readFileSync(certificate));
  const hash = createHash("sha256").update(publicKey.export({ type: "spki", format: "der" }));
  return {
    settings: { TLS_MODE: "files", TLS_CERT: certificate, TLS_KEY: key },
    chromiumArgument: `--ignore-certificate-errors-spki-list=${hash.digest("base64")}`,
  };
}
