import { commonMessages } from "@heydok/client";
import { X } from "lucide-react";
import { type MouseEvent, type ReactNode, useEffect, useId, useRef } from "react";
import { useText } from "../app/context";
import styles from "./Dialog.module.css";
import { IconButton } from "./IconButton";

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** Buttons at the end, the deed last. */
  readonly actions?: ReactNode;
  /** As high as it may be, whatever it holds: for content that is exchanged while one looks at it. */
  readonly steady?: boolean;
}

/**
 * A question or a form above the page; a sheet from below on phones. The native element traps focus, closes on Esc
 * and gives focus back to the opener. Focus starts on an element with `autofocus`, else on the heading.
 */
export function Dialog({ title, onClose, children, actions, steady = false }: DialogProps) {
  const t = useText(commonMessages);
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = dialog.current;
    if (!element || element.open) return;
    const opener = document.activeElement;
    element.showModal();
    const first = element.querySelector<HTMLElement>("[data-autofocus]") ?? heading.current;
    first?.focus();
    return () => {
      element.close();
      const target =
        opener instanceof HTMLElement && opener.isConnected ? opener : document.querySelector("h1");
      target?.focus();
    };
  }, []);
  const closeOnScrim = (event: MouseEvent) => {
    if (event.target === dialog.current) onClose();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc is the keyboard's way, and the browser brings it.
    <dialog
      ref={dialog}
      className={steady ? `${styles.dialog} ${styles.steady}` : styles.dialog}
      aria-labelledby={titleId}
      onClick={closeOnScrim}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div className={styles.sheet}>
        <header className={styles.header}>
          <h2 id={titleId} ref={heading} tabIndex={-1} className={styles.title}>
            {title}
          </h2>
          <IconButton
            icon={X}
            label={t("close")}
            onClick={onClose}
            tooltipSide="below"
            className={styles.close}
          />
        </header>
        <div className={styles.body}>{children}</div>
        {actions && <footer className={styles.actions}>{actions}</footer>}
      </div>
      {/* Everything outside a modal dialog is silent for screen readers, the page's live regions too. */}
      <div className="visually-hidden" aria-live="polite" data-live="polite" />
      <div className="visually-hidden" aria-live="assertive" data-live="assertive" />
    </dialog>
  );
}
