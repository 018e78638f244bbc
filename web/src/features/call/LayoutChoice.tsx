import { LAYOUTS, type LayoutChoice as Layout } from "@heydok/client/call";
import { LayoutGrid, LayoutTemplate, type LucideIcon, PanelRight, Presentation } from "lucide-react";
import { useId } from "react";
import { useBehavior } from "../../app/useBehavior";
import { Icon } from "../../primitives/Icon";
import { Tooltip } from "../../primitives/Tooltip";
import styles from "./ControlBar.module.css";
import { useCall, useCallText } from "./context";
import more from "./MoreOptions.module.css";

const ICONS: Record<Layout, LucideIcon> = {
  auto: LayoutTemplate,
  grid: LayoutGrid,
  speaker: Presentation,
  sidebar: PanelRight,
};

export const LAYOUT_NAMES = {
  auto: "layoutAuto",
  grid: "layoutGrid",
  speaker: "layoutSpeaker",
  sidebar: "layoutSidebar",
} as const satisfies Record<Layout, string>;

function useLayout() {
  const { stage, changePreferences } = useCall();
  const t = useCallText();
  const { choice } = useBehavior(stage.state);
  const nameOf = (layout: Layout) => t(LAYOUT_NAMES[layout]);
  const choose = (layout: Layout) => {
    stage.choose(layout);
    changePreferences({ layout });
  };
  return { choice, choose, nameOf, legend: t("layout") };
}

/** The layouts as a row of icons, where the bar has room. */
export function LayoutChoice() {
  const { choice, choose, nameOf, legend } = useLayout();
  const group = useId();
  return (
    <div role="radiogroup" aria-label={legend} className={styles.layouts}>
      {LAYOUTS.map((layout) => (
        <Tooltip key={layout} text={nameOf(layout)}>
          <label className={styles.layout}>
            <input
              type="radio"
              name={group}
              aria-label={nameOf(layout)}
              checked={layout === choice}
              onChange={() => choose(layout)}
            />
            <Icon of={ICONS[layout]} />
          </label>
        </Tooltip>
      ))}
    </div>
  );
}

/** The layouts as pictures with words, for "More options". */
export function LayoutTiles() {
  const { choice, choose, nameOf, legend } = useLayout();
  const group = useId();
  return (
    <div role="radiogroup" aria-labelledby={`${group}-legend`} className={more.tiles}>
      <p id={`${group}-legend`} className={more.legend}>
        {legend}
      </p>
      {LAYOUTS.map((layout) => (
        <label key={layout} className={more.tile}>
          <input type="radio" name={group} checked={layout === choice} onChange={() => choose(layout)} />
          <Icon of={ICONS[layout]} />
          <span>{nameOf(layout)}</span>
        </label>
      ))}
    </div>
  );
}
