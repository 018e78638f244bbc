import { ChevronLeft, ChevronRight } from "lucide-react";
import { useEffect, useRef } from "react";
import { useAnnounce } from "../../primitives/Announcer";
import { IconButton } from "../../primitives/IconButton";
import { useCall, useCallText } from "./context";
import styles from "./StageArea.module.css";

/** Turns the pages of tiles. */
export function PageControls({ page, pages }: { page: number; pages: number }) {
  const { stage } = useCall();
  const t = useCallText();
  const announce = useAnnounce();
  const text = t("page", { page: page + 1, pages });
  const before = useRef(page);
  useEffect(() => {
    if (before.current !== page) announce(text);
    before.current = page;
  }, [page, text, announce]);
  return (
    <div className={styles.pages}>
      <IconButton
        icon={ChevronLeft}
        label={t("previousPage")}
        className={styles.pageButton}
        aria-disabled={page === 0 || undefined}
        onClick={() => stage.turnPage(-1)}
      />
      <span>{text}</span>
      <IconButton
        icon={ChevronRight}
        label={t("nextPage")}
        className={styles.pageButton}
        aria-disabled={page === pages - 1 || undefined}
        onClick={() => stage.turnPage(1)}
      />
    </div>
  );
}
