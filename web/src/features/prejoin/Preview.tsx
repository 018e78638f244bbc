import { type DeviceState, initials, type PreJoinViewModel, preJoinMessages } from "@heydok/client";
import { Mic, MicOff, User, Video, VideoOff } from "lucide-react";
import { useEffect, useRef } from "react";
import { useText } from "../../app/context";
import { useBehavior } from "../../app/useBehavior";
import { Icon } from "../../primitives/Icon";
import { IconButton } from "../../primitives/IconButton";
import { Spinner } from "../../primitives/Spinner";
import styles from "./Preview.module.css";

/** What the others will see, with the two switches on it. */
export function Preview({ model }: { model: PreJoinViewModel }) {
  const t = useText(preJoinMessages);
  const camera = useBehavior(model.camera.state);
  const microphone = useBehavior(model.microphone.state);
  const cameraOn = camera.status === "on" || camera.status === "asking";
  const microphoneOn = microphone.status === "on" || microphone.status === "asking";
  return (
    <div className={styles.preview} data-stage-tile>
      {camera.status === "on" ? (
        <Picture stream={camera.capture.stream} label={t("preview")} />
      ) : (
        <NoPicture model={model} camera={camera} />
      )}
      <div className={styles.toggles}>
        <IconButton
          icon={microphoneOn ? Mic : MicOff}
          size={24}
          label={microphoneOn ? t("mute") : t("unmute")}
          className={microphoneOn ? styles.toggle : `${styles.toggle} ${styles.off}`}
          onClick={() => model.toggle("microphone")}
        />
        <IconButton
          icon={cameraOn ? Video : VideoOff}
          size={24}
          label={cameraOn ? t("turnCameraOff") : t("turnCameraOn")}
          className={cameraOn ? styles.toggle : `${styles.toggle} ${styles.off}`}
          onClick={() => model.toggle("camera")}
        />
      </div>
    </div>
  );
}

/** Mirrored, as in a mirror; the others see it the right way round. */
function Picture({ stream, label }: { stream: MediaStream; label: string }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.srcObject = stream;
    // A tab in the background may refuse to play; it starts when it is seen.
    void element.play().catch(() => undefined);
    return () => {
      element.srcObject = null;
    };
  }, [stream]);
  return <video ref={video} className={styles.picture} aria-label={label} muted playsInline autoPlay />;
}

function NoPicture({ model, camera }: { model: PreJoinViewModel; camera: DeviceState }) {
  const t = useText(preJoinMessages);
  const name = useBehavior(model.name);
  if (camera.status === "asking") {
    return (
      <div className={styles.starting} role="status">
        <Spinner size={28} />
        <p>{t("cameraStarting")}</p>
        <p className={styles.ask}>{t("asking")}</p>
      </div>
    );
  }
  return (
    <div className={styles.starting}>
      <span className={styles.initials} aria-hidden="true">
        {name.trim() === "" ? <Icon of={User} size={40} /> : initials(name)}
      </span>
      <p>{camera.status === "fault" ? t("cameraNone") : t("cameraOff")}</p>
    </div>
  );
}
