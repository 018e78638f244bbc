import { type ReactNode, type RefObject, useId, useRef, useState } from "react";
import { placeBeside } from "../../primitives/floating";
import styles from "./Popup.module.css";

export interface PopupTriggerProps {
  readonly ref: RefObject<HTMLButtonElement | null>;
  readonly "aria-haspopup": "dialog";
  readonly "aria-expanded": boolean;
  readonly "aria-controls": string;
  readonly onPointerDown: () => void;
  readonly onClick: () => void;
}

interface PopupProps {
  readonly label: string;
  readonly trigger: (props: PopupTriggerProps) => ReactNode;
  /** Rendered only while open; `close` gives the focus back to the opener. */
  readonly children: (close: () => void) => ReactNode;
  readonly onOpen?: () => void;
}

/** Choices above a button of the control bar, or a sheet from below on phones. Esc closes it. */
export function Popup({ label, trigger, children, onOpen }: PopupProps) {
  const opener = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  // The browser closes the popup between press and click, so that the click alone could not tell.
  const wasOpen = useRef(false);
  const id = useId();
  const hide = () => {
    panel.current?.hidePopover();
    opener.current?.focus();
  };
  const show = () => {
    onOpen?.();
    panel.current?.showPopover();
  };
  const opened = (isOpen: boolean) => {
    setOpen(isOpen);
    // The content comes with the next paint; only then has it a size and something to focus.
    if (isOpen) requestAnimationFrame(() => settle(panel.current, opener.current));
  };
  return (
    <>
      {trigger({
        ref: opener,
        "aria-haspopup": "dialog",
        "aria-expanded": open,
        "aria-controls": id,
        onPointerDown: () => {
          wasOpen.current = open;
        },
        onClick: () => {
          if (wasOpen.current) hide();
          else show();
          wasOpen.current = false;
        },
      })}
      <div
        ref={panel}
        id={id}
        popover="auto"
        role="dialog"
        aria-label={label}
        className={styles.popup}
        onToggle={(event) => opened(event.newState === "open")}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key !== "Escape") return;
          event.preventDefault();
          hide();
        }}
      >
        {open && children(hide)}
      </div>
    </>
  );
}

/** Keeps the popup beside its opener, also when its content grows, and puts the focus into it. */
function settle(panel: HTMLElement | null, opener: HTMLElement | null): void {
  if (!panel || !opener) return;
  const place = () => {
    if (window.matchMedia("(min-width: 640px)").matches) placeBeside(panel, opener, "above", "center");
  };
  const observer = new ResizeObserver(place);
  observer.observe(panel);
  panel.addEventListener("beforetoggle", () => observer.disconnect(), { once: true });
  const first = panel.querySelector<HTMLElement>("input:checked, button, input, select");
  first?.focus();
}
