import { Check, type LucideIcon } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useRef } from "react";
import type { Side } from "./floating";
import { Icon } from "./Icon";
import styles from "./Menu.module.css";
import { type PopoverTriggerProps, usePopover } from "./usePopover";

export interface MenuItem {
  readonly id: string;
  readonly label: string;
  readonly icon?: LucideIcon;
  /** Makes the item one of a choice. */
  readonly checked?: boolean;
  readonly danger?: boolean;
  readonly lang?: string;
  readonly onSelect: () => void;
}

/** What the opener must carry; spread it on a `Button` or `IconButton`. */
export interface MenuTriggerProps extends PopoverTriggerProps {
  readonly "aria-haspopup": "menu";
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

export interface MenuProps {
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly side?: Side;
  readonly align?: "start" | "center" | "end";
  readonly trigger: (props: MenuTriggerProps) => ReactNode;
}

/** A list of actions or choices that opens from a button. Arrows, Home, End and first letters move; Esc closes. */
export function Menu({ label, items, side = "below", align = "end", trigger }: MenuProps) {
  const last = useRef(false);
  const menu = usePopover({
    side,
    align,
    onOpen: (panel) => {
      const entries = entriesOf(panel);
      const checked = entries.find((entry) => entry.getAttribute("aria-checked") === "true");
      (checked ?? entries.at(last.current ? -1 : 0))?.focus();
      last.current = false;
    },
  });
  return (
    <>
      {trigger({
        ...menu.trigger,
        "aria-haspopup": "menu",
        onKeyDown: (event) => {
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          event.preventDefault();
          last.current = event.key === "ArrowUp";
          menu.show();
        },
      })}
      <div
        ref={menu.panel}
        id={menu.id}
        popover="auto"
        role="menu"
        aria-label={label}
        className={styles.menu}
        onToggle={(event) => menu.toggled(event.newState)}
        onKeyDown={(event) => moveFocus(event, menu.hide)}
      >
        {items.map((item) => (
          <MenuEntry key={item.id} item={item} onDone={menu.hide} />
        ))}
      </div>
    </>
  );
}

function MenuEntry({ item, onDone }: { item: MenuItem; onDone: () => void }) {
  const choice = item.checked !== undefined;
  const semantics = choice ? { role: "menuitemradio", "aria-checked": item.checked } : { role: "menuitem" };
  return (
    <button
      type="button"
      {...semantics}
      tabIndex={-1}
      lang={item.lang}
      className={item.danger ? `${styles.item} ${styles.danger}` : styles.item}
      onClick={() => {
        onDone();
        item.onSelect();
      }}
    >
      <span className={styles.mark}>
        {choice
          ? item.checked && <Icon of={Check} size={18} />
          : item.icon && <Icon of={item.icon} size={18} />}
      </span>
      {item.label}
    </button>
  );
}

function entriesOf(menu: HTMLElement): HTMLElement[] {
  return [...menu.querySelectorAll<HTMLElement>("[role^=menuitem]")];
}

function moveFocus(event: KeyboardEvent<HTMLElement>, hide: () => void): void {
  const entries = entriesOf(event.currentTarget);
  const at = entries.indexOf(document.activeElement as HTMLElement);
  const target = targetOf(event.key, at, entries);
  if (event.key === "Escape" || event.key === "Tab") {
    event.stopPropagation();
    if (event.key === "Escape") event.preventDefault();
    hide();
  } else if (target) {
    event.preventDefault();
    target.focus();
  }
}

function targetOf(key: string, at: number, entries: readonly HTMLElement[]): HTMLElement | undefined {
  switch (key) {
    case "ArrowDown":
      return entries[(at + 1) % entries.length];
    case "ArrowUp":
      return entries.at(at <= 0 ? -1 : at - 1);
    case "Home":
      return entries[0];
    case "End":
      return entries.at(-1);
    default: {
      if (key.length !== 1) return undefined;
      const after = [...entries.slice(at + 1), ...entries.slice(0, at + 1)];
      return after.find((entry) => entry.textContent?.trim().toLowerCase().startsWith(key.toLowerCase()));
    }
  }
}
