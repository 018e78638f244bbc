import { Check, type LucideIcon } from "lucide-react";
import { type KeyboardEvent, type ReactNode, type RefObject, useId, useRef, useState } from "react";
import { placeBeside, type Side } from "./floating";
import { Icon } from "./Icon";
import styles from "./Menu.module.css";

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
export interface MenuTriggerProps {
  readonly ref: RefObject<HTMLButtonElement | null>;
  readonly "aria-haspopup": "menu";
  readonly "aria-expanded": boolean;
  readonly "aria-controls": string;
  readonly onPointerDown: () => void;
  readonly onClick: () => void;
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
  const opener = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  // The browser closes the menu between press and click, so that the click alone could not tell.
  const wasOpen = useRef(false);
  const id = useId();
  const show = (last = false) => {
    const menu = list.current;
    if (!menu || !opener.current) return;
    menu.showPopover();
    placeBeside(menu, opener.current, side, align);
    const entries = entriesOf(menu);
    const checked = entries.find((entry) => entry.getAttribute("aria-checked") === "true");
    (checked ?? entries.at(last ? -1 : 0))?.focus();
  };
  const hide = () => {
    list.current?.hidePopover();
    opener.current?.focus();
  };
  return (
    <>
      {trigger({
        ref: opener,
        "aria-haspopup": "menu",
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
        onKeyDown: (event) => {
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          event.preventDefault();
          show(event.key === "ArrowUp");
        },
      })}
      <div
        ref={list}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        className={styles.menu}
        onToggle={(event) => setOpen(event.newState === "open")}
        onKeyDown={(event) => moveFocus(event, hide)}
      >
        {items.map((item) => (
          <MenuEntry key={item.id} item={item} onDone={hide} />
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
