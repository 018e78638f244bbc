import { Api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN } from "../harness/people.ts";
import { testByLine } from "./by-line.ts";
import type { Visitor } from "./visitor.ts";

const test = testByLine();

/** What the page sends of its screen: the layers in time (W3C WebRTC-SVC), once pictures have left. */
const layersInTime = ({ page }: Visitor) =>
  page.evaluate(async () => {
    const modes: string[] = [];
    // Alone a screen is sent without simulcast.
    for (const connection of window.connections)
      for (const row of (await connection.getStats()).values())
        if (
          row.type === "outbound-rtp" &&
          row.kind === "video" &&
          row.rid === undefined &&
          row.framesSent > 0
        )
          modes.push(row.scalabilityMode);
    return modes;
  });

test("a shared screen can lose pictures before its letters lose their sharpness", async ({
  comeByLine,
  product,
}) => {
  const { meeting_id } = await new Api(product).create();
  const { visitor: anna } = await comeByLine(ANNA);
  const { visitor: ben } = await comeByLine(BEN);
  for (const one of [anna, ben]) await one.enter(meeting_id);
  await anna.button("Share screen").click();
  await eventually("the layers of the screen", () => layersInTime(anna), ["L1T3"], 20_000);
});
