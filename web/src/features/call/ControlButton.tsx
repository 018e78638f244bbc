import { type KeyedCommand, keyOf, shownKey } from "@heydok/client/call";
import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes, Ref } from "react";
import { Icon } from "../../primitives/Icon";
import { Tooltip } from "../../primitives/Tooltip";
import styles from "./ControlBar.module.css";
import { useCall } from "./context";

interface ControlButtonProps
  extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children" | "aria-label" | "className"> {
  /** What a press does; also the tooltip. */
  readonly label: string;
  readonly icon: LucideIcon;
  /** `off`: microphone or camera are off. `on`: something of mine runs. */
  readonly look?: "plain" | "off" | "on" | "leave" | "narrow";
  /** What a single key does too; the tooltip names that key. */
  readonly command?: KeyedCommand;
  /** A number at the corner; what it means is in the label or beside it. */
  readonly badge?: number;
  readonly ref?: Ref<HTMLButtonElement>;
}

/** A round button of the control bar. */
export function ControlButton(props: ControlButtonProps) {
  const { label, icon, look = "plain", badge = 0, command, ...rest } = props;
  const { singleKeys, ownKeys } = useCall().preferences;
  const key = command !== undefined && singleKeys ? shownKey(keyOf(command, ownKeys)) : undefined;
  return (
    <Tooltip text={key === undefined ? label : `${label} (${key})`}>
      <button
        {...rest}
        type="button"
        aria-label={label}
        aria-keyshortcuts={key}
        className={styles.control}
        data-look={look}
      >
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
