import { type KeyboardEvent, type RefObject, useEffect } from "react";

const ITEMS = "button";

function itemsOf(bar: HTMLElement): HTMLElement[] {
  // Buttons inside an open popup are not the bar's own.
  return [...bar.querySelectorAll<HTMLElement>(ITEMS)].filter((item) => item.closest("[popover]") === null);
}

/**
 * One tab stop for a whole toolbar: Tab reaches the button used last, arrows, Home and End move. Tab indices are
 * set on the elements, because buttons come and go with the width of the window.
 */
export function useToolbar(bar: RefObject<HTMLElement | null>): (event: KeyboardEvent) => void {
  useEffect(() => {
    const element = bar.current;
    if (element === null) return;
    const settle = (current?: HTMLElement) => {
      const items = itemsOf(element);
      const stop = current ?? items.find((item) => item.tabIndex === 0) ?? items[0];
      for (const item of items) {
        const index = item === stop ? 0 : -1;
        if (item.tabIndex !== index) item.tabIndex = index;
      }
    };
    settle();
    const onFocus = (event: FocusEvent) => {
      const item = itemsOf(element).find((candidate) => candidate === event.target);
      if (item !== undefined) settle(item);
    };
    const observer = new MutationObserver(() => settle());
    observer.observe(element, { childList: true, subtree: true });
    element.addEventListener("focusin", onFocus);
    return () => {
      observer.disconnect();
      element.removeEventListener("focusin", onFocus);
    };
  }, [bar]);
  return (event) => {
    const element = bar.current;
    if (element === null || (event.target as Element).closest("[popover]") !== null) return;
    const items = itemsOf(element);
    const at = items.indexOf(document.activeElement as HTMLElement);
    const next = target(event.key, at, items);
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  };
}

function target(key: string, at: number, items: readonly HTMLElement[]): HTMLElement | undefined {
  switch (key) {
    case "ArrowRight":
      return items[(at + 1) % items.length];
    case "ArrowLeft":
      return items.at(at <= 0 ? -1 : at - 1);
    case "Home":
      return items[0];
    case "End":
      return items.at(-1);
    default:
      return undefined;
  }
}
