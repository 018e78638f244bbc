import { Api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { oneProcess, twoProcesses } from "../harness/product.ts";
import { SdkClient } from "../sdk/client.ts";
import { testWith } from "./fixtures.ts";
import { expectAllWell } from "./visitor.ts";

const LAYOUTS = { "one process": oneProcess, "serve and media": twoProcesses };

for (const [layout, start] of Object.entries(LAYOUTS)) {
  const test = testWith(start);
  test(`two browsers and an SDK client in one room: ${layout}`, async ({ arrive, product }) => {
    const api = new Api(product);
    const [anna, ben] = [await arrive(ANNA), await arrive(BEN)];
    const code = await anna.create();
    await anna.join();
    await ben.enter(code);
    const admission = await api.join(code, CARA.name);
    const cara = await SdkClient.join(admission.livekit_url, admission.token, CARA);
    await cara.sendColour();
    await cara.sendTone();

    await expectAllWell([anna, ben]);
    for (const watcher of [anna, ben]) {
      const wanted = { colours: ["Cara"], tones: ["Cara"] };
      await eventually(`Cara at ${watcher.person.name}'s`, () => watcher.perceives(CARA), wanted);
      const identity = await watcher.identityOf(watcher.person);
      await eventually(
        `${watcher.person.name} at Cara's`,
        () => [cara.sees(identity), cara.hears(identity)],
        [watcher.person.name, watcher.person.name],
      );
    }
    await eventually("who is in the meeting", () => api.participants(code), ["Anna", "Ben", "Cara"]);
    await cara.leave();
    await eventually("who is left", () => api.participants(code), ["Anna", "Ben"]);
  });
}
