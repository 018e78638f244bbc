import { useEffect, useState } from "react";
import { useBehavior } from "../../app/useBehavior";
import styles from "./ControlBar.module.css";
import { useCall, useCallText } from "./context";

const LOOK_EVERY_MS = 100;
/** Speech this long, with pauses for breath, earns the hint. */
const SPEECH_MS = 2_000;
const SHOWN_MS = 5_000;
const NOT_AGAIN_MS = 60_000;
/** Root mean square of speech at arm's length; rooms are quieter. */
const SPEECH_LEVEL = 0.03;

/** Tells somebody who speaks into a muted microphone. Listens in this page only; nothing is sent. */
export function MutedNudge() {
  const { session } = useCall();
  const t = useCallText();
  const { microphoneOn } = useBehavior(session.media.state);
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const track = session.media.microphoneTrack;
    setShown(false);
    if (microphoneOn || track === null || track.readyState !== "live") return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = watchSpeech(track, () => {
      setShown(true);
      timer = setTimeout(() => setShown(false), SHOWN_MS);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [session, microphoneOn]);
  return <div role="status">{shown && <p className={styles.nudge}>{t("youAreMuted")}</p>}</div>;
}

/** Calls `onSpeech` when somebody has spoken for a while, at most once a minute. */
function watchSpeech(muted: MediaStreamTrack, onSpeech: () => void): () => void {
  // The muted track is silent by itself; a copy of it hears.
  const ear = muted.clone();
  ear.enabled = true;
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(new MediaStream([ear])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let spokenMs = 0;
  let quietUntil = 0;
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    const speaks = Math.sqrt(power) > SPEECH_LEVEL;
    spokenMs = Math.max(0, spokenMs + (speaks ? LOOK_EVERY_MS : -LOOK_EVERY_MS));
    if (spokenMs < SPEECH_MS || performance.now() < quietUntil) return;
    quietUntil = performance.now() + NOT_AGAIN_MS;
    spokenMs = 0;
    onSpeech();
  }, LOOK_EVERY_MS);
  return () => {
    clearInterval(timer);
    ear.stop();
    void context.close();
  };
}
