import type { ReactNode } from "react";
import { type PopoverTriggerProps, usePopover } from "../../primitives/usePopover";
import styles from "./Popup.module.css";

export interface PopupTriggerProps extends PopoverTriggerProps {
  readonly "aria-haspopup": "dialog";
}

interface PopupProps {
  readonly label: string;
  readonly trigger: (props: PopupTriggerProps) => ReactNode;
  /** Rendered only while open; `close` gives the focus back to the opener. */
  readonly children: (close: () => void) => ReactNode;
}

/** Choices above a button of the control bar, or a sheet from below on phones. Esc closes it. */
export function Popup({ label, trigger, children }: PopupProps) {
  const popup = usePopover({
    side: "above",
    align: "center",
    sheet: true,
    onOpen: (panel) => panel.querySelector<HTMLElement>("input:checked, button, input, select")?.focus(),
  });
  return (
    <>
      {trigger({ ...popup.trigger, "aria-haspopup": "dialog" })}
      <div
        ref={popup.panel}
        id={popup.id}
        popover="auto"
        role="dialog"
        aria-label={label}
        className={styles.popup}
        onToggle={(event) => popup.toggled(event.newState)}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key !== "Escape") return;
          event.preventDefault();
          popup.hide();
        }}
      >
        {popup.open && children(popup.hide)}
      </div>
    </>
  );
}
