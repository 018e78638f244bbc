import { expect, test } from "vitest";
import { browserHelpOf, systemHelpOf } from "./platform";

const mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15";

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", 0, "chromium"],
  ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", 0, "chromium"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", 0, "firefox"],
  [`${mac} Version/18.0 Safari/605.1.15`, 0, "safari"],
  [`${mac} Version/18.0 Safari/605.1.15`, 5, "iosSafari"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605.1.15 CriOS/140.0 Safari/604.1", 5, "iosOther"],
  [
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
    5,
    "androidChrome",
  ],
  ["Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", 5, "androidFirefox"],
])("the help fits %s", (agent, touchPoints, help) => expect(browserHelpOf(agent, touchPoints)).toBe(help));

test.each([
  ["Windows NT 10.0", "windows"],
  ["Macintosh; Intel Mac OS X", "mac"],
  ["X11; Linux x86_64", "otherSystem"],
])("the system help fits %s", (agent, help) => expect(systemHelpOf(agent)).toBe(help));
