import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes, Ref } from "react";
import { Icon } from "../../primitives/Icon";
import { Tooltip } from "../../primitives/Tooltip";
import styles from "./ControlBar.module.css";

interface ControlButtonProps
  extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children" | "aria-label" | "className"> {
  /** What a press does; also the tooltip. */
  readonly label: string;
  readonly icon: LucideIcon;
  /** `off`: microphone or camera are off. `on`: something of mine runs. */
  readonly look?: "plain" | "off" | "on" | "leave" | "narrow";
  /** A number at the corner; what it means is in the label or beside it. */
  readonly badge?: number;
  readonly ref?: Ref<HTMLButtonElement>;
}

/** A round button of the control bar. */
export function ControlButton(props: ControlButtonProps) {
  const { label, icon, look = "plain", badge = 0, ...rest } = props;
  return (
    <Tooltip text={label}>
      <button {...rest} type="button" aria-label={label} className={styles.control} data-look={look}>
        <Icon of={icon} size={look === "narrow" ? 18 : 24} />
        {badge > 0 && (
          <span className={styles.badge} aria-hidden="true">
            {badge > 99 ? "99+" : badge}
          </span>
        )}
      </button>
    </Tooltip>
  );
}
