import { LEVEL_BARS, type PreJoinViewModel, preJoinMessages } from "@heydok/client";
import { Mic, MicOff } from "lucide-react";
import { useText } from "../../app/context";
import { useBehavior } from "../../app/useBehavior";
import { Icon } from "../../primitives/Icon";
import { Notice } from "../../primitives/Notice";
import styles from "./LevelMeter.module.css";

/** From here on a bar means too loud. */
const LOUD_BAR = 11;

/** Twelve bars and a word: does the microphone hear me? */
export function LevelMeter({ model }: { model: PreJoinViewModel }) {
  const t = useText(preJoinMessages);
  const microphone = useBehavior(model.microphone.state);
  const { bars, word, silentTooLong } = useBehavior(model.level);
  const on = microphone.status === "on";
  const said = on ? t(`level_${word}`) : t("level_off");
  return (
    <div className={styles.level}>
      <div className={styles.row}>
        <Icon of={on ? Mic : MicOff} />
        {/* biome-ignore lint/a11y/useSemanticElements: <meter> draws its own bar and takes no word for its value. */}
        <div
          role="meter"
          aria-label={t("level")}
          aria-valuemin={0}
          aria-valuemax={LEVEL_BARS}
          aria-valuenow={bars}
          aria-valuetext={said}
          className={styles.bars}
        >
          {Array.from({ length: LEVEL_BARS }, (_, index) => (
            <span
              // biome-ignore lint/suspicious/noArrayIndexKey: the bars never move.
              key={index}
              className={index >= bars ? styles.bar : index >= LOUD_BAR ? styles.loud : styles.lit}
            />
          ))}
        </div>
        <span className={styles.word} aria-hidden="true">
          {said}
        </span>
      </div>
      <div role="status" className={styles.silent}>
        {silentTooLong && (
          <Notice tone="warn" title={t("silent")}>
            <ul className={styles.causes}>
              <li>{t("silentCause1")}</li>
              <li>{t("silentCause2")}</li>
              <li>{t("silentCause3")}</li>
            </ul>
          </Notice>
        )}
      </div>
    </div>
  );
}
