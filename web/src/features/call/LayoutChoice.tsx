import { LAYOUTS, type LayoutChoice as Layout } from "@heydok/client/call";
import { LayoutDashboard, LayoutGrid, type LucideIcon, PanelRight, Presentation } from "lucide-react";
import { useId } from "react";
import { useBehavior } from "../../app/useBehavior";
import { Icon } from "../../primitives/Icon";
import { Tooltip } from "../../primitives/Tooltip";
import { Choice } from "./Choice";
import styles from "./ControlBar.module.css";
import { useCall, useCallText } from "./context";

const ICONS: Record<Layout, LucideIcon> = {
  auto: LayoutDashboard,
  grid: LayoutGrid,
  speaker: Presentation,
  sidebar: PanelRight,
};

function useLayout() {
  const { stage, changePreferences } = useCall();
  const t = useCallText();
  const { choice } = useBehavior(stage.state);
  const names: Record<Layout, string> = {
    auto: t("layoutAuto"),
    grid: t("layoutGrid"),
    speaker: t("layoutSpeaker"),
    sidebar: t("layoutSidebar"),
  };
  const choose = (layout: Layout) => {
    stage.choose(layout);
    changePreferences({ layout });
  };
  return { choice, choose, names, legend: t("layout") };
}

/** The layouts as a row of icons, where the bar has room. */
export function LayoutChoice() {
  const { choice, choose, names, legend } = useLayout();
  const group = useId();
  return (
    <div role="radiogroup" aria-label={legend} className={styles.layouts}>
      {LAYOUTS.map((layout) => (
        <Tooltip key={layout} text={names[layout]}>
          <label className={styles.layout}>
            <input
              type="radio"
              name={group}
              aria-label={names[layout]}
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

/** The layouts as a list of words, for "More options". */
export function LayoutList() {
  const { choice, choose, names, legend } = useLayout();
  return (
    <Choice
      legend={legend}
      value={choice}
      options={LAYOUTS.map((layout) => ({ value: layout, label: names[layout] }))}
      onChange={choose}
    />
  );
}
