import type { Share } from "@heydok/client/call";
import { Maximize, Minus, Plus, SquareArrowOutUpRight } from "lucide-react";
import { type KeyboardEvent, useCallback, useRef, useState } from "react";
import { useBehavior } from "../../app/useBehavior";
import { IconButton } from "../../primitives/IconButton";
import { useCall, useCallText } from "./context";
import styles from "./ShareStage.module.css";
import { useOwnWindow } from "./useOwnWindow";
import { type ScreenZoom, useZoom } from "./useZoom";
import { VideoView } from "./VideoView";

/** Phones have no second window to put beside the first. */
const canOpenWindow = matchMedia("(pointer: fine)").matches;

interface ScreenProps {
  readonly share: Share;
  readonly name: string;
  /** Whether the name stands on the picture; tabs say it already. */
  readonly captioned: boolean;
}

/** Somebody's shared screen, with what makes small letters readable. */
export function Screen({ share, name, captioned }: ScreenProps) {
  const { session } = useCall();
  const people = useBehavior(session.people.list);
  const view = people.find((person) => person.id === share.id);
  const [picture, setPicture] = useState({ width: 0, height: 0 });
  const scroller = useRef<HTMLDivElement>(null);
  const frame = useRef<HTMLElement>(null);
  const zoom = useZoom(scroller, picture);
  const own = useOwnWindow(view?.screen ?? null, name);
  const onSize = useCallback((width: number, height: number) => setPicture({ width, height }), []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+") zoom.step(1);
    else if (event.key === "-") zoom.step(-1);
    else if (event.key === "0") zoom.fit();
    else if (event.key === "1") zoom.actual();
  };
  const fullScreen = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void frame.current?.requestFullscreen().catch(() => undefined);
  };
  return (
    <figure className={styles.screen} ref={frame} aria-label={name} onKeyDown={onKeyDown}>
      <div
        ref={scroller}
        className={styles.scroller}
        data-fits={zoom.fits || undefined}
        tabIndex={zoom.fits ? -1 : 0}
      >
        <div className={styles.zoomed} style={zoom.size ?? { width: "100%", height: "100%" }}>
          <VideoView
            source={view?.screen ?? null}
            participant={share.id}
            kind="screen_share"
            fit="contain"
            keepLast={view?.stale ?? true}
            onSize={onSize}
          />
        </div>
      </div>
      {captioned && <figcaption className={styles.caption}>{name}</figcaption>}
      <Tools zoom={zoom} onFullScreen={fullScreen} onOwnWindow={canOpenWindow ? own.open : null} />
    </figure>
  );
}

interface ToolsProps {
  readonly zoom: ScreenZoom;
  readonly onFullScreen: () => void;
  readonly onOwnWindow: (() => void) | null;
}

function Tools({ zoom, onFullScreen, onOwnWindow }: ToolsProps) {
  const t = useCallText();
  const level = t("zoomLevel", { percent: zoom.percent });
  return (
    <div className={styles.tools}>
      <IconButton icon={Minus} label={t("zoomOut")} className={styles.tool} onClick={() => zoom.step(-1)} />
      <button
        type="button"
        className={styles.level}
        aria-label={`${zoom.fits ? t("zoomActual") : t("zoomFit")}, ${level}`}
        title={zoom.fits ? t("zoomActual") : t("zoomFit")}
        onClick={zoom.fits ? zoom.actual : zoom.fit}
      >
        {level}
      </button>
      <IconButton icon={Plus} label={t("zoomIn")} className={styles.tool} onClick={() => zoom.step(1)} />
      {onOwnWindow !== null && (
        <IconButton
          icon={SquareArrowOutUpRight}
          label={t("ownWindow")}
          className={styles.tool}
          onClick={onOwnWindow}
        />
      )}
      <IconButton icon={Maximize} label={t("fullScreen")} className={styles.tool} onClick={onFullScreen} />
    </div>
  );
}
