import { X } from "lucide-react";
import type { KeyboardEvent, ReactNode } from "react";
import { IconButton } from "../../primitives/IconButton";
import { useCall, useCallText } from "./context";
import styles from "./SidePanel.module.css";

/** A panel beside the stage; over it on phones. Esc closes it and gives the focus back. */
export function SidePanel({ title, children }: { title: string; children: ReactNode }) {
  const { closePanel } = useCall();
  const t = useCallText();
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    closePanel();
  };
  return (
    <section aria-label={title} className={styles.panel} onKeyDown={onKeyDown} data-f6-region="">
      <header className={styles.header}>
        <h2 className={styles.title}>{title}</h2>
        <IconButton icon={X} label={t("close")} tooltipSide="below" onClick={closePanel} />
      </header>
      {children}
    </section>
  );
}
