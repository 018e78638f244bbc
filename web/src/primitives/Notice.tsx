import { CircleAlert, CircleCheck, Info, type LucideIcon, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Icon } from "./Icon";
import styles from "./Notice.module.css";

export type Tone = "danger" | "warn" | "ok" | "info";

const icons: Record<Tone, LucideIcon> = {
  danger: CircleAlert,
  warn: TriangleAlert,
  ok: CircleCheck,
  info: Info,
};

/** A sentence about the state of things on a soft ground, with an icon; colour is never alone. */
export function Notice(props: {
  tone: Tone;
  role?: "status" | "alert";
  title?: ReactNode;
  children?: ReactNode;
}) {
  const { tone, role, title, children } = props;
  return (
    <div className={`${styles.notice} ${styles[tone]}`} role={role}>
      <Icon of={icons[tone]} />
      <div className={styles.body}>
        {title && <div className={styles.title}>{title}</div>}
        {children}
      </div>
    </div>
  );
}
