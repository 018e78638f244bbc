import type { LucideIcon } from "lucide-react";
import type { AnchorHTMLAttributes, ButtonHTMLAttributes, MouseEvent, ReactNode, Ref } from "react";
import styles from "./Button.module.css";
import { Icon } from "./Icon";
import { Spinner } from "./Spinner";

export type ButtonLook = "primary" | "outlined" | "plain" | "danger";

interface Shared {
  readonly look?: ButtonLook;
  readonly icon?: LucideIcon | undefined;
  readonly wide?: boolean;
  /** The one deed of a screen. */
  readonly large?: boolean;
  readonly children: ReactNode;
}

export interface ButtonProps extends Shared, Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children"> {
  /** Shows a spinner and swallows presses; focus stays where it is. */
  readonly busy?: boolean;
  readonly ref?: Ref<HTMLButtonElement>;
}

export function Button(props: ButtonProps) {
  const {
    look = "outlined",
    icon,
    wide = false,
    large = false,
    busy = false,
    children,
    className,
    onClick,
    type,
    ...rest
  } = props;
  const disabled = busy || rest["aria-disabled"] === true || rest["aria-disabled"] === "true";
  const press = (event: MouseEvent<HTMLButtonElement>) => {
    if (disabled) event.preventDefault();
    else onClick?.(event);
  };
  return (
    <button
      {...rest}
      type={type ?? "button"}
      className={classes({ look, wide, large }, className)}
      aria-disabled={disabled || undefined}
      onClick={press}
    >
      {busy ? <Spinner size={18} /> : icon && <Icon of={icon} />}
      <span>{children}</span>
    </button>
  );
}

export interface LinkButtonProps
  extends Shared,
    Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "children" | "href"> {
  readonly href: string;
}

/** A link with button looks: it changes the page. */
export function LinkButton(props: LinkButtonProps) {
  const { look = "outlined", icon, wide = false, large = false, children, className, href, ...rest } = props;
  return (
    <a {...rest} href={href} className={classes({ look, wide, large }, className)}>
      {icon && <Icon of={icon} />}
      <span>{children}</span>
    </a>
  );
}

function classes(
  { look, wide, large }: { look: ButtonLook; wide: boolean; large: boolean },
  extra: string | undefined,
): string {
  const names = [styles.button, styles[look], wide && styles.wide, large && styles.large, extra];
  return names.filter(Boolean).join(" ");
}
