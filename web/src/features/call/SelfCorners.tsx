import { CORNERS, type Corner, type PlacedTile } from "@heydok/client/call";
import { Move } from "lucide-react";
import { IconButton } from "../../primitives/IconButton";
import { Menu } from "../../primitives/Menu";
import { useCall, useCallText } from "./context";
import styles from "./StageArea.module.css";

const NAMES = {
  "top-left": "cornerTopLeft",
  "top-right": "cornerTopRight",
  "bottom-left": "cornerBottomLeft",
  "bottom-right": "cornerBottomRight",
} as const;

/** Moves one's own picture in a call of two to another corner. */
export function SelfCorners({ tiles, corner }: { tiles: readonly PlacedTile[]; corner: Corner }) {
  const { stage, changePreferences } = useCall();
  const t = useCallText();
  const own = tiles.find((tile) => tile.role === "self");
  if (own === undefined) return null;
  const move = (to: Corner) => {
    stage.moveSelf(to);
    changePreferences({ corner: to });
  };
  return (
    <div className={styles.corner} style={{ left: own.box.x + 6, top: own.box.y + 6 }}>
      <Menu
        label={t("moveSelf")}
        align="start"
        items={CORNERS.map((to) => ({
          id: to,
          label: t(NAMES[to]),
          checked: to === corner,
          onSelect: () => move(to),
        }))}
        trigger={(props) => (
          <IconButton
            {...props}
            icon={Move}
            label={t("moveSelf")}
            size={16}
            className={styles.cornerButton}
          />
        )}
      />
    </div>
  );
}
