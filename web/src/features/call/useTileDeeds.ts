import { useMemo } from "react";
import { useAnnounce } from "../../primitives/Announcer";
import { useCall, useCallText } from "./context";

export interface TileDeeds {
  /** Pins somebody's tile, or unpins it. */
  pin(id: string): void;
  /** Takes somebody's tile off one's own stage; they are still heard and listed. */
  hide(id: string): void;
  unhide(id: string): void;
}

/** What one does with tiles for oneself, said to those who do not see it. */
export function useTileDeeds(): TileDeeds {
  const { session, stage } = useCall();
  const t = useCallText();
  const announce = useAnnounce();
  return useMemo(() => {
    const nameOf = (id: string) => session.people.list.value.find((view) => view.id === id)?.name ?? id;
    return {
      pin: (id) => {
        const wasPinned = stage.state.value.pinned.includes(id);
        stage.pin(id);
        announce(t(wasPinned ? "unpinnedNews" : "pinnedNews", { name: nameOf(id) }));
      },
      hide: (id) => {
        stage.hide(id, true);
        announce(t("hiddenNews", { name: nameOf(id) }));
      },
      unhide: (id) => {
        stage.hide(id, false);
        announce(t("shownNews", { name: nameOf(id) }));
      },
    };
  }, [session, stage, t, announce]);
}
