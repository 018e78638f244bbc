const EDGE_PX = 8;
const GAP_PX = 8;

export type Side = "above" | "below";

/**
 * Puts a popover beside its opener, inside the window. Styles are set through the object model, which a strict
 * content security policy allows; a `style` attribute in markup it would not.
 */
export function placeBeside(
  floating: HTMLElement,
  opener: HTMLElement,
  wish: Side,
  align: "start" | "center" | "end" = "center",
): void {
  const anchor = opener.getBoundingClientRect();
  const box = floating.getBoundingClientRect();
  const view = { width: document.documentElement.clientWidth, height: window.innerHeight };
  const above = anchor.top - box.height - GAP_PX;
  const below = anchor.bottom + GAP_PX;
  const fits = { above: above >= EDGE_PX, below: below + box.height <= view.height - EDGE_PX };
  const side = fits[wish] ? wish : wish === "above" ? "below" : "above";
  const left = {
    start: anchor.left,
    center: anchor.left + (anchor.width - box.width) / 2,
    end: anchor.right - box.width,
  }[align];
  const top = side === "above" ? above : below;
  floating.style.left = `${clamp(left, EDGE_PX, view.width - box.width - EDGE_PX)}px`;
  floating.style.top = `${clamp(top, EDGE_PX, view.height - box.height - EDGE_PX)}px`;
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
