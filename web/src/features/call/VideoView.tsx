import type { VideoSource } from "@heydok/client/call";
import { type RefObject, useEffect, useRef, useState } from "react";
import styles from "./VideoView.module.css";

interface VideoViewProps {
  readonly source: VideoSource | null;
  readonly participant: string;
  readonly kind: "camera" | "screen_share";
  readonly mirrored?: boolean;
  /** `contain` shows all of the picture, `cover` fills the box; portrait cameras may be spared the cutting. */
  readonly fit: "contain" | "cover" | "landscape-cover";
  /** Keeps the last picture on screen when the source is gone. */
  readonly keepLast: boolean;
  readonly videoRef?: RefObject<HTMLVideoElement | null>;
  /** Told the picture's own size whenever it changes. */
  readonly onSize?: (width: number, height: number) => void;
}

/** One picture. While the line is cut its last frame stays instead of a black box. */
export function VideoView(props: VideoViewProps) {
  const { source, participant, kind, mirrored = false, fit, keepLast, videoRef, onSize } = props;
  const own = useRef<HTMLVideoElement>(null);
  const video = videoRef ?? own;
  const last = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = video.current;
    if (source === null || element === null) return;
    const detach = source.attach(element);
    const canvas = last.current;
    return () => {
      if (canvas !== null) drawLast(element, canvas);
      detach();
    };
  }, [source, video]);
  // The room lets go of its pictures when it connects anew, which is soon after it has lost somebody.
  useEffect(() => {
    if (keepLast && video.current !== null && last.current !== null) drawLast(video.current, last.current);
  }, [keepLast, video]);
  const [portrait, setPortrait] = useState(false);
  const whole = fit === "contain" || (fit === "landscape-cover" && portrait);
  const classes = [styles.video, mirrored && styles.mirrored, whole && styles.contain];
  return (
    <>
      <canvas ref={last} hidden={!keepLast} className={classes.filter(Boolean).join(" ")} />
      <video
        ref={video}
        autoPlay
        muted
        playsInline
        disablePictureInPicture
        data-participant={participant}
        data-source={kind}
        onResize={(event) => {
          const { videoWidth, videoHeight } = event.currentTarget;
          setPortrait(videoHeight > videoWidth);
          onSize?.(videoWidth, videoHeight);
        }}
        onEmptied={() => onSize?.(0, 0)}
        hidden={source === null}
        className={classes.filter(Boolean).join(" ")}
      />
    </>
  );
}

function drawLast(video: HTMLVideoElement, canvas: HTMLCanvasElement): void {
  if (video.videoWidth === 0) return;
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
}
