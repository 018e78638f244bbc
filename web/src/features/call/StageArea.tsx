import { avatarColours, type ConnectionPhase, neighbour } from "@heydok/client/call";
import { type KeyboardEvent, useCallback, useMemo, useRef, useState } from "react";
import { useBehavior } from "../../app/useBehavior";
import { useCall, useCallText } from "./context";
import { PageControls } from "./PageControls";
import { SelfCorners } from "./SelfCorners";
import { ShareStage } from "./ShareStage";
import styles from "./StageArea.module.css";
import { Tile } from "./Tile";
import { useStageSize } from "./useStageSize";
import { useTileDeeds } from "./useTileDeeds";

const DIRECTIONS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" } as const;

/** Everybody on the page, and shared screens. The document keeps joining order; boxes say what is seen where. */
export function StageArea({ phase }: { phase: ConnectionPhase }) {
  const { session, stage } = useCall();
  const t = useCallText();
  const area = useRef<HTMLDivElement>(null);
  useStageSize(area, stage);
  const state = useBehavior(stage.state);
  const people = useBehavior(session.people.list);
  const roles = useBehavior(session.roles);
  const unheard = useBehavior(session.monitor.unheard);
  const [focused, setFocused] = useState<string | null>(null);
  const { pin: onPin } = useTileDeeds();
  const cut = phase === "reconnecting" || phase === "reconnecting-long";

  const colours = useMemo(() => avatarColours(people.map((view) => view.id)), [people]);
  const placed = useMemo(() => new Map(state.tiles.map((tile) => [tile.id, tile])), [state.tiles]);
  const current = focused !== null && placed.has(focused) ? focused : (state.tiles[0]?.id ?? null);
  const tilesNow = useRef(state.tiles);
  tilesNow.current = state.tiles;

  const onKeyDown = useCallback(
    (event: KeyboardEvent, id: string) => {
      if (event.target !== event.currentTarget) return;
      const direction = DIRECTIONS[event.key as keyof typeof DIRECTIONS];
      if (direction !== undefined) {
        event.preventDefault();
        const next = neighbour(tilesNow.current, id, direction);
        if (next !== null) focusTile(area.current, next);
      } else if (event.key === "Enter") {
        event.preventDefault();
        onPin(id);
      } else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
        event.preventDefault();
        event.currentTarget.querySelector<HTMLElement>("[data-tile-menu]")?.click();
      }
    },
    [onPin],
  );
  const onFocus = useCallback(
    (id: string) => {
      setFocused(id);
      stage.touch(true);
    },
    [stage],
  );
  return (
    <div className={styles.area} ref={area}>
      {state.share !== null && <ShareStage box={state.share} shares={state.shares} />}
      <section aria-label={t("participants")} data-f6-region={cut ? undefined : ""}>
        <ul className={styles.tiles} aria-label={t("participants")}>
          {people.map((view) => {
            const tile = placed.get(view.id);
            if (tile === undefined) return null;
            return (
              <Tile
                key={view.id}
                view={view}
                placed={tile}
                colour={colours.get(view.id) ?? 1}
                role={roles.get(view.id) ?? "unknown"}
                pinned={state.pinned.includes(view.id)}
                current={current === view.id}
                asleep={cut}
                unheard={unheard.get(view.id) ?? null}
                onPin={onPin}
                onKeyDown={onKeyDown}
                onFocus={onFocus}
              />
            );
          })}
        </ul>
        <SelfCorners tiles={state.tiles} corner={state.corner} />
      </section>
      {state.pages > 1 && <PageControls page={state.page} pages={state.pages} />}
    </div>
  );
}

function focusTile(area: HTMLElement | null, id: string): void {
  area?.querySelector<HTMLElement>(`li[data-participant="${CSS.escape(id)}"]`)?.focus();
}
