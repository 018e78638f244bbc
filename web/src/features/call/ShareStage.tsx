import type { Box, Share } from "@heydok/client/call";
import { ScreenShare } from "lucide-react";
import { useState } from "react";
import { Icon } from "../../primitives/Icon";
import tabs from "../../primitives/Tabs.module.css";
import { useSharingText } from "./Banners";
import { useCallText } from "./context";
import { Screen } from "./Screen";
import styles from "./ShareStage.module.css";

/** Two screens stand side by side from this width on, in CSS pixels. */
const SIDE_BY_SIDE_PX = 960;

/**
 * Shared screens: one, two side by side where there is room, else one at a time behind tabs. One's own has a place only
 * where there is no other to look at; that one shares is said above.
 */
export function ShareStage({ box, shares: all }: { box: Box; shares: readonly Share[] }) {
  const t = useCallText();
  const others = all.filter((share) => !share.isLocal);
  const shares = others.length > 0 ? others : all;
  const [chosen, setChosen] = useState<string | null>(null);
  const beside = shares.length === 2 && box.width >= SIDE_BY_SIDE_PX;
  const first = shares.find((share) => share.id === chosen) ?? shares[0];
  const shown = beside ? shares : first === undefined ? [] : [first];
  const nameOf = (share: Share) => t("screenOf", { name: share.name });
  return (
    <section
      aria-label={t("stage")}
      className={styles.stage}
      style={{ left: box.x, top: box.y, width: box.width, height: box.height }}
      data-f6-region=""
    >
      {!beside && shares.length > 1 && (
        <div className={tabs.list}>
          {shares.map((share) => (
            <button
              key={share.id}
              type="button"
              className={tabs.tab}
              aria-pressed={share.id === first?.id}
              onClick={() => setChosen(share.id)}
            >
              {nameOf(share)}
            </button>
          ))}
        </div>
      )}
      <div className={styles.screens}>
        {shown.map((share) =>
          share.isLocal ? (
            <OwnScreen key={share.id} />
          ) : (
            <Screen
              key={share.id}
              share={share}
              name={nameOf(share)}
              captioned={beside || shares.length === 1}
            />
          ),
        )}
      </div>
    </section>
  );
}

/** One's own screen is not shown: it would show itself showing itself. The way to end it stands above, in the bar. */
function OwnScreen() {
  const t = useCallText();
  const text = useSharingText();
  return (
    <div className={styles.own}>
      <Icon of={ScreenShare} size={28} />
      <p className={styles.ownTitle}>{text}</p>
      <p className={styles.ownHint}>{t("ownShareHint")}</p>
    </div>
  );
}
