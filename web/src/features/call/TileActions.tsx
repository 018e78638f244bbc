import type { ParticipantView } from "@heydok/client/call";
import { Pin, PinOff, Volume2 } from "lucide-react";
import { useState } from "react";
import { IconButton } from "../../primitives/IconButton";
import { useCall, useCallText } from "./context";
import { Popup } from "./Popup";
import styles from "./Tile.module.css";

interface TileActionsProps {
  readonly view: ParticipantView;
  readonly pinned: boolean;
  readonly reachable: boolean;
  readonly onPin: (id: string) => void;
}

/** What can be done with a tile; shown under the pointer and with the focus. */
export function TileActions({ view, pinned, reachable, onPin }: TileActionsProps) {
  const t = useCallText();
  const tabIndex = reachable ? 0 : -1;
  const name = view.name;
  return (
    <div className={styles.actions}>
      {!view.isLocal && (
        <Popup
          label={t("volumeOf", { name })}
          trigger={(props) => (
            <IconButton
              {...props}
              icon={Volume2}
              label={t("volumeOf", { name })}
              tooltipSide="below"
              tabIndex={tabIndex}
              data-tile-menu
              className={styles.action}
            />
          )}
        >
          {() => <VolumeSlider view={view} />}
        </Popup>
      )}
      <IconButton
        icon={pinned ? PinOff : Pin}
        label={pinned ? t("unpin", { name }) : t("pin", { name })}
        tooltipSide="below"
        tabIndex={tabIndex}
        className={styles.action}
        onClick={() => onPin(view.id)}
      />
    </div>
  );
}

function VolumeSlider({ view }: { view: ParticipantView }) {
  const { session } = useCall();
  const t = useCallText();
  const { sink } = session.people;
  const [percent, setPercent] = useState(Math.round(sink.volumeOf(view.id) * 100));
  return (
    <label className={styles.volume}>
      <span>{t("volumeOf", { name: view.name })}</span>
      <input
        type="range"
        min={0}
        max={100}
        step={5}
        value={percent}
        aria-valuetext={t("zoomLevel", { percent })}
        onChange={(event) => {
          const next = Number(event.currentTarget.value);
          setPercent(next);
          sink.setVolume(view.id, next / 100);
        }}
      />
    </label>
  );
}
