import type { Box, Share } from "@heydok/client/call";
import { Maximize, Minus, Plus, ScreenShareOff } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { useBehavior } from "../../app/useBehavior";
import { Button } from "../../primitives/Button";
import { IconButton } from "../../primitives/IconButton";
import { useCall, useCallText } from "./context";
import styles from "./ShareStage.module.css";
import { VideoView } from "./VideoView";

const ZOOMS: readonly number[] = [50, 75, 100, 150, 200, 300, 400];
/** Two screens stand side by side from this width on, in CSS pixels. */
const SIDE_BY_SIDE_PX = 960;

/** Shared screens: one, two side by side where there is room, else one at a time behind tabs. */
export function ShareStage({ box, shares }: { box: Box; shares: readonly Share[] }) {
  const t = useCallText();
  const [chosen, setChosen] = useState<string | null>(null);
  const beside = shares.length === 2 && box.width >= SIDE_BY_SIDE_PX;
  const first =
    shares.find((share) => share.id === chosen) ?? shares.find((share) => !share.isLocal) ?? shares[0];
  const shown = beside ? shares : first === undefined ? [] : [first];
  const nameOf = (share: Share) => (share.isLocal ? t("yourScreen") : t("screenOf", { name: share.name }));
  return (
    <section
      aria-label={t("stage")}
      className={styles.stage}
      style={{ left: box.x, top: box.y, width: box.width, height: box.height }}
      data-f6-region=""
    >
      {!beside && shares.length > 1 && (
        <div className={styles.tabs}>
          {shares.map((share) => (
            <button
              key={share.id}
              type="button"
              className={styles.tab}
              aria-pressed={share.id === first?.id}
              onClick={() => setChosen(share.id)}
            >
              {nameOf(share)}
            </button>
          ))}
        </div>
      )}
      <div className={styles.screens}>
        {shown.map((share) =>
          share.isLocal ? (
            <OwnScreen key={share.id} />
          ) : (
            <Screen key={share.id} share={share} name={nameOf(share)} />
          ),
        )}
      </div>
    </section>
  );
}

/** One's own screen is not shown: it would show itself showing itself. */
function OwnScreen() {
  const { session } = useCall();
  const t = useCallText();
  return (
    <div className={styles.own}>
      <p className={styles.ownTitle}>{t("youAreSharing")}</p>
      <p className={styles.ownHint}>{t("ownShareHint")}</p>
      <Button icon={ScreenShareOff} onClick={() => session.media.stopShare()}>
        {t("stopShare")}
      </Button>
    </div>
  );
}

function Screen({ share, name }: { share: Share; name: string }) {
  const { session } = useCall();
  const t = useCallText();
  const people = useBehavior(session.people.list);
  const view = people.find((person) => person.id === share.id);
  const [zoom, setZoom] = useState<number>(100);
  const frame = useRef<HTMLElement>(null);
  const step = (by: 1 | -1) => {
    const at = ZOOMS.indexOf(zoom);
    setZoom(ZOOMS[at + by] ?? zoom);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+") step(1);
    else if (event.key === "-") step(-1);
    else if (event.key === "0") setZoom(100);
  };
  const fullScreen = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void frame.current?.requestFullscreen().catch(() => undefined);
  };
  return (
    <figure className={styles.screen} ref={frame} aria-label={name} onKeyDown={onKeyDown}>
      <div className={styles.scroller} tabIndex={zoom > 100 ? 0 : -1}>
        <div className={styles.zoomed} style={{ width: `${zoom}%`, height: `${zoom}%` }}>
          <VideoView
            source={view?.screen ?? null}
            participant={share.id}
            kind="screen_share"
            fit="contain"
            keepLast={view?.stale ?? true}
          />
        </div>
      </div>
      <figcaption className={styles.caption}>{name}</figcaption>
      <div className={styles.tools}>
        <IconButton icon={Minus} label={t("zoomOut")} className={styles.tool} onClick={() => step(-1)} />
        <button type="button" className={styles.level} aria-label={t("zoomFit")} onClick={() => setZoom(100)}>
          {t("zoomLevel", { percent: zoom })}
        </button>
        <IconButton icon={Plus} label={t("zoomIn")} className={styles.tool} onClick={() => step(1)} />
        <IconButton icon={Maximize} label={t("fullScreen")} className={styles.tool} onClick={fullScreen} />
      </div>
    </figure>
  );
}
