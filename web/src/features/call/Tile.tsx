import {
  lineMessages,
  type NoSound,
  type ParticipantView,
  type PlacedTile,
  type Role,
} from "@heydok/client/call";
import { Mic, MicOff, Pin } from "lucide-react";
import {
  type CSSProperties,
  type KeyboardEvent,
  memo,
  useCallback,
  useEffect,
  useRef,
  useState,
} from "react";
import { useText } from "../../app/context";
import { Avatar } from "../../primitives/Avatar";
import { Icon } from "../../primitives/Icon";
import { useCallText } from "./context";
import { QualityBars } from "./QualityBars";
import styles from "./Tile.module.css";
import { TileActions } from "./TileActions";
import { useFrozen } from "./useFrozen";
import { VideoView } from "./VideoView";

interface TileProps {
  readonly view: ParticipantView;
  readonly placed: PlacedTile;
  /** Avatar colour. */
  readonly colour: number;
  readonly role: Role;
  readonly pinned: boolean;
  /** The one tile that Tab reaches; arrows lead to the others. */
  readonly current: boolean;
  /** Out of the tab order, as while the line is cut. */
  readonly asleep: boolean;
  /** Why nothing is heard although the microphone is open. */
  readonly unheard: NoSound | null;
  readonly onPin: (id: string) => void;
  readonly onKeyDown: (event: KeyboardEvent, id: string) => void;
  readonly onFocus: (id: string) => void;
}

/** Below these sizes, in CSS pixels, something gives way to the name: "muted" is only drawn, "Host" is left out. */
const SMALL_PX = 176;
const TITLED_PX = 224;
/** From this width on the quality has room for its words. */
const WORDED_PX = 400;
/** Below this height initials and name would cover each other in the middle. */
const LOW_PX = 136;

/** One person on the stage. */
export const Tile = memo(function Tile(props: TileProps) {
  const { view, placed, colour, role, pinned, current, asleep, unheard, onPin, onKeyDown, onFocus } = props;
  const t = useCallText();
  const video = useRef<HTMLVideoElement>(null);
  // A camera that is on shows nothing until its first picture has arrived.
  const [pictured, setPictured] = useState(false);
  const onSize = useCallback((width: number) => setPictured(width > 0), []);
  const source = view.camera?.key;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another camera starts without a picture.
  useEffect(() => setPictured((video.current?.videoWidth ?? 0) > 0), [source]);
  const frozen = useFrozen(video, view.camera !== null && !view.isLocal);
  const still = view.stale || frozen || (view.paused && view.camera !== null);
  const weak = still || view.quality === "lost";
  const small = placed.box.width < SMALL_PX;
  const titled = placed.box.width >= TITLED_PX;
  const name = view.isLocal ? t("nameYou", { name: view.name }) : view.name;
  const described = [
    name,
    view.microphoneOn ? (view.speaking ? t("speaking") : t("micOn")) : t("muted"),
    pinned ? t("pinned") : "",
  ];
  const reachable = current && !asleep;
  return (
    <li
      className={styles.tile}
      style={boxStyle(placed)}
      data-participant={view.id}
      data-role={placed.role}
      data-speaking={view.speaking || undefined}
      data-weak={weak || undefined}
      data-low={placed.box.height < LOW_PX || undefined}
      aria-label={described.filter(Boolean).join(", ")}
      tabIndex={reachable ? 0 : -1}
      onKeyDown={(event) => onKeyDown(event, view.id)}
      onFocus={() => onFocus(view.id)}
    >
      {(view.camera === null || !pictured) && (
        <Avatar colour={colour} name={view.name} className={styles.avatar} />
      )}
      <VideoView
        source={view.camera}
        participant={view.id}
        kind="camera"
        mirrored={view.isLocal}
        fit={placed.role === "main" ? "landscape-cover" : "cover"}
        keepLast={view.stale && view.cameraOn}
        videoRef={video}
        onSize={onSize}
      />
      <TileActions view={view} pinned={pinned} reachable={reachable} onPin={onPin} />
      <div className={styles.plate}>
        {pinned && <Icon of={Pin} size={14} />}
        <span className={styles.who} title={name}>
          <span className={styles.name}>{view.name}</span>
          {view.isLocal && <span> {t("you")}</span>}
        </span>
        {role === "host" && titled && <span className={styles.badge}>{t("host")}</span>}
        {role === "external" && titled && <span className={styles.badge}>{t("external")}</span>}
        <MicState view={view} small={small} />
        <QualityMark view={view} worded={placed.box.width >= WORDED_PX} />
      </div>
      {!view.isLocal && !asleep && <Trouble view={view} still={still} unheard={unheard} />}
    </li>
  );
});

/** What is wrong with what comes from this person, in words. */
function Trouble(props: { view: ParticipantView; still: boolean; unheard: NoSound | null }) {
  const { view, still, unheard } = props;
  const t = useCallText();
  const line = useText(lineMessages);
  if (still) return <p className={styles.trouble}>{t("qualityWeak")}</p>;
  if (unheard === null || !view.microphoneOn) return null;
  return (
    <p className={styles.trouble}>
      {t("noSoundFrom", { name: view.name })}
      <span className={styles.cause}>
        {line(unheard === "nothing-arrives" ? "nothingArrives" : "theirMicrophoneSilent")}
      </span>
    </p>
  );
}

function boxStyle(placed: PlacedTile): CSSProperties {
  const { x, y, width, height } = placed.box;
  const round = Math.round;
  return { transform: `translate(${round(x)}px, ${round(y)}px)`, width: round(width), height: round(height) };
}

function MicState({ view, small }: { view: ParticipantView; small: boolean }) {
  const t = useCallText();
  if (view.microphoneOn) {
    return (
      <span className={styles.mic} data-speaking={view.speaking || undefined}>
        <Icon of={Mic} size={16} />
        <span className="visually-hidden">{view.speaking ? t("speaking") : t("micOn")}</span>
      </span>
    );
  }
  return (
    <span className={styles.muted}>
      <Icon of={MicOff} size={16} />
      <span className={small ? "visually-hidden" : undefined}>{t("muted")}</span>
    </span>
  );
}

function QualityMark({ view, worded }: { view: ParticipantView; worded: boolean }) {
  const t = useCallText();
  if (view.quality !== "weak" && view.quality !== "lost") return null;
  const text = view.quality === "weak" ? t("qualityWeak") : t("qualityLost");
  return (
    <span className={styles.quality} title={text}>
      <QualityBars quality={view.quality} />
      <span className={worded ? undefined : "visually-hidden"}>{text}</span>
    </span>
  );
}
