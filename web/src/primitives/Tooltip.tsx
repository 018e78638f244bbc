import { type ReactNode, useEffect, useRef } from "react";
import { placeBeside, type Side } from "./floating";
import styles from "./Tooltip.module.css";

/** Pointer rests this long before the tooltip shows; keyboard focus shows it at once. */
const DELAY_MS = 400;

/**
 * Shows the name of an icon button. It repeats the button's accessible name, so it is hidden from screen readers.
 */
export function Tooltip({
  text,
  side = "above",
  children,
}: {
  text: string;
  side?: Side;
  children: ReactNode;
}) {
  const wrapper = useRef<HTMLSpanElement>(null);
  const bubble = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const opener = wrapper.current;
    const tip = bubble.current;
    if (!opener || !tip) return;
    return attach(opener, tip, side);
  }, [side]);
  return (
    <span ref={wrapper} className={styles.wrapper}>
      {children}
      <span ref={bubble} popover="manual" aria-hidden="true" className={styles.tooltip}>
        {text}
      </span>
    </span>
  );
}

function attach(opener: HTMLElement, tip: HTMLElement, side: Side): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const show = () => {
    tip.showPopover();
    placeBeside(tip, opener, side);
  };
  const hide = () => {
    clearTimeout(timer);
    tip.hidePopover();
  };
  const enter = (event: PointerEvent) => {
    if (event.pointerType === "touch") return;
    clearTimeout(timer);
    timer = setTimeout(show, DELAY_MS);
  };
  const focus = (event: FocusEvent) => {
    // A closing menu gives the focus back while it is still closing; no popover may open within that.
    if ((event.target as Element).matches(":focus-visible")) timer = setTimeout(show);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Escape") hide();
  };
  opener.addEventListener("pointerenter", enter);
  opener.addEventListener("pointerleave", hide);
  opener.addEventListener("pointerdown", hide);
  opener.addEventListener("focusin", focus);
  opener.addEventListener("focusout", hide);
  opener.addEventListener("keydown", key);
  // Its button has moved away from it.
  window.addEventListener("resize", hide);
  return () => {
    clearTimeout(timer);
    opener.removeEventListener("pointerenter", enter);
    opener.removeEventListener("pointerleave", hide);
    opener.removeEventListener("pointerdown", hide);
    opener.removeEventListener("focusin", focus);
    opener.removeEventListener("focusout", hide);
    opener.removeEventListener("keydown", key);
    window.removeEventListener("resize", hide);
  };
}
