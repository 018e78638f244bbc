import { useEffect, useRef } from "react";
import { useBehavior } from "../../app/useBehavior";
import { useCall } from "./context";
import styles from "./LevelMeter.module.css";

const FFT_SIZE = 512;
/** Speech at arm's length fills about two thirds of the bar. */
const GAIN = 6;

/** How loud one's own microphone is right now; silent ones show an empty bar. */
export function LevelMeter() {
  const { session, sounds } = useCall();
  const { microphoneOn } = useBehavior(session.media.state);
  const bar = useRef<HTMLSpanElement>(null);
  useEffect(() => sounds.hold(), [sounds]);
  useEffect(() => {
    const track = session.media.microphoneTrack;
    const element = bar.current;
    if (!microphoneOn || track === null || element === null) return;
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: FFT_SIZE });
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(FFT_SIZE);
    let frame = 0;
    const draw = () => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / FFT_SIZE;
      element.style.transform = `scaleX(${Math.min(1, Math.sqrt(power) * GAIN)})`;
      frame = requestAnimationFrame(draw);
    };
    frame = requestAnimationFrame(draw);
    return () => {
      cancelAnimationFrame(frame);
      element.style.transform = "scaleX(0)";
      void context.close();
    };
  }, [session, microphoneOn]);
  return (
    <div className={styles.meter} aria-hidden="true">
      <span ref={bar} className={styles.level} />
    </div>
  );
}
