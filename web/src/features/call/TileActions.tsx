import type { ParticipantView } from "@heydok/client/call";
import { Ellipsis, EyeOff, Pin, PinOff } from "lucide-react";
import { useState } from "react";
import { Button } from "../../primitives/Button";
import { IconButton } from "../../primitives/IconButton";
import { useCall, useCallText } from "./context";
import { Popup } from "./Popup";
import styles from "./Tile.module.css";
import { useTileDeeds } from "./useTileDeeds";

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
          label={t("optionsFor", { name })}
          trigger={(props) => (
            <IconButton
              {...props}
              icon={Ellipsis}
              label={t("optionsFor", { name })}
              tooltipSide="below"
              tabIndex={tabIndex}
              data-tile-menu
              className={styles.action}
            />
          )}
        >
          {(close) => (
            <>
              <VolumeSlider view={view} />
              <HideButton view={view} close={close} />
            </>
          )}
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

/** The person stays in the meeting, is heard, and can be brought back from the list of people. */
function HideButton({ view, close }: { view: ParticipantView; close: () => void }) {
  const t = useCallText();
  const deeds = useTileDeeds();
  const hide = () => {
    close();
    deeds.hide(view.id);
  };
  return (
    <Button wide icon={EyeOff} onClick={hide}>
      {t("hide", { name: view.name })}
    </Button>
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
