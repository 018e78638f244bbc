import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes, Ref } from "react";
import type { Side } from "./floating";
import { Icon } from "./Icon";
import styles from "./IconButton.module.css";
import { Tooltip } from "./Tooltip";

export interface IconButtonProps
  extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children" | "aria-label"> {
  /** What a press does; read out and shown as tooltip. */
  readonly label: string;
  readonly icon: LucideIcon;
  readonly size?: number;
  readonly tooltipSide?: Side;
  readonly ref?: Ref<HTMLButtonElement>;
}

export function IconButton(props: IconButtonProps) {
  const { label, icon, size = 20, tooltipSide, className, type, ...rest } = props;
  return (
    <Tooltip text={label} {...(tooltipSide ? { side: tooltipSide } : {})}>
      <button
        {...rest}
        type={type ?? "button"}
        aria-label={label}
        className={[styles.button, className].filter(Boolean).join(" ")}
      >
        <Icon of={icon} size={size} />
      </button>
    </Tooltip>
  );
}
