import { type RefObject, useCallback, useEffect, useId, useRef, useState } from "react";
import { placeBeside, type Side } from "./floating";

/** What the opener must carry; spread it on a button. */
export interface PopoverTriggerProps {
  readonly ref: RefObject<HTMLButtonElement | null>;
  readonly "aria-expanded": boolean;
  readonly "aria-controls": string;
  readonly onPointerDown: () => void;
  readonly onClick: () => void;
}

export interface Popover {
  readonly id: string;
  readonly open: boolean;
  readonly panel: RefObject<HTMLDivElement | null>;
  readonly trigger: PopoverTriggerProps;
  show(): void;
  /** Closes it and gives the focus back to the opener. */
  hide(): void;
  /** To be called from the panel's `onToggle`. */
  toggled(newState: string): void;
}

/**
 * Something that opens from a button and stands beside it, in the browser's top layer. The browser closes it on a
 * press elsewhere and on Esc. `sheet` leaves its place to the style sheet on narrow windows.
 */
export function usePopover(options: {
  readonly side: Side;
  readonly align: "start" | "center" | "end";
  readonly sheet?: boolean;
  /** Puts the focus into the open panel. */
  readonly onOpen: (panel: HTMLElement) => void;
}): Popover {
  const { side, align, sheet = false } = options;
  const opener = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  // The browser closes the panel between press and click, so that the click alone could not tell.
  const wasOpen = useRef(false);
  const onOpen = useRef(options.onOpen);
  onOpen.current = options.onOpen;
  const id = useId();
  const place = useCallback(() => {
    if (panel.current === null || opener.current === null) return;
    if (!sheet || matchMedia("(min-width: 640px)").matches)
      placeBeside(panel.current, opener.current, side, align);
    // The window may have been wider before.
    else Object.assign(panel.current.style, { left: "", top: "" });
  }, [side, align, sheet]);
  useEffect(() => {
    const element = panel.current;
    if (!open || element === null) return;
    place();
    // Content may grow, and the window may turn.
    const observer = new ResizeObserver(place);
    observer.observe(element);
    window.addEventListener("resize", place);
    onOpen.current(element);
    return () => {
      observer.disconnect();
      window.removeEventListener("resize", place);
    };
  }, [open, place]);
  const show = () => {
    panel.current?.showPopover();
    place();
  };
  const hide = () => {
    panel.current?.hidePopover();
    opener.current?.focus();
  };
  return {
    id,
    open,
    panel,
    show,
    hide,
    toggled: (newState) => setOpen(newState === "open"),
    trigger: {
      ref: opener,
      "aria-expanded": open,
      "aria-controls": id,
      onPointerDown: () => {
        wasOpen.current = open;
      },
      onClick: () => {
        if (wasOpen.current || open) hide();
        else show();
        wasOpen.current = false;
      },
    },
  };
}
